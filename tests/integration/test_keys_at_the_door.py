"""Keys made and ended beside a running gateway hold there, and a refused key is on record."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio

from gateway.cli.data import opened_database
from gateway.pepper import load_pepper
from gateway.store.changes import Actor
from gateway.store.keys import Keys
from gateway.virtual_key import Hasher, IssuedKey, KeyIssuer
from policy.types import Scope
from tests.fakes.house import CHAT, MESSAGES, House, a_house, code_in, the_denial
from tests.fakes.hurry import HURRIED_SECONDS, hurried
from tests.fakes.ledger_file import key_records
from tests.fakes.pair import assert_cut, question
from tests.fakes.rough_client import RoughClient, rough_client
from tests.fakes.waiting import IN_VAIN_SECONDS, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

on_both_wires = pytest.mark.parametrize("path", [CHAT, MESSAGES])
ANNA = Actor.os_user("anna")
HOUR_US = 3_600_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One gateway for all: each test makes keys of its own."""
    with hurried():
        async with a_house(tmp_path_factory.mktemp("house")) as house:
            yield house


@pytest_asyncio.fixture(loop_scope="module")
async def house(running: House) -> AsyncIterator[House]:
    await running.begins_anew()
    yield running
    await running.still_serves()


def now_us() -> int:
    return time.time_ns() // 1000


@asynccontextmanager
async def issuing(house: House, *, now_us: Callable[[], int]) -> AsyncGenerator[KeyIssuer]:
    """Keys made as another process makes them."""
    folder = house.gateway.data
    hasher = Hasher(load_pepper(folder, os.urandom))
    async with opened_database(folder) as database:
        yield KeyIssuer(Keys(database), hasher, by=ANNA, unix_us=now_us, random_bytes=os.urandom)


async def issue(
    house: House, *, made_us: int, expires_us: int | None, scope: Scope | None = None
) -> IssuedKey:
    async with issuing(house, now_us=lambda: made_us) as issuer:
        return await issuer.issue("default", "grace", expires_unix_us=expires_us, scope=scope)


async def revoke(house: House, key: IssuedKey) -> None:
    async with opened_database(house.gateway.data) as database:
        await Keys(database).revoke(key.stored.id, now_us(), ANNA)


async def refused_as(house: House, path: str, key: IssuedKey, cause: str) -> None:
    """Within seconds the key is refused, in words that say nothing of it, and on record."""
    headers = {"x-api-key": key.secret.reveal()}
    async with asyncio.timeout(IN_VAIN_SECONDS):
        while True:
            answer = await house.post_as(path, headers)
            records = house.gateway.records_of(answer.headers["x-gatehouse-audit-id"])
            if answer.status_code == 401 and records:
                break
            await asyncio.sleep(0.1)
    assert code_in(answer, path) in {"not_authenticated", "authentication_error"}
    assert cause not in answer.text
    (record,) = records
    assert (record["kind"], record["status"]) == ("denied", 401)
    assert record["credential_id"] == key.stored.id
    assert cause in record["reason"]


async def answer_once_known(house: House, path: str, key: IssuedKey) -> httpx.Response:
    """The first answer that says more than that the key is not known yet."""
    async with asyncio.timeout(IN_VAIN_SECONDS):
        while True:
            answer = await house.post_as(path, {"x-api-key": key.secret.reveal()})
            if answer.status_code != 401:
                return answer
            await asyncio.sleep(0.1)


async def accepted(house: House, path: str, key: IssuedKey) -> None:
    assert (await answer_once_known(house, path, key)).status_code == 200


@on_both_wires
async def test_a_new_key_is_taken_and_a_revoked_one_is_not(house: House, path: str) -> None:
    key = await issue(house, made_us=now_us(), expires_us=None)
    await accepted(house, path, key)
    await revoke(house, key)
    await refused_as(house, path, key, "revoked")


@on_both_wires
async def test_an_expired_key_is_refused(house: House, path: str) -> None:
    made = now_us() - 2 * HOUR_US
    key = await issue(house, made_us=made, expires_us=made + HOUR_US)
    await refused_as(house, path, key, "expired")


@asynccontextmanager
async def under_way(house: House, path: str, key: IssuedKey) -> AsyncGenerator[RoughClient]:
    """A stream that has begun to say something and is held there by its model."""
    house.vendor.says("one two three four five six")
    house.vendor.holds(before_event=5)
    async with rough_client(house.gateway.port) as client:
        bearer = f"Bearer {key.secret.reveal()}"
        await client.posts(path, question(), authorization=bearer)
        assert (await client.head())[0] == 200
        seen = await client.chunk()
        while b"one" not in seen:
            seen += await client.chunk()
        yield client


async def rest_of(client: RoughClient) -> bytes:
    seen = b""
    while piece := await client.chunk():
        seen += piece
    return seen


@on_both_wires
async def test_a_leavers_keys_end_with_what_runs_under_them(house: House, path: str) -> None:
    key = await issue(house, made_us=now_us(), expires_us=None)
    await accepted(house, path, key)
    calls = len(house.vendor.calls)
    async with under_way(house, path, key) as client:
        async with opened_database(house.gateway.data) as database:
            await Keys(database).revoke_all_of("grace", now_us(), ANNA)
        seen = await rest_of(client)
    assert_cut(path, seen)
    assert b"the key was revoked" in seen
    await house.vendor.calls[calls].until_gone()
    end = await house.gateway.until_closed(2)
    assert (end["outcome"], end["error"]) == ("cut", "key_revoked")
    assert end["usage"]["output_tokens"] > 0
    await refused_as(house, path, key, "revoked")


@on_both_wires
async def test_a_whole_answer_that_is_waited_for_ends_with_its_key(house: House, path: str) -> None:
    key = await issue(house, made_us=now_us(), expires_us=None)
    await accepted(house, path, key)
    house.vendor.holds()
    waiting = asyncio.create_task(house.post_as(path, {"x-api-key": key.secret.reveal()}))
    call = await house.vendor.until_called(2)
    await revoke(house, key)
    answer = await waiting
    assert answer.status_code == 401
    assert "revoked" in answer.text
    await call.until_gone()
    end = await house.gateway.until_closed(2)
    assert (end["outcome"], end["error"]) == ("cut", "key_revoked")


async def test_other_keys_go_on_while_one_is_revoked(house: House) -> None:
    key, other = [await issue(house, made_us=now_us(), expires_us=None) for _ in range(2)]
    await accepted(house, CHAT, other)
    async with under_way(house, CHAT, other) as client:
        await revoke(house, key)
        await refused_as(house, CHAT, key, "revoked")
        await asyncio.sleep(2 * HURRIED_SECONDS)  # in which a wrong one would be ended
        house.vendor.recovers()
        assert not client.reader.at_eof()
        assert [call.interruption for call in house.gateway.inside.calls] == [None]


@on_both_wires
async def test_both_keys_of_a_rotation_are_taken_until_the_old_one_lapses(
    house: House, path: str
) -> None:
    old = await issue(house, made_us=now_us(), expires_us=None)
    await accepted(house, path, old)
    async with issuing(house, now_us=now_us) as issuer:
        new, _ = await issuer.rotate(old.stored.id, 2_500_000)
    await accepted(house, path, new)
    await refused_as(house, path, old, "expired")
    await accepted(house, path, new)
    data = house.gateway.data
    await until(lambda: key_records(data)[-1]["kind"] == "key_lapsed")
    told = key_records(data)[-1]
    assert (told["key_id"], told["successor_id"]) == (old.stored.id, new.stored.id)


@on_both_wires
async def test_a_key_of_another_network_is_denied_in_words_the_client_shows(
    house: House, path: str
) -> None:
    elsewhere = Scope(networks=("192.0.2.0/24",))
    key = await issue(house, made_us=now_us(), expires_us=None, scope=elsewhere)
    answer = await answer_once_known(house, path, key)
    record = the_denial(house, answer)
    assert (record["rule"], record["code"]) == ("key_scope", "policy_denied")
    assert "from 192.0.2.0/24 only, and this request came from 127.0.0.1" in answer.text
    assert "rule key_scope" in answer.text


async def test_a_key_for_this_network_and_model_is_taken(house: House) -> None:
    here = Scope(("coder",), ("127.0.0.0/8",))
    await accepted(house, CHAT, await issue(house, made_us=now_us(), expires_us=None, scope=here))
