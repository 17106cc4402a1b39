"""Every way an upstream connection fails, as the sender tells it: the numbered fault matrix."""

import asyncio
import gzip
import json

import pytest

from providers.base import UpstreamReply
from providers.errors import (
    ProviderBusy,
    ProviderCredentials,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    ReplyCut,
)
from providers.http.client import HttpClient
from providers.passthrough import Passthrough
from tests.fakes.vendor import Ending, FakeVendor
from tests.fakes.vendor_targets import CHAT, MESSAGES, call_to, target_at

WIRES = pytest.mark.parametrize("wire", [CHAT, MESSAGES])
HTML = b"<html><script>alert(1)</script></html>"


@pytest.fixture
async def client():
    made = HttpClient(tick_seconds=3600)  # tests sweep by hand
    yield made
    await made.aclose()


@pytest.fixture
def sender(client):
    return Passthrough(client, version="0.1.0")


@pytest.fixture
async def vendor():
    async with FakeVendor(key=None) as made:
        yield made


def ask(sender: Passthrough, vendor: FakeVendor, wire=CHAT, *, streaming: bool = True):
    return sender.send(call_to(target_at(vendor.url), wire, streaming=streaming))


async def read_all(reply: UpstreamReply) -> bytes:
    found = b""
    while piece := await reply.body.read():
        found += piece
    return found


async def falls_silent(client: HttpClient) -> None:
    """Two sweeps an hour apart: whatever moved before the first is silent at the second."""
    now = asyncio.get_running_loop().time()
    client.sweep(now)
    client.sweep(now + 3600)


async def test_02_a_vendor_at_its_limit_is_busy_and_is_asked_once(sender, vendor):
    vendor.fails(429)
    with pytest.raises(ProviderBusy) as caught:
        await ask(sender, vendor)
    assert (len(vendor.calls), caught.value.try_next) == (1, True)


async def test_03_a_500_is_told_at_once_and_the_next_request_is_answered(sender, vendor):
    vendor.fails(500, times=1)
    with pytest.raises(ProviderUnavailable):
        await ask(sender, vendor)
    assert (await ask(sender, vendor)).status == 200


@pytest.mark.parametrize(("status", "kind"), [(503, ProviderUnavailable), (529, ProviderBusy)])
async def test_04_an_overloaded_vendor_lets_another_target_be_tried(sender, vendor, status, kind):
    vendor.fails(status)
    with pytest.raises(kind) as caught:
        await ask(sender, vendor)
    assert (len(vendor.calls), caught.value.try_next) == (1, True)


async def test_05_a_revoked_key_is_told_apart_from_the_callers(sender):
    async with FakeVendor(key="the-new-key") as vendor:
        with pytest.raises(ProviderCredentials):
            await sender.send(call_to(target_at(vendor.url, key="the-old-key")))
        assert len(vendor.calls) == 1


async def test_06_a_vendor_that_repeats_our_key_does_not_get_it_out(sender, vendor):
    vendor.fails(400, message="no such key: Bearer house-secret")
    with pytest.raises(ProviderRejected) as caught:
        await sender.send(call_to(target_at(vendor.url, key="house-secret")))
    assert b"no such key: Bearer ***" in caught.value.body


async def test_07_a_reset_before_the_head_once_is_told_and_the_next_is_answered(sender, vendor):
    vendor.behaves(resets=True, times=1)
    with pytest.raises(ProviderUnavailable) as caught:
        await ask(sender, vendor)
    assert caught.value.try_next
    assert (await ask(sender, vendor)).status == 200


async def test_07_nobody_listening_is_told_at_once(sender, vendor):
    await vendor.refuses()
    with pytest.raises(ProviderUnavailable):
        await ask(sender, vendor)


async def test_08_a_vendor_that_never_answers_is_given_up_after_one_try(sender, client, vendor):
    vendor.behaves(silent=True)
    asking = asyncio.ensure_future(ask(sender, vendor))
    call = await vendor.until_called()
    await falls_silent(client)
    with pytest.raises(ProviderTimeout):
        await asking
    await call.until_gone()
    assert len(vendor.calls) == 1


@WIRES
async def test_10_each_event_is_handed_on_before_the_next_is_there(sender, vendor, wire):
    gate = vendor.holds(before_event=2)
    reply = await ask(sender, vendor, wire)
    assert (await reply.body.read()).startswith((b"data: ", b"event: message_start"))
    gate.set()
    assert await read_all(reply)


@WIRES
@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET, Ending.INSIDE_CHUNK])
async def test_11_a_stream_with_broken_framing_is_cut(sender, vendor, wire, ending):
    vendor.cuts_after(events=3, ending=ending)
    reply = await ask(sender, vendor, wire)
    with pytest.raises(ReplyCut) as caught:
        await read_all(reply)
    assert caught.value.target == "house/standin"


async def test_11_a_whole_answer_that_is_short_is_cut(sender, vendor):
    vendor.cuts_after(body_bytes=20)
    reply = await ask(sender, vendor, streaming=False)
    with pytest.raises(ReplyCut):
        await read_all(reply)


@WIRES
async def test_12_a_proper_end_without_the_protocols_is_handed_on_as_it_came(sender, vendor, wire):
    vendor.cuts_after(events=3, ending=Ending.CLEAN)
    came = await read_all(await ask(sender, vendor, wire))
    assert came.endswith(b"\n\n")
    assert b"[DONE]" not in came
    assert b"message_stop" not in came


async def test_13_silence_in_the_middle_is_given_up_and_hung_up(sender, client, vendor):
    vendor.cuts_after(events=3, ending=Ending.STALL)
    reply = await ask(sender, vendor)
    reading = asyncio.ensure_future(read_all(reply))
    await vendor.until_called()
    while not reading.done():
        await asyncio.sleep(0)
        await falls_silent(client)
    with pytest.raises(ProviderTimeout):
        await reading
    await vendor.calls[-1].until_gone()


async def test_22_html_with_a_502_is_no_answer(sender, vendor):
    vendor.answers(502, HTML, content_type="text/html")
    with pytest.raises(ProviderUnavailable) as caught:
        await ask(sender, vendor)
    assert "html" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(HTML, "text/html"), (b"", "application/json"), (b"", "text/plain"), (b"ok", "text/plain")],
)
async def test_22_html_or_nothing_with_a_200_is_no_answer(sender, vendor, body, content_type):
    vendor.answers(200, body, content_type=content_type)
    with pytest.raises(ProviderUnavailable):
        await ask(sender, vendor)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_23_a_redirect_is_never_followed(sender, vendor, status):
    async with FakeVendor(key=None) as elsewhere:
        vendor.answers(status, b"", headers=(("location", elsewhere.url),))
        with pytest.raises(ProviderUnavailable, match="not followed"):
            await ask(sender, vendor)
        assert elsewhere.connections.opened == 0


async def test_24_a_compressed_answer_is_refused_unread(sender, vendor):
    bomb = gzip.compress(b"0" * (64 << 20))
    vendor.answers(200, bomb, headers=(("content-encoding", "gzip"),))
    with pytest.raises(ProviderUnavailable, match="compressed"):
        await ask(sender, vendor)
    assert vendor.calls[-1].header("accept-encoding") == "identity"


async def test_25_a_line_of_20_mb_passes_in_bounded_pieces(sender, vendor):
    vendor.behaves(insert=(1, b": " + b"x" * (20 << 20) + b"\n\n"))
    reply = await ask(sender, vendor)
    sizes = []
    while piece := await reply.body.read():
        sizes.append(len(piece))
    assert sum(sizes) > 20 << 20
    assert max(sizes) <= 1 << 20


async def test_25_a_header_of_200_kb_is_refused(sender, vendor):
    vendor.behaves(headers=(("x-long", "x" * 200_000),))
    with pytest.raises(ProviderUnavailable, match="64 KB"):
        await ask(sender, vendor)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
async def test_26_events_cut_at_any_byte_are_the_same_bytes(sender, vendor, size):
    vendor.behaves(newline=b"\r\n", insert=(1, b": ping\n\n"))
    vendor.chops(lambda whole: [whole[at : at + size] for at in range(0, len(whole), size)])
    came = await read_all(await ask(sender, vendor))
    vendor.recovers()
    vendor.behaves(newline=b"\r\n", insert=(1, b": ping\n\n"))
    assert came.replace(b"standin-1", b"standin-2") == await read_all(await ask(sender, vendor))


async def test_28_a_caller_who_leaves_before_the_first_byte_cancels_upstream(sender, vendor):
    vendor.behaves(silent=True)
    asking = asyncio.ensure_future(ask(sender, vendor))
    call = await vendor.until_called()
    asking.cancel()
    await call.until_gone()


@WIRES
async def test_29_a_caller_who_leaves_in_the_middle_cancels_upstream(sender, vendor, wire):
    vendor.holds(before_event=3)
    reply = await ask(sender, vendor, wire)
    await reply.body.read()
    await reply.body.aclose()
    await vendor.calls[-1].until_gone()
    assert vendor.calls[-1].pieces_sent == 3


@pytest.mark.parametrize("text", ["\n\ndata: [DONE]\n\n", "event: error", "\r", "\u2028", "\0"])
async def test_text_that_looks_like_framing_comes_through_as_text(sender, vendor, text):
    vendor.says(text)
    came = await read_all(await ask(sender, vendor, streaming=False))
    assert json.loads(came)["choices"][0]["message"]["content"] == text


async def test_connections_do_not_pile_up_over_broken_and_abandoned_streams(sender, client, vendor):
    vendor.holds(before_event=2)
    for _ in range(200):
        reply = await ask(sender, vendor)
        await reply.body.aclose()
    assert client.open_connections == 0
