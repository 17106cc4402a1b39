"""Completions, fill-in-the-middle and embeddings by the real LiteLLM, to strict stand-ins."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from providers.base import Target, UpstreamCall, Via, WireName
from providers.errors import (
    ProviderBusy,
    ProviderRejected,
    ProviderUnavailable,
    ReplyCut,
    UnsupportedFeature,
)
from providers.translated import DROPPED_HEADER
from tests.fakes.translation import read_all, target
from tests.fakes.vendor import Ending, TokenUsage

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore"),  # LiteLLM's own, of every kind
]

COMPLETIONS, FIM = WireName.OPENAI_COMPLETIONS, WireName.MISTRAL_FIM
EMBEDDINGS, RERANK = WireName.OPENAI_EMBEDDINGS, WireName.JINA_RERANK
PROMPT = {"prompt": "def add(a, b):\n    ", "suffix": "\n\nprint(add(1, 2))"}
both = pytest.mark.parametrize("wire", [COMPLETIONS, FIM])
streamed_or_not = pytest.mark.parametrize("streaming", [True, False])
# A vendor told to go by LiteLLM, and an engine whose completions answer a fill-in-the-middle.
UPSTREAMS = ("deepseek", "qwen", "openai:openai_completions")


def call(wire: WireName, kind: str, url: str, *, streaming: bool = False, **more: Any) -> Any:
    body = {"model": "alias", **(PROMPT if wire in (COMPLETIONS, FIM) else {}), **more}
    if streaming:
        body["stream"] = True
    return UpstreamCall(wire, target(kind, url), json.dumps(body).encode(), (), streaming)


def by_litellm(wanted: UpstreamCall) -> UpstreamCall:
    """The same to a vendor whose configuration says `via: litellm`."""
    vendor = replace(wanted.target.vendor, via=Via.LITELLM)
    elsewhere = Target(vendor, wanted.target.upstream_model)
    return msgspec.structs.replace(wanted, target=elsewhere)


async def ask(sender: Any, wanted: UpstreamCall) -> Any:
    return json.loads(await read_all(await sender.send(wanted)))


async def stream(sender: Any, wanted: UpstreamCall) -> list[Any]:
    data = await read_all(await sender.send(wanted))
    *events, done, rest = data.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    return [json.loads(each.removeprefix(b"data: ")) for each in events]


def text_in(wire: WireName, choice: Any) -> str:
    if wire is COMPLETIONS:
        return choice["text"]
    return (choice.get("delta") or choice.get("message"))["content"]


@both
@pytest.mark.parametrize("kind", UPSTREAMS)
async def test_a_whole_completion_comes_from(sender, vendor, kind, wire):
    vendor.says("return a + b")
    vendor.uses(TokenUsage(input=11, output=7))

    reply = await ask(sender, call(wire, kind, vendor.url, max_tokens=64, stop=["\n\n"]))

    assert vendor.refusals == []
    seen = vendor.calls[-1]
    assert seen.path == "/v1/completions"
    assert seen.header("authorization") == "Bearer vendor-key"
    assert seen.json() == {"model": "m-1", "max_tokens": 64, "stop": ["\n\n"], **PROMPT}
    assert text_in(wire, reply["choices"][0]) == "return a + b"
    assert reply["choices"][0]["finish_reason"] == "stop"
    assert (reply["model"], reply["id"]) == ("m-1", "cmpl-standin-1")
    assert reply["usage"]["prompt_tokens"] == 11
    assert reply["usage"]["completion_tokens"] == 7


@both
@pytest.mark.parametrize("kind", UPSTREAMS)
async def test_a_streamed_completion_comes_from(sender, vendor, kind, wire):
    vendor.says("return a + b")
    vendor.uses(TokenUsage(input=11, output=7))
    options = {"stream_options": {"include_usage": True}} if wire is COMPLETIONS else {}

    chunks = await stream(sender, call(wire, kind, vendor.url, streaming=True, **options))

    assert vendor.refusals == []
    said = [text_in(wire, each["choices"][0]) for each in chunks if each["choices"]]
    assert "".join(said) == "return a + b"
    ends = [each["choices"][0]["finish_reason"] for each in chunks if each["choices"]]
    assert ends[-1] == "stop"
    assert set(ends[:-1]) == {None}
    assert chunks[-1]["usage"]["completion_tokens"] == 7
    assert bool(chunks[-1]["choices"]) is (wire is FIM)


async def test_usage_that_nobody_asked_for_is_kept_out_of_a_completions_stream(sender, vendor):
    chunks = await stream(sender, call(COMPLETIONS, "deepseek", vendor.url, streaming=True))
    assert [each for each in chunks if "usage" in each] == []


@streamed_or_not
async def test_an_engine_that_completes_answers_a_fill_in_the_middle(sender, engine, streaming):
    engine.says("return a + b")
    wanted = call(FIM, "in_house:openai_completions", engine.url, streaming=streaming)
    if streaming:
        said = "".join(text_in(FIM, each["choices"][0]) for each in await stream(sender, wanted))
    else:
        said = text_in(FIM, (await ask(sender, wanted))["choices"][0])
    assert said == "return a + b"
    assert engine.calls[-1].path == "/v1/completions"
    assert engine.calls[-1].json()["suffix"] == PROMPT["suffix"]


async def test_mistrals_words_are_put_into_openais(sender, vendor):
    reply = await sender.send(call(FIM, "deepseek", vendor.url, random_seed=7, min_tokens=2))
    assert vendor.calls[-1].json()["seed"] == 7
    assert dict(reply.headers)[DROPPED_HEADER] == b"min_tokens"


async def test_several_prompts_and_answers_come_back_in_their_places(sender, vendor):
    vendor.says("!")
    more = {"prompt": ["a", "b"], "suffix": None, "n": 2, "logprobs": 1, "echo": True}
    reply = await ask(sender, call(COMPLETIONS, "qwen", vendor.url, **more))
    assert [each["index"] for each in reply["choices"]] == [0, 1, 2, 3]
    assert reply["choices"][0]["logprobs"]["token_logprobs"] == [-0.5]
    assert vendor.calls[-1].json()["prompt"] == ["a", "b"]


@pytest.mark.parametrize("prompt", [["one"], [1, 2, 3], [[1, 2], [3]]])
async def test_prompts_of_every_form_arrive(sender, vendor, prompt):
    await ask(sender, call(COMPLETIONS, "qwen", vendor.url, prompt=prompt))
    wanted = "one" if prompt == ["one"] else prompt
    assert vendor.calls[-1].json()["prompt"] == wanted


@pytest.mark.parametrize("more", [{"n": 2}, {"prompt": ["a", "b"]}, {"logprobs": 1}])
async def test_what_a_translated_stream_would_lose_is_refused(sender, vendor, more):
    with pytest.raises(UnsupportedFeature, match=r"^(n|logprobs): "):
        await sender.send(call(COMPLETIONS, "deepseek", vendor.url, streaming=True, **more))
    assert vendor.calls == []


@both
async def test_a_completion_without_a_stop_reason_is_cut(sender, vendor, wire):
    vendor.cuts_after(events=2, ending=Ending.CLEAN)
    reply = await sender.send(call(wire, "deepseek", vendor.url, streaming=True))
    with pytest.raises(ReplyCut):
        await read_all(reply)


@both
@pytest.mark.parametrize(
    "body",
    [
        b'{"choices":[]}',
        b'{"choices":[{"index":0,"text":"a","finish_reason":null}]}',
        b'{"choices":[{"index":0,"message":{"content":"chat"},"finish_reason":"stop"}]}',
        b'{"choices":[5]}',
        b"[]",
    ],
)
async def test_an_answer_that_is_no_completion_is_a_failure(sender, vendor, wire, body):
    vendor.answers(200, body)
    with pytest.raises(ProviderUnavailable):
        await sender.send(call(wire, "deepseek", vendor.url))


@pytest.mark.parametrize("encoding", [None, "float", "base64"])
@pytest.mark.parametrize("given", ["a", ["a", "b"], [1, 2], [[1], [2]]])
async def test_embeddings_come_back_byte_for_byte(sender, vendor, given, encoding):
    more = {"input": given, "dimensions": 3, "encoding_format": encoding}
    wanted = call(EMBEDDINGS, "qwen", vendor.url, **more)
    data = await read_all(await sender.send(wanted))

    seen = vendor.calls[-1]
    assert vendor.refusals == []
    assert seen.path == "/v1/embeddings"
    assert seen.json() == {"model": "m-1", **more, "encoding_format": encoding or "float"}
    packed = "AAAAPwAAgL4AAAA+"
    vector = packed if encoding == "base64" else [0.5, -0.25, 0.125]
    assert json.loads(data)["data"][0]["embedding"] == vector
    assert b'"usage":{"prompt_tokens":11,"total_tokens":11}' in data


async def test_an_answer_that_holds_no_vectors_is_a_failure(sender, vendor):
    vendor.answers(200, b'{"object":"list"}')
    with pytest.raises(ProviderUnavailable):
        await sender.send(call(EMBEDDINGS, "qwen", vendor.url, input="a"))


@pytest.mark.parametrize(
    ("wire", "kind", "more"), [(COMPLETIONS, "deepseek", {}), (EMBEDDINGS, "qwen", {"input": "a"})]
)
async def test_a_vendors_refusal_and_limit_are_told(sender, vendor, wire, kind, more):
    vendor.fails(422, message="too long", times=1)
    with pytest.raises(ProviderRejected) as refused:
        await sender.send(call(wire, kind, vendor.url, **more))
    assert refused.value.status == 422
    assert b"too long" in refused.value.body
    vendor.fails(429, retry_after="3", times=1)
    with pytest.raises(ProviderBusy) as busy:
        await sender.send(call(wire, kind, vendor.url, **more))
    assert busy.value.retry_after_seconds == 3.0


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        (COMPLETIONS, "moonshot"),
        (COMPLETIONS, "zhipu"),
        (COMPLETIONS, "anthropic"),
        (COMPLETIONS, "openai:openai_chat"),
        (EMBEDDINGS, "openai:openai_chat"),
        (COMPLETIONS, "gemini"),
        (COMPLETIONS, "in_house:openai_chat"),
        (FIM, "in_house:openai_chat"),
        (FIM, "moonshot"),
        (EMBEDDINGS, "deepseek"),
        (EMBEDDINGS, "moonshot"),
        (EMBEDDINGS, "zhipu"),
        (EMBEDDINGS, "gemini"),
        (EMBEDDINGS, "in_house:openai_chat"),
        (RERANK, "qwen"),
        (RERANK, "openai"),
        (RERANK, "in_house:openai_chat"),
    ],
)
async def test_chat_is_never_asked_in_the_place_of(sender, vendor, wire, kind):
    with pytest.raises(UnsupportedFeature, match=f"nothing that answers {wire}"):
        await sender.send(call(wire, kind, vendor.url, input="a", query="q", documents=["d"]))
    assert vendor.calls == []


async def test_openai_told_to_go_by_litellm_embeds(sender, vendor):
    await sender.send(by_litellm(call(EMBEDDINGS, "openai", vendor.url, input=["a", "b"])))
    assert vendor.calls[-1].json()["input"] == ["a", "b"]
    assert vendor.refusals == []


async def test_a_size_of_vectors_that_litellm_doubts_is_refused_rather_than_lost(sender, vendor):
    wanted = by_litellm(call(EMBEDDINGS, "openai", vendor.url, input="a", dimensions=3))
    with pytest.raises(UnsupportedFeature):
        await sender.send(wanted)
    assert vendor.calls == []
