"""People sign in by `gatehouse login` at a real provider, Canaille, whose pages they go through.

It has no device flow and no back-channel logout of its own, and needs none of the former.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from gateway.cli.data import opened_database
from gateway.oauth.machine import DEVICE_GRANT
from gateway.store.ledger import Ledger
from tests.fakes.canaille import CALLBACK, GATEWAY, Canaille, People, a_canaille
from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.house import CHAT, GOOD, JSON
from tests.fakes.sign_in_pages import Browser
from tests.fakes.vendor import FakeVendor
from tests.fakes.waiting import IN_VAIN_SECONDS

CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{vendor}", wires: [openai_chat] }}
models:
  coder: {{ targets: [house/qwen3-coder] }}
teams:
  web: {{ models: [coder], data_class: internal }}
  payments: {{ models: [coder], data_class: internal }}
identity:
  oidc:
    - issuer: {issuer}
      client_id: gatehouse
      scopes: [openid, profile, email, groups]
      teams: {{ eng-web: web, eng-pay: payments }}
  login: {{ url: "{here}", recheck_seconds: 10 }}
"""


@pytest.fixture(scope="module")
def canaille() -> Iterator[Canaille]:
    """One for all: who is locked there signs in in no other test."""
    with a_canaille() as canaille:
        yield canaille


@pytest.fixture
async def gateway(canaille: Canaille, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        text = CONFIGURATION.format(vendor=vendor.url, issuer=canaille.issuer, here=GATEWAY)
        async with running_gateway(tmp_path, text) as gateway:
            yield gateway


@pytest.fixture
async def people(canaille: Canaille) -> AsyncIterator[People]:
    people = People(canaille.issuer)
    yield people
    await people.leave()


def client_of(gateway: RunningGateway) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=gateway.base_url, trust_env=False, timeout=30.0)


async def signed_in(gateway: RunningGateway, people: People, name: str) -> dict[str, str]:
    async def arrive(way: str) -> str:
        return await people.browser_of(name).follows(way, CALLBACK)

    async with client_of(gateway) as client, client_of(gateway) as pages:
        asked = {"machine": "laptop"}
        begun = (await client.post("/oauth/device_authorization", data=asked)).json()
        last = await Browser(pages, arrive).signs_in(begun["user_code"])
        assert "You are signed in" in last.text, last.text
        form = {"grant_type": DEVICE_GRANT, "device_code": begun["device_code"]}
        answer = await client.post("/oauth/token", data=form)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def status_of(gateway: RunningGateway, token: str) -> int:
    headers = {"authorization": f"Bearer {token}", "content-type": JSON}
    async with client_of(gateway) as client:
        return (await client.post(CHAT, content=GOOD, headers=headers)).status_code


async def test_somebody_signs_in_there_and_asks_models_here(
    gateway: RunningGateway, people: People
) -> None:
    told = await signed_in(gateway, people, "bob")
    assert await status_of(gateway, told["access_token"]) == 200
    async with client_of(gateway) as client:
        headers = {"authorization": f"Bearer {told['access_token']}"}
        who = (await client.get("/oauth/userinfo", headers=headers)).json()
    assert (who["sub"], who["team"]) == ("bob", "web")


async def test_who_is_locked_there_is_out_here_and_others_go_on(
    gateway: RunningGateway, people: People, canaille: Canaille
) -> None:
    liz = (await signed_in(gateway, people, "liz"))["access_token"]
    ada = (await signed_in(gateway, people, "ada"))["access_token"]
    assert await status_of(gateway, liz) == 200
    canaille.locks("liz")
    async with asyncio.timeout(IN_VAIN_SECONDS):
        while True:
            if await status_of(gateway, liz) == 401:
                break
            assert await status_of(gateway, ada) == 200
            await asyncio.sleep(0.2)
    assert await status_of(gateway, ada) == 200
    async with opened_database(gateway.data) as database:
        rows = await Ledger(database).newest(100)
    ended = [
        (row.body["subject"], row.body["reason"]) for row in rows if row.kind == "session_ended"
    ]
    assert ended == [("liz", "ended_by_provider")]
