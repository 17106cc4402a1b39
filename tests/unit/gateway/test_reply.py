"""A reply is read as it arrives, up to its first real event, and within limits."""

import pytest

from gateway.reply import StreamedReply, WholeReply
from gateway.wire.base import Event
from gateway.wire.gemini import Action, Gemini
from policy.types import RequestFacts
from providers.errors import ProviderUnavailable, ReplyCut
from tests.fakes.hot_road import BODY, CHAT, DONE, ROLE, STOP, USAGE, Upstream, says

DOCUMENT = b'{"id":"c1","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}'


def facts() -> RequestFacts:
    return CHAT.read(BODY).facts


def streamed(upstream: Upstream) -> StreamedReply:
    observer = CHAT.observer(facts(), asked_for_usage=True)
    return StreamedReply("house/qwen3-coder", (), upstream, observer)


def whole(upstream: Upstream) -> WholeReply:
    observer = CHAT.observer(facts(), asked_for_usage=False)
    return WholeReply("house/qwen3-coder", (), upstream, observer)


async def test_a_document_is_read_to_its_end() -> None:
    upstream = Upstream(DOCUMENT[:20], DOCUMENT[20:])
    reply = whole(upstream)
    await reply.read()
    assert reply.document == DOCUMENT
    assert reply.observer.facts.is_whole
    assert upstream.closed == 1


async def test_what_is_no_reply_of_the_protocol_is_no_answer() -> None:
    upstream = Upstream(b"<html>")
    with pytest.raises(ProviderUnavailable):
        await whole(upstream).read()
    assert upstream.closed == 1


async def test_an_endless_document_is_given_up() -> None:
    upstream = Upstream(*[b" " * 1_000_000] * 80)
    with pytest.raises(ProviderUnavailable, match="too large"):
        await whole(upstream).read()
    assert upstream.left
    assert upstream.closed == 1


async def test_a_stream_opens_at_its_first_word() -> None:
    upstream = Upstream(ROLE, b": wait\n\n", says("a"), says("b"))
    reply = streamed(upstream)
    await reply.open()
    assert [event for _, event in reply.opening] == [ROLE, b": wait\n\n", says("a")]
    assert upstream.left == [says("b")]


async def test_a_stream_does_not_open_at_what_its_client_cannot_read() -> None:
    gemini = Gemini(lambda model, size: size, "coder", Action.STREAM, "sse")
    said = b'data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}\n\n'
    upstream = Upstream(b": wait\n\n", said, said)
    observer = gemini.observer(facts(), asked_for_usage=True)
    reply = StreamedReply("house/qwen3-coder", (), upstream, observer)
    await reply.open()
    assert reply.opening == [(Event.WITHHELD, b": wait\n\n"), (Event.SUBSTANCE, said)]


async def test_a_stream_that_ends_before_its_first_word_is_no_answer() -> None:
    with pytest.raises(ProviderUnavailable, match="ended empty"):
        await streamed(Upstream(ROLE)).open()


async def test_a_stream_that_opens_with_an_error_is_no_answer() -> None:
    with pytest.raises(ProviderUnavailable, match="no room"):
        await streamed(Upstream(ROLE, b'data: {"error":{"message":"no room"}}\n\n')).open()


async def test_a_stream_that_never_begins_is_given_up() -> None:
    upstream = Upstream(*[b": wait\n\n" * 10_000] * 50)
    with pytest.raises(ProviderUnavailable, match="does not begin"):
        await streamed(upstream).open()
    assert upstream.left


async def test_a_stream_that_breaks_before_its_first_word_says_so() -> None:
    with pytest.raises(ReplyCut):
        await streamed(Upstream(ROLE, ReplyCut("gone"))).open()


async def test_what_follows_the_end_marker_is_no_part_of_the_reply() -> None:
    reply = streamed(Upstream(says("a") + DONE + STOP + DONE))
    events = await reply.next_events()
    assert events == [(Event.SUBSTANCE, says("a")), (Event.END, DONE)]
    assert not reply.observer.facts.is_whole


async def test_the_usage_chunk_is_marked_as_ours() -> None:
    reply = streamed(Upstream(says("a") + STOP + USAGE + DONE))
    kinds = [kind for kind, _ in await reply.next_events() or ()]
    assert kinds == [Event.SUBSTANCE, Event.ENDING, Event.WITHHELD, Event.END]


async def test_half_an_event_at_the_end_is_no_event() -> None:
    reply = streamed(Upstream(says("a") + says("b")[:-1]))
    assert await reply.next_events() == [(Event.SUBSTANCE, says("a"))]
    assert await reply.next_events() is None


async def test_an_event_without_end_is_a_cut() -> None:
    reply = streamed(Upstream(b"data: " + b"x" * (33 << 20)))
    with pytest.raises(ReplyCut):
        await reply.next_events()
