"""Keys made and ended beside a running gateway hold there, and a refused key is on record."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.cli.data import opened_database
from gateway.store.keys import Keys
from gateway.virtual_key import Hasher, IssuedKey, KeyIssuer, load_pepper
from tests.fakes.house import CHAT, MESSAGES, House, a_house, code_in

on_both_wires = pytest.mark.parametrize("path", [CHAT, MESSAGES])
HOUR_US = 3_600_000_000


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as house:
        yield house
        await house.still_serves()


def now_us() -> int:
    return time.time_ns() // 1000


async def issue(house: House, *, made_us: int, expires_us: int | None) -> IssuedKey:
    """A key made as another process makes it."""
    folder = house.gateway.data
    hasher = Hasher(load_pepper(folder, os.urandom))
    async with opened_database(folder) as database:
        issuer = KeyIssuer(Keys(database), hasher, unix_us=lambda: made_us, random_bytes=os.urandom)
        return await issuer.issue("default", "grace", expires_unix_us=expires_us)


async def revoke(house: House, key: IssuedKey) -> None:
    async with opened_database(house.gateway.data) as database:
        await Keys(database).revoke(key.stored.id, now_us())


async def refused_as(house: House, path: str, key: IssuedKey, cause: str) -> None:
    """Within seconds the key is refused, in words that say nothing of it, and on record."""
    headers = {"x-api-key": key.secret.reveal()}
    async with asyncio.timeout(5):
        while True:
            answer = await house.post_as(path, headers)
            records = house.gateway.records_of(answer.headers["x-gatehouse-audit-id"])
            if answer.status_code == 401 and records:
                break
            await asyncio.sleep(0.02)
    assert code_in(answer, path) in {"not_authenticated", "authentication_error"}
    assert cause not in answer.text
    (record,) = records
    assert (record["kind"], record["status"]) == ("denied", 401)
    assert record["credential_id"] == key.stored.id
    assert cause in record["reason"]


async def accepted(house: House, path: str, key: IssuedKey) -> None:
    async with asyncio.timeout(5):
        while True:
            headers = {"x-api-key": key.secret.reveal()}
            if (await house.post_as(path, headers)).status_code == 200:
                return
            await asyncio.sleep(0.02)


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
