"""Upstreams that fail: the next target before the first real event, an honest end after it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.fakes.gatehouse import running_gateway
from tests.fakes.house import CHAT, MESSAGES
from tests.fakes.pair import Pair, a_pair, assert_cut, is_whole
from tests.fakes.rough_client import RoughClient
from tests.fakes.vendor import Ending, FakeVendor
from tests.fakes.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

on_both_wires = pytest.mark.parametrize("path", [CHAT, MESSAGES])
streamed_or_not = pytest.mark.parametrize("streaming", [True, False])

Harm = Callable[[FakeVendor], Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """One gateway for all: it takes longer to start than most of these tests."""
    async with a_pair(tmp_path_factory.mktemp("pair")) as pair:
        yield pair


@pytest_asyncio.fixture(loop_scope="module")
async def pair(running: Pair) -> AsyncIterator[Pair]:
    """The same for every test, which leaves a gateway that serves and has closed its books."""
    await running.begins_anew()
    yield running
    running.first.recovers()
    assert (await running.ask(CHAT)).status_code == 200
    kinds = running.gateway.kinds()
    assert kinds.count("admitted") == kinds.count("completed")
    await until(lambda: len(running.gateway.inside.calls) == 0)


# Before the answer begins, in any way: (what happens, the word in the ledger, streamed only).
BEGINNINGS: dict[str, tuple[Harm, str]] = {
    "500": (lambda vendor: vendor.fails(500), "unavailable"),
    "503": (lambda vendor: vendor.fails(503), "unavailable"),
    "429": (lambda vendor: vendor.fails(429, retry_after="7"), "busy"),
    "529": (lambda vendor: vendor.fails(529), "busy"),
    "401": (lambda vendor: vendor.fails(401), "credentials"),
    "403": (lambda vendor: vendor.fails(403), "credentials"),
    "reset": (lambda vendor: vendor.behaves(resets=True), "unavailable"),
    "closed": (lambda vendor: vendor.behaves(closes=True), "unavailable"),
    "HTML": (
        lambda vendor: vendor.answers(200, b"<html>hi</html>", content_type="text/html"),
        "unavailable",
    ),
    "HTML that claims to be JSON": (
        lambda vendor: vendor.answers(200, b"<html>hi</html>"),
        "unavailable",
    ),
    "nothing": (lambda vendor: vendor.answers(200, b""), "unavailable"),
    "an empty stream": (
        lambda vendor: vendor.answers(200, b"", content_type="text/event-stream"),
        "unavailable",
    ),
    "a redirect": (
        lambda vendor: vendor.answers(302, b"", headers=(("location", "http://127.0.0.1:9/"),)),
        "unavailable",
    ),
    "gzip": (lambda vendor: vendor.behaves(compresses=True), "unavailable"),
}
STREAM_BEGINNINGS: dict[str, tuple[Harm, str]] = {
    "cut before the first event": (lambda vendor: vendor.cuts_after(events=0), "cut"),
    "cut after the preamble": (lambda vendor: vendor.cuts_after(events=1), "cut"),
    "cut inside the preamble": (lambda vendor: vendor.cuts_after(body_bytes=40), "cut"),
    "reset after the preamble": (
        lambda vendor: vendor.cuts_after(events=1, ending=Ending.RESET),
        "cut",
    ),
    "a clean end after the preamble": (
        lambda vendor: vendor.cuts_after(events=1, ending=Ending.CLEAN),
        "unavailable",
    ),
    "an error as first event": (lambda vendor: vendor.behaves(error_event_at=0), "unavailable"),
    "an error after the preamble": (
        lambda vendor: vendor.behaves(error_event_at=1),
        "unavailable",
    ),
    "a preamble without end": (
        lambda vendor: vendor.behaves(insert=(1, b": wait\n\n" * 200_000)),
        "unavailable",
    ),
}


def assert_fallback(pair: Pair, word: str) -> None:
    admitted, first, second, completed = pair.story()
    assert admitted["kind"] == "admitted"
    assert (first["target"], first["route_reason"]) == ("house/qwen3-coder", "primary")
    assert (second["target"], second["route_reason"]) == ("annex/qwen3-small", f"fallback:{word}")
    assert (completed["outcome"], completed["target"]) == ("complete", "annex/qwen3-small")
    assert [each.get("error") for each in completed["attempts"]] == [word, None]


@on_both_wires
@streamed_or_not
@pytest.mark.parametrize(("harm", "word"), BEGINNINGS.values(), ids=BEGINNINGS.keys())
async def test_the_next_target_answers_when_the_first_does_not(
    pair: Pair, path: str, streaming: bool, harm: Harm, word: str
) -> None:
    harm(pair.first)
    answer = await pair.ask(path, stream=streaming)
    assert answer.status_code == 200
    assert b"seven" in answer.content
    assert answer.headers["x-gatehouse-target"] == "annex/qwen3-small"
    assert_fallback(pair, word)
    assert pair.second.calls[-1].model == "qwen3-small"


@on_both_wires
@pytest.mark.parametrize(("harm", "word"), STREAM_BEGINNINGS.values(), ids=STREAM_BEGINNINGS.keys())
async def test_the_next_target_answers_when_the_firsts_stream_says_nothing(
    pair: Pair, path: str, harm: Harm, word: str
) -> None:
    harm(pair.first)
    answer = await pair.ask(path)
    assert is_whole(path, answer.content)
    assert b"seven" in answer.content
    assert pair.first.calls[0].json()["stream"] is True
    assert_fallback(pair, word)


@on_both_wires
@streamed_or_not
async def test_the_next_target_answers_when_nobody_listens(
    pair: Pair, path: str, streaming: bool
) -> None:
    await pair.first.refuses()
    answer = await pair.ask(path, stream=streaming)
    assert b"seven" in answer.content
    assert_fallback(pair, "unavailable")
    await pair.first.accepts()


@on_both_wires
@streamed_or_not
@pytest.mark.parametrize(("harm", "word"), BEGINNINGS.values(), ids=BEGINNINGS.keys())
async def test_the_callers_own_error_says_that_the_only_target_failed(
    pair: Pair, path: str, streaming: bool, harm: Harm, word: str
) -> None:
    harm(pair.first)
    answer = await pair.ask(path, "solo", stream=streaming)
    assert answer.status_code == (429 if word == "busy" else 502)
    assert "<html>" not in answer.text
    assert answer.json()["error"]["message"]
    completed = pair.story()[-1]
    assert (completed["outcome"], completed["status"]) == ("failed", answer.status_code)
    assert "usage" not in completed or completed["usage_source"] == "none"
    assert pair.second.calls == []


async def test_a_busy_vendors_wish_to_wait_reaches_the_caller(pair: Pair) -> None:
    pair.first.fails(429, retry_after="7")
    answer = await pair.ask(CHAT, "solo")
    assert 7 <= int(answer.headers["retry-after"]) <= 8


@on_both_wires
async def test_the_vendors_own_refusal_is_passed_on_and_not_tried_elsewhere(
    pair: Pair, path: str
) -> None:
    pair.first.fails(400, message="the prompt is too long", code="context_length_exceeded")
    answer = await pair.ask(path)
    assert answer.status_code == 400
    assert "the prompt is too long" in answer.json()["error"]["message"]
    assert pair.second.calls == []
    assert pair.story()[-1]["error"] == "upstream_rejected"


@on_both_wires
async def test_when_all_targets_fail_the_last_failure_is_told(pair: Pair, path: str) -> None:
    pair.first.fails(401)
    pair.second.fails(503)
    answer = await pair.ask(path)
    pair.second.recovers()
    assert answer.status_code == 502
    assert "annex/qwen3-small" in answer.json()["error"]["message"]
    assert [each["error"] for each in pair.story()[-1]["attempts"]] == [
        "credentials",
        "unavailable",
    ]


CUTS: dict[str, Harm] = {
    "between events": lambda vendor: vendor.cuts_after(events=4),
    "inside an event": lambda vendor: vendor.cuts_after(body_bytes=900),
    "inside a chunk": lambda vendor: vendor.cuts_after(events=4, ending=Ending.INSIDE_CHUNK),
    "by a reset": lambda vendor: vendor.cuts_after(events=4, ending=Ending.RESET),
    "by a clean end": lambda vendor: vendor.cuts_after(events=4, ending=Ending.CLEAN),
    "by an error event": lambda vendor: vendor.behaves(error_event_at=4),
    "by an error event that others follow": lambda vendor: vendor.behaves(
        error_event_at=4, error_event_ends=False
    ),
    "by an event without end": lambda vendor: vendor.behaves(
        insert=(4, b"data: " + b"x" * 40_000_000)
    ),
}


@on_both_wires
@pytest.mark.parametrize("harm", CUTS.values(), ids=CUTS.keys())
async def test_a_cut_answer_never_looks_whole(pair: Pair, path: str, harm: Harm) -> None:
    pair.first.calls_tool("write_file", {"path": "a.py", "text": "x" * 300})
    harm(pair.first)
    answer = await pair.ask(path)
    assert answer.status_code == 200
    assert_cut(path, answer.content)
    completed = pair.story()[-1]
    assert completed["outcome"] == "cut"
    assert completed["usage_source"] == "counted"
    assert completed["usage"]["output_tokens"] > 0
    assert "finish_reason" not in completed
    assert pair.second.calls == []
    assert b"stand-in is overloaded" in answer.content or b"broke off" in answer.content


@on_both_wires
async def test_an_end_marker_without_a_stop_reason_does_not_make_it_whole(
    pair: Pair, path: str
) -> None:
    marker = b"data: [DONE]\n\n" if path == CHAT else b'data: {"type":"message_stop"}\n\n'
    pair.first.behaves(insert=(4, marker))
    answer = await pair.ask(path)
    assert_cut(path, answer.content)


@on_both_wires
async def test_a_failure_after_the_stop_reason_is_a_cut(pair: Pair, path: str) -> None:
    pair.first.says("one")
    pair.first.behaves(error_event_at=3 if path == CHAT else 6)
    answer = await pair.ask(path)
    assert_cut(path, answer.content)


@on_both_wires
@streamed_or_not
async def test_a_silent_target_is_given_up_for_the_next(
    pair: Pair, path: str, streaming: bool
) -> None:
    pair.first.behaves(silent=True)
    asking = asyncio.create_task(pair.ask(path, stream=streaming))
    await pair.first.until_called()
    pair.client.sweep(asyncio.get_running_loop().time() + 601)
    answer = await asking
    assert b"seven" in answer.content
    assert_fallback(pair, "timeout")


@on_both_wires
async def test_a_silent_only_target_is_a_gateway_timeout(pair: Pair, path: str) -> None:
    pair.first.behaves(silent=True)
    asking = asyncio.create_task(pair.ask(path, "solo"))
    await pair.first.until_called()
    pair.client.sweep(asyncio.get_running_loop().time() + 121)
    assert (await asking).status_code == 504


@on_both_wires
async def test_silence_in_the_middle_is_a_cut(pair: Pair, path: str) -> None:
    pair.first.cuts_after(events=4, ending=Ending.STALL)
    async with pair.asking(path) as client:
        await client.head()
        seen = await client.chunk()
        while b"one" not in seen:
            seen += await client.chunk()
        now = asyncio.get_running_loop().time()
        pair.client.sweep(now)
        pair.client.sweep(now + 121)
        seen += await rest_of(client)
        assert_cut(path, seen)
        assert pair.first.calls[-1].gone
        assert pair.story()[-1]["outcome"] == "cut"


@on_both_wires
async def test_a_long_wait_is_bridged_and_then_answered(pair: Pair, path: str) -> None:
    gate = pair.first.holds()
    async with pair.asking(path) as client:
        await pair.first.until_called()
        calls, keep_alive = pair.gateway.inside.calls, keep_alive_of(path)
        (call,) = calls
        silent_since = call.last_sent
        calls.tick(silent_since + 14)
        calls.tick(silent_since + 16)
        assert (await client.head())[0] == 200
        assert await client.chunk() == keep_alive
        calls.tick(silent_since + 32)
        assert await client.chunk() == keep_alive
        gate.set()
        rest = await rest_of(client)
        assert is_whole(path, rest)
        assert b"six" in rest
        assert pair.story()[-1]["outcome"] == "complete"


@on_both_wires
async def test_a_bridged_wait_still_falls_back(pair: Pair, path: str) -> None:
    gate = pair.first.holds()
    pair.first.fails(500)
    async with pair.asking(path) as client:
        await pair.first.until_called()
        pair.gateway.inside.calls.tick(time.monotonic() + 16)
        assert (await client.head())[0] == 200
        assert await client.chunk() == keep_alive_of(path)
        gate.set()
        rest = await rest_of(client)
        assert b"seven" in rest
        assert is_whole(path, rest)
        assert_fallback(pair, "unavailable")


@on_both_wires
@pytest.mark.parametrize("status", [400, 401, 500])
async def test_a_bridged_wait_that_comes_to_nothing_says_so_in_the_stream(
    pair: Pair, path: str, status: int
) -> None:
    gate = pair.first.holds()
    pair.first.fails(status)
    async with pair.asking(path, "solo") as client:
        await pair.first.until_called()
        pair.gateway.inside.calls.tick(time.monotonic() + 16)
        await client.head()
        assert await client.chunk() == keep_alive_of(path)
        gate.set()
        assert_cut(path, await rest_of(client))
        assert pair.story()[-1]["outcome"] == "failed"


@on_both_wires
async def test_a_silence_in_the_middle_is_bridged(pair: Pair, path: str) -> None:
    gate = pair.first.holds(before_event=5)
    async with pair.asking(path) as client:
        await client.head()
        seen = await client.chunk()
        await until(lambda: pair.first.calls[0].pieces_sent == 5)
        while b"two" not in seen:
            seen += await client.chunk()
        pair.gateway.inside.calls.tick(time.monotonic() + 16)
        while not seen.endswith(keep_alive_of(path)):
            seen += await client.chunk()
        gate.set()
        assert is_whole(path, seen + await rest_of(client))


async def test_a_whole_answer_is_never_bridged(pair: Pair) -> None:
    gate = pair.first.holds()
    async with pair.asking(CHAT, stream=False) as client:
        await pair.first.until_called()
        pair.gateway.inside.calls.tick(time.monotonic() + 60)
        gate.set()
        answer = await client.answer()
        assert answer.json()["choices"][0]["finish_reason"] == "stop"


def keep_alive_of(path: str) -> bytes:
    return b": keep-alive\n\n" if path == CHAT else b'event: ping\ndata: {"type": "ping"}\n\n'


async def rest_of(client: RoughClient) -> bytes:
    seen = b""
    while piece := await client.chunk():
        seen += piece
    return seen


OUTSIDE = """
vendors:
  house: {{ kind: in_house, base_url: "{house}", wires: [openai_chat, anthropic_messages] }}
  outside: {{ kind: openai, base_url: "{outside}/v1", api_key: vendor-key, clearance: internal }}
models:
  coder: {{ targets: [house/qwen3-coder, outside/gpt-5] }}
teams:
  default: {{ models: [coder], data_class: {data_class} }}
"""


@pytest.mark.parametrize("data_class", ["restricted", "confidential"])
@pytest.mark.parametrize("streaming", [True, False])
async def test_restricted_work_never_leaves_the_house_though_the_house_is_down(
    tmp_path: Path, data_class: str, streaming: bool
) -> None:
    async with FakeVendor(key=None) as house, FakeVendor(models=("gpt-5",)) as outside:
        text = OUTSIDE.format(house=house.url, outside=outside.url, data_class=data_class)
        await house.refuses()
        async with running_gateway(tmp_path, text) as gateway:
            answer = await gateway.chat(stream=streaming)
            assert answer.status_code == 502
            assert outside.connections.opened == 0
            assert gateway.records()[0]["targets"] == ["house/qwen3-coder"]


async def test_internal_work_may_leave_the_house_when_the_house_is_down(tmp_path: Path) -> None:
    async with FakeVendor(key=None) as house, FakeVendor(models=("gpt-5",)) as outside:
        text = OUTSIDE.format(house=house.url, outside=outside.url, data_class="internal")
        await house.refuses()
        async with running_gateway(tmp_path, text) as gateway:
            answer = await gateway.chat()
            assert answer.status_code == 200
            assert outside.calls[0].header("authorization") == "Bearer vendor-key"
