"""The translator process: it serves, it dies with its parent, and it is started again."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from providers.base import UpstreamCall, WireName
from providers.errors import (
    ProviderBusy,
    ProviderRejected,
    ProviderUnavailable,
    ReplyCut,
    UnsupportedFeature,
)
from providers.http.client import HttpClient
from providers.translator_client import TranslatorSender
from tests.fakes.translation import CHAT, MESSAGES, ask, call, read_all, target
from tests.fakes.vendor import FakeVendor
from tests.fakes.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True, slots=True)
class Begun:
    """A translator that nobody had started before its first call, and what that call told."""

    translator: TranslatorSender
    was_running: bool
    first_reply: bytes


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def begun() -> AsyncIterator[Begun]:
    client = HttpClient()
    sender = TranslatorSender(client)
    was_running = sender.process_id is not None
    async with FakeVendor() as vendor:
        vendor.says("at once")
        reply = await read_all(await sender.send(call(CHAT, target("qwen", vendor.url))))
    yield Begun(sender, was_running, reply)
    await sender.stop()
    await client.aclose()


@pytest.fixture
def translator(begun: Begun) -> TranslatorSender:
    return begun.translator


@pytest_asyncio.fixture(loop_scope="module")
async def vendor() -> AsyncIterator[FakeVendor]:
    async with FakeVendor() as vendor:
        yield vendor


@pytest.mark.parametrize("wire", [CHAT, MESSAGES])
@pytest.mark.parametrize("streaming", [False, True])
async def test_a_call_goes_through(translator, vendor, wire, streaming):
    vendor.calls_tool("read_file", {"path": "a"}, text="Let me look.")
    told = await ask(translator, call(wire, target("qwen", vendor.url), streaming=streaming))
    assert told.text == "Let me look."
    assert told.calls[0]["name"] == "read_file"
    assert told.ended


async def test_what_was_dropped_is_told_on_this_side(translator, vendor):
    reply = await translator.send(call(MESSAGES, target("qwen", vendor.url), top_k=4))
    assert (b"x-gatehouse-dropped", b"top_k") in reply.headers
    await read_all(reply)


async def test_errors_arrive_as_what_they_were(translator, vendor):
    to = target("deepseek", vendor.url)
    vendor.fails(429, retry_after="3", times=1)
    with pytest.raises(ProviderBusy) as busy:
        await translator.send(call(CHAT, to))
    vendor.fails(422, message="no such thing", times=1)
    with pytest.raises(ProviderRejected) as rejected:
        await translator.send(call(CHAT, to))
    with pytest.raises(UnsupportedFeature, match=r"^audio"):
        await translator.send(call(CHAT, to, audio={"voice": "x"}))
    assert (busy.value.retry_after_seconds, busy.value.target) == (3.0, "deepseek/m-1")
    assert (rejected.value.status, b"no such thing" in rejected.value.body) == (422, True)


async def test_a_cut_stream_arrives_as_cut(translator, vendor):
    vendor.cuts_after(events=4)
    reply = await translator.send(call(CHAT, target("qwen", vendor.url), streaming=True))
    with pytest.raises(ReplyCut):
        await read_all(reply)


async def test_the_vendor_is_left_when_the_caller_leaves_in_the_middle(translator, vendor):
    vendor.holds(before_event=3)
    reply = await translator.send(call(CHAT, target("qwen", vendor.url), streaming=True))
    await reply.body.read()
    await reply.body.aclose()
    await vendor.calls[-1].until_gone()


async def test_the_vendor_is_left_when_the_caller_leaves_before_the_answer(translator, vendor):
    vendor.holds()
    sending = asyncio.create_task(translator.send(call(CHAT, target("qwen", vendor.url))))
    await vendor.until_called()
    sending.cancel()
    await vendor.calls[-1].until_gone()
    assert vendor.calls[-1].gone


async def test_the_key_is_in_no_argument_and_no_environment(translator, vendor):
    await ask(translator, call(CHAT, target("qwen", vendor.url)))
    process = Path(f"/proc/{translator.process_id}")
    told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    assert b"vendor-key" not in told


async def test_a_translator_that_dies_is_started_again(translator, vendor):
    await translator.until_ready()
    vendor.holds(before_event=3)
    reply = await translator.send(call(CHAT, target("qwen", vendor.url), streaming=True))
    before = translator.process_id
    os.kill(before, signal.SIGKILL)
    with pytest.raises((ReplyCut, ProviderUnavailable)):
        await read_all(reply)
    vendor.recovers()
    await until(lambda: translator.process_id != before)  # its death has been noticed
    told = await ask(translator, call(CHAT, target("qwen", vendor.url)))
    assert told.ended
    assert translator.process_id not in (None, before)


async def test_a_call_waits_no_longer_than_told():
    client = HttpClient()
    sender = TranslatorSender(client, ready_seconds=0.01)
    await sender.start()
    with pytest.raises(ProviderUnavailable):
        await sender.send(call(CHAT, target("qwen", "http://127.0.0.1:9")))
    await sender.stop()
    await client.aclose()


async def test_the_first_call_that_needs_it_starts_the_process(begun):
    assert not begun.was_running
    assert b"at once" in begun.first_reply


async def test_no_call_starts_it_again_once_it_was_stopped():
    wanted: UpstreamCall = call(CHAT, target("qwen", "http://127.0.0.1:9"))
    sender = TranslatorSender(HttpClient())
    await sender.stop()
    with pytest.raises(ProviderUnavailable):
        await sender.send(wanted)
    assert sender.process_id is None


async def test_the_process_ends_when_its_parents_end_of_the_pipe_closes(tmp_path):
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "providers.translator", "--socket", str(tmp_path / "s")),
        *("--connect-seconds", "1", "--first-byte-seconds", "1", "--idle-seconds", "1"),
        stdin=reading,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    os.close(reading)
    assert await process.stdout.readline() == b"ready\n"
    os.close(writing)
    assert await asyncio.wait_for(process.wait(), 60) == 0


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_fill_in_the_middle_goes_through(translator, vendor, streaming):
    vendor.says("return a + b")
    body = b'{"model":"alias","prompt":"def add(a, b):","suffix":"print(1)"}'
    if streaming:
        body = body.replace(b"}", b',"stream":true}')
    to = target("deepseek", vendor.url)
    wanted = UpstreamCall(WireName.MISTRAL_FIM, to, body, (), streaming)
    reply = await read_all(await translator.send(wanted))
    assert vendor.calls[-1].path == "/v1/completions"
    assert b'"finish_reason":"stop"' in reply
    assert reply.endswith(b"data: [DONE]\n\n") is streaming


async def test_the_vendor_is_left_when_an_autocomplete_is_cancelled(translator, vendor):
    vendor.holds(before_event=2)
    to = target("deepseek", vendor.url)
    body = b'{"model":"alias","prompt":"def add(a, b):","stream":true}'
    wanted = UpstreamCall(WireName.OPENAI_COMPLETIONS, to, body, (), streaming=True)
    reply = await translator.send(wanted)
    await reply.body.read()
    await reply.body.aclose()
    await vendor.calls[-1].until_gone()


async def test_what_no_road_answers_is_refused_without_a_process(vendor):
    client = HttpClient()
    sender = TranslatorSender(client)
    to = target("in_house:openai_chat", vendor.url)
    wanted = UpstreamCall(WireName.OPENAI_COMPLETIONS, to, b"{}", (), streaming=False)
    with pytest.raises(UnsupportedFeature, match="its chat is not asked instead"):
        await sender.send(wanted)
    assert sender._keeper is None
    await client.aclose()
