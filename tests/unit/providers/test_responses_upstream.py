"""The road to responses without LiteLLM: chat requests in, chat chunks and documents out."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from providers.errors import ProviderBusy, ProviderUnavailable, ReplyCut
from providers.http.client import HttpClient
from providers.http.reply import Timeouts
from providers.responses_upstream import ResponsesUpstream
from providers.translation.departure import Cargo
from providers.translation.hub import ChatRequest, Losses
from providers.translation.watch import ReplyWatch
from providers.watched_http import ERRAND, Errand, WatchedTransport
from tests.fakes.translation import RESPONSES, target
from tests.fakes.vendor import Ending, FakeVendor, ToolCall

REQUEST = ChatRequest({"messages": [{"role": "user", "content": "Hi"}]}, Losses())


@pytest.fixture
async def engine() -> AsyncIterator[FakeVendor]:
    async with FakeVendor(key=None) as engine:
        yield engine


@pytest.fixture
async def upstream() -> AsyncIterator[ResponsesUpstream]:
    async with AsyncExitStack() as stack:
        client = HttpClient(tick_seconds=0.05)
        stack.push_async_callback(client.aclose)
        yield ResponsesUpstream(WatchedTransport(client))


def errand_to(engine: FakeVendor, *, streaming: bool) -> Errand:
    errand = Errand(
        target=target("in_house:openai_responses", engine.url),
        speaks=RESPONSES,
        path="/v1/responses",
        cargo=Cargo.copy(REQUEST.fields, RESPONSES),
        losses=REQUEST.losses,
        watch=ReplyWatch(answers=1),
        timeouts=Timeouts(connect_seconds=30, first_byte_seconds=30, idle_seconds=30),
        streaming=streaming,
    )
    ERRAND.set(errand)
    return errand


async def test_a_whole_answer_is_a_chat_document(upstream, engine):
    engine.calls_tools(ToolCall("f", {}), text="Let me.")
    errand = errand_to(engine, streaming=False)
    (choice,) = (await upstream.ask(REQUEST, errand))["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Let me.", "tool_calls")
    assert engine.calls[-1].header("accept") == "application/json"
    assert errand.watch.is_whole


async def test_a_stream_is_chat_chunks(upstream, engine):
    errand = errand_to(engine, streaming=True)
    chunks = [each async for each in await upstream.stream(REQUEST, errand)]
    deltas = [each["choices"][0]["delta"] for each in chunks]
    assert "".join(each.get("content", "") for each in deltas) == "Hello from the stand-in."
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert engine.calls[-1].header("accept") == "text/event-stream"
    assert errand.watch.is_whole


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_refusal_is_told_by_its_status(upstream, engine, streaming):
    engine.fails(429, retry_after="3")
    errand = errand_to(engine, streaming=streaming)
    with pytest.raises(ProviderBusy) as caught:
        await (upstream.stream if streaming else upstream.ask)(REQUEST, errand)
    assert caught.value.retry_after_seconds == 3.0


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"error": {"message": "boom"}}'])
async def test_what_is_no_response_is_no_answer(upstream, engine, body):
    engine.answers(200, body)
    with pytest.raises(ProviderUnavailable):
        await upstream.ask(REQUEST, errand_to(engine, streaming=False))


STRANGE: dict[str, Any] = {"type": "custom_tool_call", "id": "ctc", "call_id": "c", "input": "x"}


async def test_what_has_no_form_in_chat_is_no_answer(upstream, engine):
    whole = {"object": "response", "status": "completed", "output": [STRANGE]}
    engine.answers(200, json.dumps(whole).encode())
    with pytest.raises(ProviderUnavailable, match="custom_tool_call"):
        await upstream.ask(REQUEST, errand_to(engine, streaming=False))
    added = {"type": "response.output_item.added", "item": STRANGE}
    stream = b"data: " + json.dumps(added).encode() + b"\n\n"
    engine.answers(200, stream, content_type="text/event-stream")
    errand = errand_to(engine, streaming=True)
    with pytest.raises(ReplyCut, match="custom_tool_call"):
        await anext(await upstream.stream(REQUEST, errand))
    assert isinstance(errand.failure, ReplyCut)


async def test_nothing_is_read_behind_a_failure(upstream, engine):
    engine.behaves(error_event_at=4, error_event_ends=False)
    errand = errand_to(engine, streaming=True)
    chunks = [each async for each in await upstream.stream(REQUEST, errand)]
    assert all(each["choices"][0]["finish_reason"] is None for each in chunks)
    assert errand.watch.failure is not None


BEHIND = b'data: {"type": "error", "message": "too late"}\n\n'


@pytest.mark.parametrize("ending", [Ending.CLEAN, Ending.CLOSE, Ending.STALL])
async def test_nothing_behind_the_end_counts(upstream, engine, ending):
    engine.behaves(insert=(1000, BEHIND))
    engine.cuts_after(events=1001, ending=ending)
    errand = errand_to(engine, streaming=True)
    chunks = [each async for each in await upstream.stream(REQUEST, errand)]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert (errand.watch.is_whole, errand.watch.failure, errand.failure) == (True, None, None)


async def test_a_connection_whose_reply_ends_properly_is_kept(upstream, engine):
    for _ in range(2):
        errand = errand_to(engine, streaming=True)
        assert [each async for each in await upstream.stream(REQUEST, errand)]
    assert engine.connections.opened == 1


async def test_a_document_is_no_stream(upstream, engine):
    engine.answers(200, b"{}")
    errand = errand_to(engine, streaming=True)
    with pytest.raises(ProviderUnavailable, match="no stream"):
        await anext(await upstream.stream(REQUEST, errand))
