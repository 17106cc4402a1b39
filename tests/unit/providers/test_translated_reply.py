"""A translated stream ends only where the vendor's own end was seen."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from providers.base import WireName
from providers.errors import ProviderUnavailable, ReplyCut
from providers.http.reply import Timeouts
from providers.translated_reply import (
    TranslatedStream,
    WholeReply,
    as_values,
    encode_document,
    encode_plain_document,
    without_signatures,
)
from providers.translation.chat_stream import ChatStream
from providers.translation.departure import Cargo
from providers.translation.hub import ChatRequest, Losses
from providers.translation.messages_stream import MessagesStream
from providers.translation.watch import ReplyWatch
from providers.watched_http import Errand
from tests.fakes.translation import CHAT, MESSAGES, RESPONSES, target

REQUEST = ChatRequest({}, Losses())
END = b'data: {"choices":[{"index":0,"finish_reason":"stop"}]}\n\n'


class Chunk:
    """A chunk as LiteLLM hands it out."""

    def __init__(self, finish: str | None = None, **delta: Any) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        self.value = {"id": "c", "choices": [choice]}

    def model_dump(self, *, exclude_none: bool) -> dict[str, Any]:
        assert exclude_none
        return self.value


async def given_out(*given: Chunk, error: Exception | None = None) -> AsyncIterator[Chunk]:
    for each in given:
        yield each
    if error is not None:
        raise error


def chunks(*given: Chunk, error: Exception | None = None) -> AsyncIterator[dict[str, Any]]:
    return as_values(given_out(*given, error=error))


@pytest.fixture
def errand() -> Errand:
    watch = ReplyWatch(answers=1)
    watch.status, watch.is_stream = 200, True
    return Errand(
        target=target("qwen", "http://x"),
        speaks=CHAT,
        path="/",
        cargo=Cargo.copy({"messages": []}, CHAT),
        losses=Losses(),
        watch=watch,
        timeouts=Timeouts(),
    )


def encoder() -> ChatStream:
    return ChatStream(reply_id="c", model="m", created=1, wants_usage=True)


async def read(stream: TranslatedStream) -> bytes:
    found = b""
    while data := await stream.read():
        found += data
    return found


async def test_an_end_that_was_seen_is_told(errand):
    errand.watch.feed(END)
    given = chunks(Chunk(content="Hi"), Chunk(finish="stop"))
    assert (await read(TranslatedStream(given, errand, encoder))).endswith(b"data: [DONE]\n\n")


async def test_an_end_that_was_made_up_is_a_cut(errand):
    stream = TranslatedStream(chunks(Chunk(content="Hi"), Chunk(finish="stop")), errand, encoder)
    assert b"Hi" in await stream.read()
    with pytest.raises(ReplyCut, match="stop reason"):
        await stream.read()


async def test_an_error_within_is_a_cut(errand):
    given = chunks(Chunk(content="Hi"), error=RuntimeError("the secret"))
    stream = TranslatedStream(given, errand, encoder)
    await stream.prime()
    assert b"Hi" in await stream.read()
    with pytest.raises(ReplyCut) as caught:
        await stream.read()
    assert "secret" not in caught.value.message


async def test_a_seen_end_does_not_heal_a_broken_body(errand):
    errand.watch.feed(END)
    errand.failure = ReplyCut("broken")
    with pytest.raises(ReplyCut):
        await read(TranslatedStream(chunks(Chunk(finish="stop")), errand, encoder))


async def test_mixed_up_arguments_are_a_cut(errand):
    def call(at: int, text: str) -> Chunk:
        function = {"name": "f", "arguments": text}
        return Chunk(tool_calls=[{"index": at, "id": f"t{at}", "function": function}])

    given = chunks(call(0, "{}"), call(1, "{}"), call(0, '{"more":1}'))
    stream = TranslatedStream(given, errand, lambda: MessagesStream(reply_id="c", model="m"))
    with pytest.raises(ReplyCut, match="arguments"):
        await read(stream)


async def test_after_leaving_nothing_comes(errand):
    stream = TranslatedStream(chunks(Chunk(content="Hi")), errand, encoder)
    await stream.aclose()
    await stream.aclose()
    assert await stream.read() == b""


async def test_a_whole_reply_is_read_once():
    reply = WholeReply(b"{}")
    assert [await reply.read(), await reply.read()] == [b"{}", b""]


@pytest.mark.parametrize("wire", [CHAT, MESSAGES, RESPONSES])
def test_a_document_without_its_end_is_none(errand, wire):
    with pytest.raises(ProviderUnavailable, match="stop reason"):
        encode_document(wire, REQUEST, {"choices": []}, errand, lambda: 1.0)


def test_arguments_that_a_message_cannot_hold_are_no_answer(errand):
    errand.watch.feed(END)
    call = {"id": "t", "function": {"name": "f", "arguments": "no json"}}
    choice = {"index": 0, "message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}
    with pytest.raises(ProviderUnavailable, match="arguments"):
        encode_document(MESSAGES, REQUEST, {"choices": [choice]}, errand, lambda: 1.0)


@pytest.mark.parametrize("place", ["delta", "message"])
def test_what_litellm_hides_in_the_id_of_a_call_stays_here(place: str) -> None:
    calls = [{"id": "call_1__thought__c2ln/+="}, {"id": "call_2"}, {"index": 2}]
    reply = without_signatures({"choices": [{place: {"tool_calls": calls}}, {place: {}}]})
    kept = reply["choices"][0][place]["tool_calls"]
    assert [each.get("id") for each in kept] == ["call_1", "call_2", None]
    assert without_signatures({}) == {}


def plain(errand: Errand, wire: WireName, document: bytes, *, answers: int = 1) -> bytes:
    errand.watch = ReplyWatch(answers=answers)
    errand.watch.feed(document)
    errand.watch.finish()
    return encode_plain_document(wire, errand, 7.0)


@pytest.mark.parametrize("wire", [WireName.OPENAI_COMPLETIONS, WireName.MISTRAL_FIM])
def test_a_plain_completion_is_read_from_the_vendors_own_bytes(errand, wire):
    choice = {"text": "a", "finish_reason": "stop"}
    usage = {"prompt_tokens": 2, "completion_tokens": 1}
    told = json.loads(
        plain(errand, wire, json.dumps({"choices": [choice], "usage": usage}).encode())
    )
    assert told["choices"][0]["finish_reason"] == "stop"
    assert (told["model"], told["created"]) == ("m-1", 7)
    assert told["usage"]["total_tokens"] == 3


def test_embeddings_are_the_vendors_own_bytes(errand):
    document = b'{ "data": [ {"embedding": [1e-05, 0.10]} ] }'
    assert plain(errand, WireName.OPENAI_EMBEDDINGS, document, answers=0) == document


@pytest.mark.parametrize(
    ("wire", "document"),
    [
        (WireName.OPENAI_COMPLETIONS, b"<html>"),
        (WireName.OPENAI_COMPLETIONS, b"[]"),
        (WireName.OPENAI_COMPLETIONS, b'{"choices":[]}'),
        (WireName.OPENAI_COMPLETIONS, b'{"choices":[{"text":"a"}]}'),
        (WireName.MISTRAL_FIM, b'{"choices":[{"finish_reason":"stop"}]}'),
        (WireName.OPENAI_EMBEDDINGS, b"<html>"),
        (WireName.OPENAI_EMBEDDINGS, b'{"data":{}}'),
    ],
)
def test_what_is_no_plain_answer_is_a_failure(errand, wire, document):
    answers = 0 if wire is WireName.OPENAI_EMBEDDINGS else 1
    with pytest.raises(ProviderUnavailable, match="no whole answer"):
        plain(errand, wire, document, answers=answers)
