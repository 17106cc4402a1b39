"""The admin API of a gateway that serves: on its own listener, and what it does holds at once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.store.database import open_database
from tests.fakes.house import CHAT, House, a_house
from tests.fakes.used import NOON, Use, file_uses_in
from tests.fakes.waiting import IN_VAIN_SECONDS


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as house:
        yield house
        await house.still_serves()


async def status_at(url: str | None, path: str) -> int:
    async with httpx.AsyncClient(trust_env=False, timeout=60.0) as client:
        return (await client.get(f"{url}{path}")).status_code


async def test_each_listener_knows_its_own_paths_only(house: House) -> None:
    gateway = house.gateway
    assert await status_at(gateway.admin_url, "/admin/v1/openapi.json") == 200
    assert await status_at(gateway.base_url, "/admin/v1/openapi.json") == 404
    assert await status_at(gateway.base_url, "/v1/models") == 401
    async with gateway.admin() as admin:
        for path in ("/v1/models", "/metrics", "/healthz", CHAT):
            assert (await admin.get(f"{gateway.admin_url}{path}")).status_code == 404


async def test_a_key_made_here_asks_models_at_once_and_a_revoked_one_does_not(
    house: House,
) -> None:
    async with house.gateway.admin() as admin:
        made = (await admin.post("/keys", json={"team": "default", "user": "grace"})).json()
        key = {"x-api-key": made["secret"]}
        assert (await house.post_as(CHAT, key)).status_code == 200
        await admin.post(f"/keys/{made['key']['id']}/revoke")
        assert (await house.post_as(CHAT, key)).status_code == 401


async def test_a_developers_key_does_not_administer_and_an_administrators_asks_no_model(
    house: House,
) -> None:
    async with house.gateway.admin(house.gateway.developer_key) as developer:
        assert (await developer.get("/keys")).status_code == 403
        assert (await developer.get("/whoami")).status_code == 200
    refused = await house.post_as(CHAT, {"x-api-key": house.gateway.admin_key})
    assert refused.status_code == 401


async def test_usage_tells_what_was_asked_a_moment_ago(house: House) -> None:
    for _ in range(3):
        assert (await house.gateway.chat()).status_code == 200
    await house.gateway.until_closed(3)
    async with house.gateway.admin() as admin, asyncio.timeout(IN_VAIN_SECONDS):
        while True:
            told = (await admin.get("/usage?by=model")).json()
            if told["total"]["requests"] == 3:  # filed within a fifth of a second
                break
            await asyncio.sleep(0.05)
    assert [each["model"] for each in told["groups"]] == ["coder"]


async def test_requests_are_served_while_many_ask_for_usage(house: House) -> None:
    database = open_database(house.gateway.data)
    times = [NOON + each * 600 for each in range(300)]
    await file_uses_in(database, [Use(user=f"u{each}", unix_seconds=each) for each in times])
    await database.close()
    async with house.gateway.admin() as admin:
        asking = [
            asyncio.create_task(admin.get("/usage?by=user,model&since=2026-09-01&until=2026-11-01"))
            for _ in range(20)
        ]
        answers = await asyncio.gather(*[house.gateway.chat() for _ in range(10)])
        told = await asyncio.gather(*asking)
    assert {each.status_code for each in answers} == {200}
    assert {each.status_code for each in told} == {200}
    assert {each.json()["total"]["requests"] for each in told} == {300}
