"""Clients that are slow, never read, leave, or speak in two tongues: each costs only itself."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.server import BoundedHeadProtocol
from tests.fakes.house import CHAT, GOOD, JSON, MESSAGES, House, a_house, code_in, the_denial
from tests.fakes.rough_client import RoughClient, head_of, rough_client
from tests.fakes.waiting import until, until_steady

pytestmark = pytest.mark.asyncio(loop_scope="module")

on_both_wires = pytest.mark.parametrize("path", [CHAT, MESSAGES])


class ImpatientProtocol(BoundedHeadProtocol):
    head_seconds = 0.2
    rest_seconds = 0.2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One gateway for all: each client costs only itself."""
    async with a_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_impatient(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("house")
    async with a_house(folder, protocol=ImpatientProtocol) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def house(running: House) -> AsyncIterator[House]:
    await running.begins_anew()
    yield running
    await running.still_serves()


@pytest_asyncio.fixture(loop_scope="module")
async def impatient_house(running_impatient: House) -> AsyncIterator[House]:
    await running_impatient.begins_anew()
    yield running_impatient
    await running_impatient.still_serves()


async def test_a_header_section_that_never_ends_is_cut_off(house: House) -> None:
    async with rough_client(house.gateway.port) as client:
        await client.sends(b"POST /v1/messages HTTP/1.1\r\nhost: gateway\r\n")
        filling = asyncio.create_task(fill(client, b"x-more: " + b"a" * 8_000 + b"\r\n"))
        status, headers = await client.head()
        filling.cancel()
    assert status == 431
    assert headers["connection"] == "close"


async def fill(client: RoughClient, piece: bytes) -> None:
    while not client.writer.is_closing():
        await client.sends(piece)
        await asyncio.sleep(0)


async def test_a_head_that_comes_a_byte_at_a_time_is_given_up(impatient_house: House) -> None:
    house = impatient_house
    async with rough_client(house.gateway.port) as client:
        await client.sends(b"POST /v1/mess")
        assert await client.until_closed() == b""
        await house.still_serves()


async def test_a_connection_on_which_nothing_comes_is_given_up(impatient_house: House) -> None:
    house = impatient_house
    async with rough_client(house.gateway.port) as client:
        assert await client.until_closed() == b""


@on_both_wires
async def test_a_body_that_comes_a_byte_a_second_is_given_up_and_recorded(
    house: House, path: str
) -> None:
    async with rough_client(house.gateway.port) as client:
        await client.sends(head_of(path, authorization=house.bearer, content_length="1000"))
        await client.sends(GOOD[:10])
        await until(lambda: len(house.gateway.inside.calls) == 1)
        (call,) = house.gateway.inside.calls
        house.gateway.inside.calls.tick(call.opened + 19)
        assert len(house.gateway.inside.calls) == 1
        house.gateway.inside.calls.tick(call.opened + 21)
        answer = await client.answer()
    assert answer.status == 408
    code_in(answer, path)
    assert the_denial(house, answer)["code"] == "request_timeout"


async def test_a_client_that_asks_before_it_sends_is_told_to_go_on(house: House) -> None:
    async with rough_client(house.gateway.port) as client:
        key, size = house.bearer, str(len(GOOD))
        head = head_of(CHAT, authorization=key, content_length=size, expect="100-continue")
        await client.sends(head)
        assert (await client.head())[0] == 100
        await client.sends(GOOD)
        assert (await client.answer()).status == 200


async def test_a_stranger_that_asks_before_it_sends_need_not_send(house: House) -> None:
    async with rough_client(house.gateway.port) as client:
        await client.sends(head_of(CHAT, content_length="40000000", expect="100-continue"))
        assert (await client.answer()).status == 401


@on_both_wires
async def test_a_body_that_could_never_be_sent_is_refused_before_it_comes(
    impatient_house: House, path: str
) -> None:
    house = impatient_house
    async with rough_client(house.gateway.port) as client:
        key, size = house.bearer, "99999999999"
        await client.sends(
            head_of(path, authorization=key, content_length=size, expect="100-continue")
        )
        answer = await client.answer()
        assert answer.status == (400 if path == CHAT else 451)
        assert "larger than" in answer.json()["error"]["message"]
        code_in(answer, path)
        assert the_denial(house, answer)["rule"] == "request_size"
        assert await client.until_closed() == b""


async def test_the_rest_of_an_answered_body_is_not_taken_for_ever(impatient_house: House) -> None:
    house = impatient_house
    async with rough_client(house.gateway.port) as client:
        await client.sends(head_of(CHAT, content_length="1000000") + b" " * 10)
        assert (await client.answer()).status == 401
        await client.sends(b" " * 10)
        assert await client.until_closed() == b""


async def test_a_connection_serves_on_after_an_early_answer(house: House) -> None:
    async with rough_client(house.gateway.port) as client:
        await client.sends(head_of(CHAT, content_length="20") + b" " * 10)
        assert (await client.answer()).status == 401
        await client.sends(b" " * 10)
        await client.posts(CHAT, GOOD, authorization=house.bearer)
        assert (await client.answer()).status == 200


async def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind(
    house: House,
) -> None:
    async with rough_client(house.gateway.port) as client:
        await client.sends(head_of(CHAT, authorization=house.bearer, content_length="1000"))
        await until(lambda: len(house.gateway.inside.calls) == 1)
    await until(lambda: len(house.gateway.inside.calls) == 0)
    assert house.gateway.records() == []


@on_both_wires
async def test_a_client_that_never_reads_a_stream_is_dropped_and_its_upstream_paused(
    house: House, path: str
) -> None:
    flood = ("x" * 64_000,) * 800  # 51 MB
    house.vendor.says(pieces=flood)
    async with rough_client(house.gateway.port, receive_buffer_bytes=4096) as client:
        body = GOOD[:-1] + b',"stream":true}'
        await client.posts(path, body, authorization=house.bearer)
        call = await house.vendor.until_called()
        sent = await until_steady(lambda: call.pieces_sent)
        assert sent < 400
        (admitted, *_) = house.gateway.records()
        (sending,) = house.gateway.inside.calls
        house.gateway.inside.calls.tick(sending.sending_since + 119)
        assert not call.gone
        house.gateway.inside.calls.tick(sending.sending_since + 121)
        await call.until_gone()
        end = await house.gateway.until_closed()
        assert end["exchange_id"] == admitted["exchange_id"]
        assert (end["outcome"], end["usage_source"]) == ("client_left", "counted")
        assert end["usage"]["output_tokens"] > 0
        await until(lambda: not house.gateway.server.server_state.connections)


async def test_a_client_that_never_reads_a_whole_answer_is_dropped(house: House) -> None:
    house.vendor.says("x" * 30_000_000)
    async with rough_client(house.gateway.port, receive_buffer_bytes=4096) as client:
        await client.posts(CHAT, GOOD, authorization=house.bearer)
        await house.vendor.until_called()
        await house.gateway.until_closed()
        await until(lambda: any(call.sending_since for call in house.gateway.inside.calls))
        house.gateway.inside.calls.tick(time.monotonic() + 125)
        await until(lambda: not house.gateway.server.server_state.connections)
        await until(lambda: len(house.gateway.inside.calls) == 0)  # its task ends a turn later


SMUGGLED = GOOD.decode()
LENGTH = f"content-length: {len(GOOD)}"
SMUGGLING = {
    "a length and chunks": f"{LENGTH}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": f"{LENGTH}\r\ncontent-length: 4\r\n\r\n{SMUGGLED}",
    "the same length twice": f"{LENGTH}\r\n{LENGTH}\r\n\r\n{SMUGGLED}",
    "a length that is no number": f"content-length: +{len(GOOD)}\r\n\r\n{SMUGGLED}",
    "an encoding after chunked": "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a space before the colon": f"content-length : {len(GOOD)}\r\n\r\n{SMUGGLED}",
    "a chunk size with a sign": "transfer-encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
    "a chunk size over 64 bits": "transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello",
    "a header folded onto a second line": "x-a: b\r\n c: d\r\ncontent-length: 0\r\n\r\n",
    "a bare line feed": f"content-length: {len(GOOD)}\nx-a: b\r\n\r\n{SMUGGLED}",
}


@pytest.mark.parametrize("rest", SMUGGLING.values(), ids=SMUGGLING.keys())
async def test_a_request_that_two_readers_would_read_differently_ends_the_connection(
    house: House, rest: str
) -> None:
    head = f"POST {CHAT} HTTP/1.1\r\nhost: gateway\r\nauthorization: {house.bearer}\r\n"
    second = "GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n"
    async with rough_client(house.gateway.port) as client:
        await client.sends((head + f"content-type: {JSON}\r\n" + rest + second).encode())
        said = await client.until_closed()
    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1") == 1
    assert house.vendor.calls == []
