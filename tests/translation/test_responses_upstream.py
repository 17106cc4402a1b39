"""Clients of chat, messages and Gemini before an upstream that speaks only OpenAI's responses."""

import json
from pathlib import Path
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter

from providers.base import UpstreamCall, WireName
from providers.errors import (
    ProviderBusy,
    ProviderCredentials,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    ReplyCut,
    UnsupportedFeature,
)
from providers.translated import DROPPED_HEADER
from tests.fakes.translation import (
    CHAT,
    FAILED_RESPONSE,
    MESSAGES,
    SCHEMA,
    Told,
    call,
    read_all,
    read_until_cut,
    target,
    understand,
)
from tests.fakes.translation_gemini import GEMINI, gemini_call, understand_gemini
from tests.fakes.vendor import Ending, FakeVendor, TokenUsage, ToolCall
from tests.fakes.vendor_script import cut_by

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore"),  # LiteLLM's own, of every kind
]

WIRES = (CHAT, MESSAGES, GEMINI)
ENGINE, VENDOR = "in_house:openai_responses", "openai:openai_responses"
CALLS = (ToolCall("read_file", {"path": "a b.py"}), ToolCall("read_file", {"path": "ü.py"}))
USAGE = TokenUsage(input=10, output=7, cache_read=30, cache_write_5m=4, reasoning=2)
DATA = "QUJD" * 30
CASES = Path(__file__).parent.parent / "wire" / "openai_responses"
_MESSAGE_EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def asked(wire: WireName, to: Any, *, streaming: bool = False, **more: Any) -> UpstreamCall:
    if wire is GEMINI:
        return gemini_call(to, streaming=streaming, **more)
    return call(wire, to, streaming=streaming, **more)


def conforms(wire: WireName, data: bytes, *, streaming: bool) -> None:
    """Checks an answer against the official SDK's own types."""
    if wire is GEMINI:
        return  # its reader below knows every member
    if not streaming:
        (ChatCompletion if wire is CHAT else Message).model_validate_json(data, strict=True)
        return
    lines = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: {")]
    for line in lines:
        if wire is CHAT:
            ChatCompletionChunk.model_validate_json(line, strict=True)
        else:
            _MESSAGE_EVENT.validate_json(line)


def understood(wire: WireName, data: bytes, *, streaming: bool) -> Told:
    conforms(wire, data, streaming=streaming)
    if wire is GEMINI:
        return understand_gemini(data, streaming=streaming)
    return understand(wire, data, streaming=streaming)


async def ask(sender: Any, wanted: UpstreamCall) -> Told:
    data = await read_all(await sender.send(wanted))
    return understood(wanted.wire, data, streaming=wanted.streaming)


def looks_whole(data: bytes) -> bool:
    ends = (b'"finish_reason":"', b"[DONE]", b"message_delta", b"message_stop", b"finishReason")
    return any(each in data for each in (*ends, b"usageMetadata", b"functionCall"))


FIGURES: dict[WireName, dict[str, Any]] = {
    CHAT: {
        "prompt_tokens": 44,
        "completion_tokens": 7,
        "total_tokens": 51,
        "prompt_tokens_details": {"cached_tokens": 30, "cache_creation_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    },
    MESSAGES: {
        "input_tokens": 10,
        "cache_read_input_tokens": 30,
        "cache_creation_input_tokens": 4,
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 2},
    },
    GEMINI: {
        "promptTokenCount": 44,
        "cachedContentTokenCount": 30,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 2,
        "totalTokenCount": 51,
    },
}
FINISHES = {
    CHAT: {"calls": "tool_calls", "stop": "stop", "length": "length"},
    MESSAGES: {"calls": "tool_use", "stop": "end_turn", "length": "max_tokens"},
    GEMINI: {"calls": "STOP", "stop": "STOP", "length": "MAX_TOKENS"},
}
FILTERED = {CHAT: "content_filter", MESSAGES: "refusal", GEMINI: "SAFETY"}


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("wire", WIRES)
async def test_words_thoughts_calls_and_figures_survive(sender, engine, wire, streaming):
    engine.says("Let me look.", reasoning="Which file?")
    engine.behaves(tool_calls=CALLS, usage=USAGE)

    told = await ask(sender, asked(wire, target(ENGINE, engine.url), streaming=streaming))

    assert engine.refusals == []
    assert engine.calls[-1].path == "/v1/responses"
    assert (told.text, told.reasoning) == ("Let me look.", "Which file?")
    assert [each["id"] for each in told.calls] == ["call_0", "call_1"]
    written = [json.loads(each["arguments"]) for each in told.calls]
    assert written == [{"path": "a b.py"}, {"path": "ü.py"}]
    assert told.finish == FINISHES[wire]["calls"]
    assert told.usage == FIGURES[wire]
    assert told.model == "m-1"
    assert "resp_standin_1" in told.reply_id


@pytest.mark.parametrize("wire", WIRES)
async def test_the_request_is_one_of_responses_that_is_kept_nowhere(sender, vendor, wire):
    await ask(sender, asked(wire, target(VENDOR, vendor.url), streaming=True))

    seen = vendor.calls[-1]
    assert (vendor.refusals, seen.path) == ([], "/v1/responses")
    assert seen.header("authorization") == "Bearer vendor-key"
    assert seen.header("user-agent") == "gatehouse"
    assert seen.json() == {
        "model": "m-1",
        "store": False,
        "stream": True,
        "max_output_tokens": 9,
        "input": [
            {"type": "message", "role": "system", "content": "Be brief."},
            {"type": "message", "role": "user", "content": "Hi"},
        ],
        "tools": [
            {
                "type": "function",
                "name": "read_file",
                "description": "Reads.",
                "parameters": SCHEMA,
                "strict": False,
            }
        ],
    }


RESULTS: dict[WireName, dict[str, Any]] = {
    CHAT: {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}},
                ],
            },
            {
                "role": "assistant",
                "content": "Two.",
                "tool_calls": [
                    {
                        "id": each,
                        "type": "function",
                        "function": {"name": "read_file", "arguments": "{}"},
                    }
                    for each in ("call_0", "call_1")
                ],
            },
            {"role": "tool", "tool_call_id": "call_0", "content": "A"},
            {"role": "tool", "tool_call_id": "call_1", "content": "B"},
        ]
    },
    MESSAGES: {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": DATA},
                    },
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "c2VhbGVk"},
                    {"type": "text", "text": "Two."},
                    {"type": "tool_use", "id": "call_0", "name": "read_file", "input": {}},
                    {"type": "tool_use", "id": "call_1", "name": "read_file", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "call_1", "content": "B"},
                    {"type": "tool_result", "tool_use_id": "call_0", "content": "A"},
                ],
            },
        ]
    },
    GEMINI: {
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "look"},
                    {"inlineData": {"mimeType": "image/png", "data": DATA}},
                ],
            },
            {
                "role": "model",
                "parts": [
                    {"text": "Two."},
                    {
                        "functionCall": {"id": "call_0", "name": "read_file", "args": {}},
                        "thoughtSignature": "c2VhbGVk",
                    },
                    {"functionCall": {"id": "call_1", "name": "read_file", "args": {}}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "read_file", "response": {"output": each}}}
                    for each in ("A", "B")
                ],
            },
        ]
    },
}


@pytest.mark.parametrize("wire", WIRES)
async def test_an_image_and_parallel_results_arrive_and_sealed_thoughts_do_not(
    sender, vendor, wire
):
    reply = await sender.send(asked(wire, target(VENDOR, vendor.url), **RESULTS[wire]))
    items = [each for each in vendor.calls[-1].json()["input"] if each.get("role") != "system"]
    picture = {
        "type": "input_image",
        "image_url": f"data:image/png;base64,{DATA}",
        "detail": "auto",
    }
    assert vendor.refusals == []
    assert items == [
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "look"}, picture],
        },
        {"type": "message", "role": "assistant", "content": "Two."},
        {"type": "function_call", "call_id": "call_0", "name": "read_file", "arguments": "{}"},
        {"type": "function_call", "call_id": "call_1", "name": "read_file", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_0", "output": "A"},
        {"type": "function_call_output", "call_id": "call_1", "output": "B"},
    ]
    assert b"c2VhbGVk" not in vendor.calls[-1].body
    lost = dict(reply.headers).get(DROPPED_HEADER, b"").decode()
    assert lost == {CHAT: "", MESSAGES: "messages.thinking"}.get(wire, "contents.thoughtSignature")


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("wire", WIRES)
async def test_stop_reasons_are_carried_over(sender, engine, wire, streaming):
    expected = {**FINISHES[wire], "content_filter": FILTERED[wire]}
    found = {}
    for finish in ("stop", "length", "content_filter"):
        engine.says("words", finish=finish)
        told = await ask(sender, asked(wire, target(ENGINE, engine.url), streaming=streaming))
        found[finish] = told.finish
    assert found == {name: expected[name] for name in found}


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("wire", WIRES)
async def test_usage_that_was_not_told_is_not_made_up(sender, engine, wire, streaming):
    engine.uses(None)
    told = await ask(sender, asked(wire, target(ENGINE, engine.url), streaming=streaming))
    missing = {"input_tokens": 0, "output_tokens": 0, "gatehouse_missing": True}
    assert told.usage == (missing if wire is MESSAGES else None)


@pytest.mark.parametrize(
    ("wire", "field", "value", "named"),
    [
        (CHAT, "stop", ["x"], "stop"),
        (CHAT, "n", 2, "n"),
        (MESSAGES, "stop_sequences", ["x"], "stop"),
        (GEMINI, "generationConfig", {"candidateCount": 2}, "n"),
        (CHAT, "audio", {"voice": "x"}, "audio"),
    ],
)
async def test_what_must_not_be_lost_is_refused_by_name(sender, engine, wire, field, value, named):
    with pytest.raises(UnsupportedFeature, match=f"^{named}") as caught:
        await sender.send(asked(wire, target(ENGINE, engine.url), **{field: value}))
    assert caught.value.target == "in_house/m-1"
    assert engine.calls == []


@pytest.mark.parametrize("wire", [WireName.OPENAI_COMPLETIONS, WireName.MISTRAL_FIM])
async def test_a_completion_is_not_made_of_responses(sender, engine, wire):
    wanted = UpstreamCall(wire, target(ENGINE, engine.url), b'{"prompt": "x"}', (), False)
    with pytest.raises(UnsupportedFeature, match="nothing that answers"):
        await sender.send(wanted)
    assert engine.calls == []


# What breaks, and what is cut anyhow.


@pytest.mark.parametrize("ending", [Ending.CLEAN, Ending.CLOSE, Ending.INSIDE_CHUNK])
@pytest.mark.parametrize("wire", WIRES)
async def test_a_stream_that_breaks_off_never_looks_whole(sender, engine, wire, ending):
    engine.calls_tool("read_file", {"path": "a.py"}, text="Let me")
    engine.cuts_after(events=9, ending=ending)
    found, cut = await read_until_cut(
        sender, asked(wire, target(ENGINE, engine.url), streaming=True)
    )
    assert isinstance(cut, ReplyCut)
    assert cut.target == "in_house/m-1"
    assert b"Let" in found
    assert not looks_whole(found)


@pytest.mark.parametrize("wire", WIRES)
async def test_an_end_marker_alone_is_no_end(sender, engine, wire):
    engine.says("Hello there.")
    engine.behaves(omits_end=True, insert=(5, b"data: [DONE]\n\n"))
    found, cut = await read_until_cut(
        sender, asked(wire, target(ENGINE, engine.url), streaming=True)
    )
    assert isinstance(cut, ReplyCut)
    assert not looks_whole(found)


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.STALL])
@pytest.mark.parametrize("wire", WIRES)
async def test_an_answer_whose_stop_reason_was_seen_is_whole(sender, engine, wire, ending):
    engine.calls_tools(*CALLS, text="Let me look.")
    engine.cuts_after(events=1000, ending=ending)
    told = await ask(sender, asked(wire, target(ENGINE, engine.url), streaming=True))
    assert (told.text, len(told.calls)) == ("Let me look.", 2)
    assert told.finish == FINISHES[wire]["calls"]
    if ending is Ending.STALL:
        await engine.calls[-1].until_gone()


@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.parametrize("wire", WIRES)
async def test_an_error_event_in_the_middle_is_a_cut(sender, engine, wire, goes_on):
    engine.behaves(error_event_at=5, error_event_ends=not goes_on)
    found, cut = await read_until_cut(
        sender, asked(wire, target(ENGINE, engine.url), streaming=True)
    )
    assert isinstance(cut, ReplyCut)
    assert "overloaded" in cut.message
    assert not looks_whole(found)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_response_that_failed_is_an_error_and_no_empty_answer(sender, engine, wire):
    engine.answers(200, json.dumps(FAILED_RESPONSE).encode())
    with pytest.raises(ProviderUnavailable, match="boom"):
        await sender.send(asked(wire, target(ENGINE, engine.url)))
    event = json.dumps({"type": "response.failed", "response": FAILED_RESPONSE}).encode()
    engine.answers(200, b"data: " + event + b"\n\n", content_type="text/event-stream")
    found, cut = await read_until_cut(
        sender, asked(wire, target(ENGINE, engine.url), streaming=True)
    )
    assert (found, type(cut)) == (b"", ReplyCut)
    assert "boom" in cut.message


@pytest.mark.parametrize("body", [b"<html>hi</html>", b"", b"[]", b"{}", b'{"output": []}'])
async def test_an_answer_that_is_none_is_no_answer(sender, engine, body):
    engine.answers(200, body)
    with pytest.raises(ProviderUnavailable):
        await sender.send(asked(CHAT, target(ENGINE, engine.url)))


@pytest.mark.parametrize("content_type", ["text/html", "application/json", "text/event-stream"])
@pytest.mark.parametrize("body", [b"<html>hi</html>", b"", b"{}"])
async def test_a_stream_that_is_none_is_cut_at_its_start(sender, engine, body, content_type):
    engine.answers(200, body, content_type=content_type)
    found, cut = await read_until_cut(
        sender, asked(CHAT, target(ENGINE, engine.url), streaming=True)
    )
    assert found == b""
    assert isinstance(cut, ReplyCut | ProviderUnavailable)


async def test_a_document_in_place_of_a_stream_is_not_taken_for_an_empty_answer(sender, engine):
    whole = {**FAILED_RESPONSE, "status": "completed", "error": None}
    engine.answers(200, json.dumps(whole).encode())
    found, cut = await read_until_cut(
        sender, asked(CHAT, target(ENGINE, engine.url), streaming=True)
    )
    assert (found, type(cut)) == (b"", ProviderUnavailable)


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_date_beyond_all_time_is_the_gateways(sender, engine, streaming):
    whole: dict[str, Any] = {
        **FAILED_RESPONSE,
        "status": "completed",
        "error": None,
        "created_at": 1e300,
    }
    words = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    document = json.dumps({**whole, "output": [words]}).encode()
    event = b'data: {"type": "response.completed", "response": ' + document + b"}\n\n"
    kind = "text/event-stream" if streaming else "application/json"
    engine.answers(200, event if streaming else document, content_type=kind)
    data = await read_all(
        await sender.send(asked(CHAT, target(ENGINE, engine.url), streaming=streaming))
    )
    assert b'"created":1790000001' in data
    assert understood(CHAT, data, streaming=streaming).text == "Hi"


async def test_a_contradiction_found_at_the_very_end_is_a_cut(sender, engine):
    events = [
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {"type": "function_call", "id": "fc", "call_id": "c", "name": "f"},
        },
        {"type": "response.function_call_arguments.delta", "item_id": "fc", "delta": '{"a": 1}'},
        {
            "type": "response.completed",
            "response": {
                **FAILED_RESPONSE,
                "status": "completed",
                "error": None,
                "output": [{"type": "function_call", "call_id": "c", "arguments": '{"a": 2}'}],
            },
        },
    ]
    stream = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in events)
    engine.answers(200, stream, content_type="text/event-stream")
    reply = await sender.send(asked(MESSAGES, target(ENGINE, engine.url), streaming=True))
    found = await reply.body.read() + await reply.body.read()
    for _ in range(2):  # also for one who asks again
        with pytest.raises(ReplyCut, match="contradicts"):
            await reply.body.read()
    assert b"input_json_delta" in found
    assert not looks_whole(found)


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, ProviderUnavailable),
        (400, ProviderRejected),
        (401, ProviderCredentials),
        (404, ProviderRejected),
        (429, ProviderBusy),
        (500, ProviderUnavailable),
        (529, ProviderBusy),
    ],
)
async def test_a_refusal_is_told_by_its_status(sender, vendor, status, kind, streaming):
    vendor.fails(status, message="the vendor's words", retry_after="7")
    with pytest.raises(ProviderError) as caught:
        await sender.send(asked(CHAT, target(VENDOR, vendor.url), streaming=streaming))
    assert type(caught.value) is kind
    assert len(vendor.calls) == 1
    if isinstance(caught.value, ProviderBusy):
        assert caught.value.retry_after_seconds == 7.0
    if isinstance(caught.value, ProviderRejected):
        assert caught.value.status == status
        assert json.loads(caught.value.body)["error"]["message"] == "the vendor's words"


async def test_silence_is_a_timeout_and_nobody_is_unavailable(impatient, engine):
    to = target(ENGINE, engine.url)
    engine.behaves(silent=True, times=1)
    with pytest.raises(ProviderTimeout):
        await impatient.send(asked(CHAT, to))
    engine.cuts_after(events=4, ending=Ending.STALL)
    _, cut = await read_until_cut(impatient, asked(CHAT, to, streaming=True))
    assert isinstance(cut, ProviderTimeout)
    with pytest.raises(ProviderUnavailable):
        await impatient.send(asked(CHAT, target(ENGINE, "http://127.0.0.1:9")))


async def test_the_engine_is_left_when_the_caller_leaves(sender, engine):
    engine.says("so many words that it takes a while")
    engine.holds(before_event=6)
    reply = await sender.send(asked(MESSAGES, target(ENGINE, engine.url), streaming=True))
    await reply.body.read()
    await reply.body.aclose()
    await engine.calls[-1].until_gone()


# Any chunking of the upstream's bytes.

ARGUMENTS = json.dumps({"path": 'a "b"\\ü\n.py', "content": "[DONE]\n    return '€'\n" * 3})


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("wire", WIRES)
@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=6))
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_any_chunking_keeps_every_argument_figure_and_stop_reason(
    sender, wire, newline, sizes
):
    async with FakeVendor(key=None) as vendor:
        vendor.says("Wörter und 漢字. [DONE]", reasoning="hm, so")
        vendor.behaves(tool_calls=(ToolCall("read_file", ARGUMENTS), ToolCall("read_file", "{}")))
        vendor.behaves(usage=USAGE, newline=newline)
        vendor.chops(cut_by(sizes))
        told = await ask(sender, asked(wire, target(ENGINE, vendor.url), streaming=True))
    assert (told.text, told.reasoning) == ("Wörter und 漢字. [DONE]", "hm, so")
    written = [json.loads(each["arguments"]) for each in told.calls]
    assert written == [json.loads(ARGUMENTS), {}]
    assert told.finish == FINISHES[wire]["calls"]
    assert told.usage == FIGURES[wire]


def event(kind: str, **members: Any) -> bytes:
    return b"data: " + json.dumps({"type": f"response.{kind}", **members}).encode() + b"\n\n"


def woven() -> bytes:
    """Two messages and two calls side by side, half of them streamed, all named anew in the end."""
    texts = ("Wörter.", "漢字. [DONE]")
    contents = [[{"type": "output_text", "text": text}] for text in texts]
    items: list[dict[str, Any]] = [
        *[{"type": "message", "id": "m", "content": content} for content in contents],
        *[{"type": "function_call", "name": "read_file", "arguments": ARGUMENTS} for _ in "ab"],
    ]
    blank = [{**each, "content": [], "arguments": ""} for each in items]
    begun = [
        event("output_item.added", output_index=at, item={**each, "id": f"i{at}"})
        for at, each in enumerate(blank)
    ]
    told = [
        event("output_text.delta", output_index=0, delta=texts[0]),
        event("output_text.delta", output_index=1, delta=texts[1][:1]),
        *[
            event("function_call_arguments.delta", output_index=at, delta=ARGUMENTS[start:stop])
            for start, stop in ((0, 9), (9, 20))
            for at in (3, 2)
        ],
        event("output_item.done", output_index=2, item={**items[2], "call_id": "late"}),
    ]
    renamed = [{**each, "id": f"x{at}", "call_id": f"y{at}"} for at, each in enumerate(items)]
    whole = {**FAILED_RESPONSE, "status": "completed", "error": None, "output": renamed}
    return b"".join(
        [*begun[:2], *told[:2], *begun[2:], *told[2:], event("completed", response=whole)]
    )


@pytest.mark.parametrize("wire", WIRES)
@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=6))
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_any_chunking_of_a_woven_stream_tells_everything_once(sender, wire, sizes):
    async with FakeVendor(key=None) as vendor:
        vendor.answers(200, woven(), content_type="text/event-stream")
        vendor.behaves(chop=cut_by(sizes))
        told = await ask(sender, asked(wire, target(ENGINE, vendor.url), streaming=True))
    assert told.text == "Wörter.\n\n漢字. [DONE]"
    assert [json.loads(each["arguments"]) for each in told.calls] == [json.loads(ARGUMENTS)] * 2
    assert told.finish == FINISHES[wire]["calls"]


# What real servers sent.

REAL = {
    "llama_cpp_text": (0, "stop"),
    "llama_cpp_tool_document": (1, "tool_calls"),
    "openai_document_filtered": (0, "content_filter"),
    "openai_incomplete": (0, "length"),
    "sglang_reasoning_crlf_comments_done": (0, "stop"),
}


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("case", REAL)
async def test_what_a_real_server_sent_is_understood(sender, engine, case, wire):
    captured = next((CASES / case).glob("reply.*"))
    streaming = captured.suffix == ".sse"
    kind = "text/event-stream" if streaming else "application/json"
    engine.answers(200, captured.read_bytes(), content_type=kind)
    told = await ask(sender, asked(wire, target(ENGINE, engine.url), streaming=streaming))
    calls, finish = REAL[case]
    words = {**FINISHES[wire], "content_filter": FILTERED[wire]}
    assert len(told.calls) == calls
    assert all(isinstance(json.loads(each["arguments"]), dict) for each in told.calls)
    assert told.finish == words["calls" if finish == "tool_calls" else finish]
    assert told.text or told.calls


BROKEN = (
    "codex_reasoning_parallel_tools",  # with a call of a plain-text tool, which nobody here offers
    "openai_error_event_first",
    "openai_fails_in_the_middle",
    "vllm_cut_in_a_tool_call",
)


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("wire", WIRES)
async def test_what_a_real_server_broke_off_never_looks_whole(sender, engine, case, wire):
    captured = (CASES / case / "reply.sse").read_bytes()
    engine.answers(200, captured, content_type="text/event-stream")
    found, cut = await read_until_cut(
        sender, asked(wire, target(ENGINE, engine.url), streaming=True)
    )
    assert isinstance(cut, ReplyCut)
    assert not looks_whole(found)
