"""The client keeps connections, asks again only where that is safe, and never holds too much."""

import asyncio
import json
from itertools import pairwise

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.errors import ProviderTimeout, ProviderUnavailable, ReplyCut
from providers.http.client import HttpClient
from providers.http.origin import Endpoint, parse_base_url
from providers.http.reply import PAUSE_ABOVE_BYTES, HttpReply, Timeouts
from tests.fakes.vendor import Ending, FakeVendor, Framing
from tests.fakes.waiting import IN_VAIN_SECONDS

JSON = ((b"content-type", b"application/json"),)
ASKED = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
STREAMED = json.dumps({**ASKED, "stream": True}).encode()
WHOLE = json.dumps(ASKED).encode()
QUICK = Timeouts(connect_seconds=5, first_byte_seconds=10, idle_seconds=10)


async def ask(client: HttpClient, vendor: FakeVendor, body: bytes = STREAMED) -> HttpReply:
    origin, _ = parse_base_url(vendor.url)
    endpoint = Endpoint.build("POST", origin, "/v1/chat/completions", JSON)
    return await client.request(endpoint, (), body, timeouts=QUICK, target="house/m")


async def read_all(reply: HttpReply) -> bytes:
    found = b""
    while piece := await reply.body.read():
        found += piece
    return found


def much_later(seconds: float = 3600.0) -> float:
    return asyncio.get_running_loop().time() + seconds


@pytest.fixture
async def client():
    made = HttpClient(tick_seconds=3600)  # tests sweep by hand
    yield made
    await made.aclose()


@pytest.fixture
async def vendor():
    async with FakeVendor(key=None) as made:
        yield made


async def test_requests_in_turn_share_one_connection(client, vendor):
    for _ in range(3):
        await read_all(await ask(client, vendor))
    assert [call.connection for call in vendor.calls] == [1, 1, 1]
    assert (client.open_connections, client.idle_connections) == (1, 1)


async def test_requests_at_once_have_connections_of_their_own(client, vendor):
    gate = vendor.holds()
    asking = [asyncio.ensure_future(ask(client, vendor)) for _ in range(3)]
    await vendor.until_called(times=3)
    gate.set()
    for each in asking:
        await read_all(await each)
    assert {call.connection for call in vendor.calls} == {1, 2, 3}
    assert client.idle_connections == 3


async def test_the_connection_used_last_is_used_first(client, vendor):
    replies = [await ask(client, vendor) for _ in range(2)]
    for reply in replies:
        await read_all(reply)
    await read_all(await ask(client, vendor))
    newest = vendor.calls[-1].connection
    await read_all(await ask(client, vendor))
    assert vendor.calls[-1].connection == newest


async def test_no_more_than_the_bound_is_kept(vendor):
    client = HttpClient(max_idle_per_origin=1, tick_seconds=3600)
    gate = vendor.holds(before_event=1)
    replies = [await ask(client, vendor) for _ in range(3)]
    gate.set()
    for reply in replies:
        await read_all(reply)
    assert (client.open_connections, client.idle_connections) == (1, 1)
    await client.aclose()


async def test_a_connection_idle_too_long_is_not_used(vendor):
    client = HttpClient(idle_seconds=0.0, tick_seconds=3600)
    await read_all(await ask(client, vendor))
    await read_all(await ask(client, vendor))
    assert [call.connection for call in vendor.calls] == [1, 2]
    await client.aclose()


async def test_a_sweep_closes_what_is_idle(client, vendor):
    await read_all(await ask(client, vendor))
    client.sweep(much_later())
    assert (client.open_connections, client.idle_connections) == (0, 0)


async def test_a_connection_found_closed_is_replaced(client, vendor):
    await read_all(await ask(client, vendor))
    await vendor.drops_connections()
    assert (await ask(client, vendor)).status == 200
    assert len(vendor.calls) == 2


@pytest.mark.parametrize("way", ["resets", "closes"])
async def test_a_kept_connection_that_ends_under_a_request_is_asked_again_once(client, vendor, way):
    await read_all(await ask(client, vendor))
    vendor.behaves(**{way: True}, times=1)
    assert (await ask(client, vendor)).status == 200
    assert [call.connection for call in vendor.calls] == [1, 1, 2]


async def test_asking_again_happens_once_and_not_twice(client, vendor):
    await read_all(await ask(client, vendor))
    vendor.behaves(resets=True)
    with pytest.raises(ProviderUnavailable):
        await ask(client, vendor)
    assert len(vendor.calls) == 3


@pytest.mark.parametrize("way", ["resets", "closes"])
async def test_a_fresh_connection_that_ends_is_never_asked_again(client, vendor, way):
    vendor.behaves(**{way: True})
    with pytest.raises(ProviderUnavailable, match="before answering"):
        await ask(client, vendor)
    assert len(vendor.calls) == 1


async def test_silence_on_a_kept_connection_is_never_asked_again(client, vendor):
    await read_all(await ask(client, vendor))
    vendor.behaves(silent=True)
    asking = asyncio.ensure_future(ask(client, vendor))
    call = await vendor.until_called(times=2)
    client.sweep(much_later())
    with pytest.raises(ProviderTimeout) as caught:
        await asking
    await call.until_gone()
    assert len(vendor.calls) == 2
    assert caught.value.target == "house/m"


async def test_nobody_listening_is_no_connection(client, vendor):
    await vendor.refuses()
    with pytest.raises(ProviderUnavailable, match="no connection") as caught:
        await ask(client, vendor)
    assert caught.value.target == "house/m"


async def test_a_name_nobody_knows_is_no_connection(client):
    origin, _ = parse_base_url("http://nobody.invalid")
    endpoint = Endpoint.build("GET", origin, "/")
    with pytest.raises(ProviderUnavailable, match="no connection"):
        await client.request(endpoint, (), b"", timeouts=QUICK)


async def test_a_connection_that_does_not_come_about_in_time_is_given_up(client):
    origin, _ = parse_base_url("http://127.0.0.1:9")
    endpoint = Endpoint.build("GET", origin, "/")
    with pytest.raises(ProviderUnavailable, match=r"within 0 seconds|no connection"):
        await client.request(endpoint, (), b"", timeouts=Timeouts(connect_seconds=0))


async def test_closing_a_reply_before_its_end_hangs_up_at_once(client, vendor):
    vendor.holds(before_event=2)
    reply = await ask(client, vendor)
    await reply.body.aclose()
    await vendor.calls[-1].until_gone()
    assert client.open_connections == 0


async def test_cancelling_a_request_hangs_up_at_once(client, vendor):
    vendor.behaves(silent=True)
    asking = asyncio.ensure_future(ask(client, vendor))
    call = await vendor.until_called()
    asking.cancel()
    await call.until_gone()
    assert client.open_connections == 0


async def test_closing_the_client_hangs_up_everywhere_and_refuses_more(client, vendor):
    vendor.holds(before_event=2)
    reply = await ask(client, vendor)
    await client.aclose()
    await vendor.calls[-1].until_gone()
    with pytest.raises(ReplyCut):
        await read_all(reply)
    with pytest.raises(ProviderUnavailable, match="closed"):
        await ask(client, vendor)


async def test_a_unix_socket_is_an_origin_like_any_other(client, tmp_path):
    async with FakeVendor(key=None, unix=str(tmp_path / "s")) as vendor:
        assert b"[DONE]" in await read_all(await ask(client, vendor))
        assert b"[DONE]" in await read_all(await ask(client, vendor))
        assert vendor.calls[1].connection == 1
        assert vendor.calls[0].header("host") == "localhost"


async def test_redirects_are_answers_and_not_followed(client, vendor):
    async with FakeVendor(key=None) as elsewhere:
        vendor.answers(307, b"", headers=(("location", elsewhere.url),))
        assert (await ask(client, vendor)).status == 307
        assert elsewhere.connections.opened == 0


async def test_a_compressed_reply_is_refused_before_a_byte_is_unpacked(client, vendor):
    vendor.behaves(compresses=True)
    with pytest.raises(ProviderUnavailable, match="compressed") as caught:
        await ask(client, vendor)
    assert caught.value.target == "house/m"


async def test_compression_hidden_in_the_framing_is_refused(client):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        origin, _ = parse_base_url(f"http://127.0.0.1:{port}")
        with pytest.raises(ProviderUnavailable, match="compressed"):
            await client.request(Endpoint.build("GET", origin, "/"), (), b"", timeouts=QUICK)


async def test_a_compressed_stream_is_hung_up_on(client, vendor):
    vendor.behaves(compresses=True)
    vendor.holds(before_event=0)
    with pytest.raises(ProviderUnavailable, match="compressed"):
        await ask(client, vendor)
    await vendor.calls[-1].until_gone()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1), st.sampled_from([b"\n", b"\r\n"]))
def test_any_writes_of_the_vendor_give_the_same_bytes(sizes, newline):
    def chop(whole: bytes) -> list[bytes]:
        edges = [0]
        while edges[-1] < len(whole):
            edges.append(edges[-1] + sizes[len(edges) % len(sizes)])
        return [whole[a:b] for a, b in pairwise(edges)]

    async def run() -> tuple[bytes, bytes]:
        async with FakeVendor(key=None) as vendor:
            client = HttpClient()
            vendor.behaves(newline=newline)
            plain = await read_all(await ask(client, vendor))
            vendor.chops(chop)
            chopped = await read_all(await ask(client, vendor))
            await client.aclose()
        return plain, chopped

    plain, chopped = uvloop.run(run())
    assert chopped.replace(b"standin-2", b"standin-1") == plain


@pytest.mark.parametrize("framing", list(Framing))
async def test_every_framing_carries_the_same_document(client, vendor, framing):
    vendor.behaves(framing=framing)
    answer = json.loads(await read_all(await ask(client, vendor, WHOLE)))
    assert answer["choices"][0]["message"]["content"] == "Hello from the stand-in."


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET, Ending.INSIDE_CHUNK])
async def test_a_stream_that_breaks_off_is_cut_after_the_events_that_came(client, vendor, ending):
    vendor.cuts_after(events=2, ending=ending)
    reply = await ask(client, vendor)
    first = await reply.body.read()
    with pytest.raises(ReplyCut):
        await read_all(reply)
    assert first.startswith(b"data: {")


async def test_a_slow_reader_holds_the_vendor_back_and_loses_nothing(client, vendor):
    text = "x" * (1 << 20)
    vendor.says(pieces=(text,) * 24)
    reply = await ask(client, vendor)
    for _ in range(2000):  # let everything happen that can
        await asyncio.sleep(0)
    assert PAUSE_ABOVE_BYTES < reply.body.unread_bytes <= 2 * PAUSE_ABOVE_BYTES
    assert vendor.calls[-1].pieces_sent < 24
    assert (await read_all(reply)).count(b"x") >= 24 << 20


async def test_a_large_body_arrives_whole(client, vendor):
    content = "y" * (8 << 20)
    body = json.dumps({**ASKED, "messages": [{"role": "user", "content": content}]}).encode()
    assert (await ask(client, vendor, body)).status == 200
    assert vendor.calls[-1].body == body


async def test_the_sweep_runs_by_itself(vendor):
    client = HttpClient(tick_seconds=0.0, idle_seconds=0.0)
    await read_all(await ask(client, vendor))
    await asyncio.wait_for(vendor.connections.until_none(), IN_VAIN_SECONDS)
    assert (client.open_connections, client.idle_connections) == (0, 0)
    await client.aclose()


async def test_a_reply_is_pushed_to_its_end_and_keeps_its_connection(client, vendor):
    reply = await ask(client, vendor)
    pushed = []
    await reply.body.push_to(lambda data: pushed.append(data) or True)
    assert await reply.body.read() == b""
    assert b"".join(pushed).endswith(b"data: [DONE]\n\n")
    assert (client.open_connections, client.idle_connections) == (1, 1)


async def test_a_fault_in_who_takes_a_reply_cuts_it(client, vendor):
    def take(data):
        raise RuntimeError("a fault of ours")

    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    gate = vendor.holds(before_event=1)
    reply = await ask(client, vendor)
    await reply.body.read()
    pushing = asyncio.ensure_future(reply.body.push_to(take))
    await asyncio.sleep(0)
    gate.set()
    await pushing
    with pytest.raises(ReplyCut):
        await reply.body.read()
    assert client.open_connections == 0
