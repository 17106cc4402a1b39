"""People sign in at a running gateway, by machine, browser and provider, over real sockets."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.cli.data import opened_database
from gateway.oauth.machine import DEVICE_GRANT
from gateway.oauth.person import TRIES_PER_MINUTE
from gateway.store.changes import Actor
from gateway.store.ledger import Ledger
from gateway.store.subjects import Subjects
from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.house import CHAT, GOOD, JSON
from tests.fakes.hurry import hurried
from tests.fakes.issuer import Issuer, an_issuer
from tests.fakes.issuer_login import CLIENT, People
from tests.fakes.pair import assert_cut, question
from tests.fakes.rough_client import rough_client
from tests.fakes.sign_in_pages import Browser, way_on
from tests.fakes.vendor import FakeVendor
from tests.fakes.waiting import IN_VAIN_SECONDS, until

CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{vendor}", wires: [openai_chat, anthropic_messages] }}
models:
  coder: {{ targets: [house/qwen3-coder] }}
teams:
  web: {{ models: [coder], data_class: internal }}
  payments: {{ models: [coder], data_class: internal }}
identity:
  oidc:
    - issuer: {issuer}
      client_id: gatehouse-cli
      client_secret: client-secret
      teams: {{ eng-web: web, eng-pay: payments }}
  login: {{ url: "http://127.0.0.1:7070/gate", recheck_seconds: 10 }}
"""
EVENTS = {"http://schemas.openid.net/event/backchannel-logout": {}}
Told = dict[str, object]


@dataclass
class Place:
    gateway: RunningGateway
    people: People
    issuer: Issuer
    vendor: FakeVendor
    client: httpx.AsyncClient
    browser: Browser

    async def post(self, path: str, **form: str) -> httpx.Response:
        return await self.client.post(path, data=form)

    async def begins(self, **form: str) -> dict[str, str]:
        told = await self.post("/oauth/device_authorization", machine="laptop", **form)
        assert told.status_code == 200
        return dict(told.json())

    async def tokens(self, begun: dict[str, str]) -> httpx.Response:
        return await self.post(
            "/oauth/token", grant_type=DEVICE_GRANT, device_code=begun["device_code"]
        )

    async def signed_in(self) -> dict[str, str]:
        begun = await self.begins()
        assert (await self.browser.signs_in(begun["user_code"])).status_code == 200
        answer = await self.tokens(begun)
        assert answer.status_code == 200
        return dict(answer.json())

    async def asks(self, token: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}", "content-type": JSON}
        return await self.client.post(CHAT, content=GOOD, headers=headers)

    async def is_out(self, token: str) -> None:
        """What was decided is known by the gateway within seconds."""
        async with asyncio.timeout(IN_VAIN_SECONDS):
            while True:
                if (await self.asks(token)).status_code == 401:
                    return
                await asyncio.sleep(0.05)

    async def ledger(self, kind: str) -> list[Told]:
        async with opened_database(self.gateway.data) as database:
            rows = await Ledger(database).newest(50)
        return [row.body for row in rows if row.kind == kind]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    with hurried():
        async with AsyncExitStack() as stack:
            issuer = await stack.enter_async_context(an_issuer())
            vendor = FakeVendor(key=None, models=("qwen3-coder",))
            await stack.enter_async_context(vendor)
            text = CONFIGURATION.format(vendor=vendor.url, issuer=issuer.url)
            gateway = await stack.enter_async_context(running_gateway(tmp_path, text))
            people = People(issuer)

            async def arrive(way: str) -> str:
                return people.arrive(way)

            client, browser = [
                await stack.enter_async_context(
                    httpx.AsyncClient(base_url=gateway.base_url, trust_env=False, timeout=60.0)
                )
                for _ in range(2)
            ]
            yield Place(gateway, people, issuer, vendor, client, Browser(browser, arrive))


async def test_who_signs_in_asks_models_as_themselves(place: Place) -> None:
    told = await place.signed_in()
    assert (told["token_type"], told["expires_in"], told["sub"]) == ("Bearer", 3600, "ada")
    answer = await place.asks(told["access_token"])
    assert answer.status_code == 200
    records = place.gateway.records_of(answer.headers["x-gatehouse-audit-id"])
    admitted = next(each for each in records if each["kind"] == "admitted")
    assert (admitted["subject"], admitted["team"]) == ("ada", "web")
    assert (admitted["auth_method"], admitted["credential_id"]) == ("session", told["session_id"])
    (started,) = await place.ledger("session_started")
    assert started["about_id"] == told["session_id"]


async def test_the_page_names_the_machine_and_where_it_asked_from(place: Place) -> None:
    begun = await place.begins()
    assert begun["verification_uri"] == "http://127.0.0.1:7070/gate/device"
    page = await place.browser.types(begun["user_code"].lower())
    for part in ("laptop", "127.0.0.1", begun["user_code"]):
        assert part in page.text
    assert page.headers["x-frame-options"] == "DENY"


async def test_who_says_no_lets_nobody_in(place: Place) -> None:
    begun = await place.begins()
    page = await place.browser.types(begun["user_code"])
    assert "told so" in (await place.browser.says("no", page)).text
    answer = await place.tokens(begun)
    assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")


async def test_a_form_from_elsewhere_counts_for_nothing(place: Place) -> None:
    begun = await place.begins()
    for path in ("/device", "/device/answer"):
        sent = await place.post(path, user_code=begun["user_code"], answer="yes", form_token="x")
        assert sent.status_code == 400
        assert "Once more" in sent.text
    assert (await place.tokens(begun)).json()["error"] == "authorization_pending"


async def test_a_wrong_code_is_told_and_guessing_is_stopped(place: Place) -> None:
    answers = [await place.browser.types("BCDF-GHJK") for _ in range(TRIES_PER_MINUTE[0] + 1)]
    assert "no such code" in answers[0].text
    assert (answers[0].status_code, answers[-1].status_code) == (400, 429)


async def test_the_provider_may_send_back_nobody(place: Place) -> None:
    for query in ("error=access_denied", "code=1&state=unknown", "code=1&state=s&iss=https://evil"):
        back = await place.browser.client.get(f"/oauth/callback?{query}")
        assert (back.status_code, "not signed in" in back.text) == (400, True)


async def test_another_browser_cannot_finish_what_one_began(place: Place) -> None:
    begun = await place.begins()
    left = await place.browser.says("yes", await place.browser.types(begun["user_code"]))
    back = urlsplit(place.people.arrive(way_on(left)))
    other = await place.client.get(f"/oauth/callback?{back.query}")
    assert (other.status_code, "another browser" in other.text) == (400, True)
    assert (await place.tokens(begun)).json()["error"] == "authorization_pending"


async def test_who_may_not_come_in_is_told_why_and_it_is_on_record(place: Place) -> None:
    place.people.groups = ("canteen",)
    begun = await place.begins()
    back = await place.browser.signs_in(begun["user_code"])
    assert "none of your groups" in back.text
    assert (await place.tokens(begun)).json()["error"] == "access_denied"
    (refused,) = await place.ledger("session_refused")
    assert refused["subject"] == "ada"


async def test_tokens_are_renewed_and_the_old_ones_hold_till_their_end(place: Place) -> None:
    first = await place.signed_in()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = (await place.post("/oauth/token", **form)).json()
    assert second["session_id"] == first["session_id"]
    for told in (first, second):
        assert (await place.asks(told["access_token"])).status_code == 200


async def test_who_one_is_can_be_asked_with_any_credential(place: Place) -> None:
    told = await place.signed_in()
    for token, sub in ((told["access_token"], "ada"), (place.gateway.developer_key, "first-user")):
        headers = {"authorization": f"Bearer {token}"}
        who = (await place.client.get("/oauth/userinfo", headers=headers)).json()
        assert who["sub"] == sub
    headers = {"authorization": f"Bearer {told['access_token']}x"}
    assert (await place.client.get("/oauth/userinfo", headers=headers)).status_code == 401


async def test_signing_out_ends_the_session_for_good(place: Place) -> None:
    told = await place.signed_in()
    assert (await place.asks(told["access_token"])).status_code == 200
    assert (await place.post("/oauth/revoke", token=told["refresh_token"])).status_code == 200
    assert (await place.post("/oauth/revoke", token="nonsense")).status_code == 200
    await place.is_out(told["access_token"])
    refused = await place.asks(told["access_token"])
    assert "'gatehouse login' signs you in again" in refused.text
    assert "session_ended" not in refused.text
    form = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    assert (await place.post("/oauth/token", **form)).json()["error"] == "invalid_grant"
    (ended,) = await place.ledger("session_ended")
    assert (ended["subject"], ended["reason"]) == ("ada", "signed_out")


async def test_a_block_ends_the_session_and_what_runs_under_it(place: Place) -> None:
    told = await place.signed_in()
    token = told["access_token"]
    place.vendor.says("one two three four five six")
    place.vendor.holds(before_event=5)
    async with rough_client(place.gateway.port) as client:
        await client.posts(CHAT, question(), authorization=f"Bearer {token}")
        assert (await client.head())[0] == 200
        seen = await client.chunk()
        async with opened_database(place.gateway.data) as database:
            subjects, by = Subjects(database), Actor.os_user("anna")
            await subjects.block("ada", time.time_ns() // 1000, by)
            while piece := await client.chunk():
                seen += piece
            await subjects.unblock("ada", time.time_ns() // 1000, by)
    assert_cut(CHAT, seen)
    place.vendor.recovers()
    await asyncio.sleep(0)
    assert (await place.asks(token)).status_code == 401
    (ended,) = await place.ledger("session_ended")
    assert ended["actor"] == {"kind": "os_user", "name": "anna"}


async def test_a_provider_that_signs_somebody_out_ends_their_session_here(place: Place) -> None:
    told = await place.signed_in()
    assert (await place.asks(told["access_token"])).status_code == 200
    wrong = place.issuer.token(aud="wiki", events=EVENTS)
    refused = await place.post("/oauth/backchannel_logout", logout_token=wrong)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    right = place.issuer.token(aud=CLIENT, events=EVENTS)
    answer = await place.post("/oauth/backchannel_logout", logout_token=right)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    await place.is_out(told["access_token"])
    (ended,) = await place.ledger("session_ended")
    assert (ended["reason"], ended["actor"]) == ("signed_out_at_provider", {"kind": "gateway"})


async def test_a_token_in_use_of_who_left_is_refused_by_the_running_look(place: Place) -> None:
    told = await place.signed_in()
    assert (await place.asks(told["access_token"])).status_code == 200
    place.people.is_gone = True
    await place.is_out(told["access_token"])
    (ended,) = await place.ledger("session_ended")
    assert ended["reason"] == "ended_by_provider"


async def test_what_is_no_grant_is_told_in_oauths_words(place: Place) -> None:
    for form, error in (
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": DEVICE_GRANT, "device_code": "x"}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "invalid_grant"),
    ):
        answer = await place.post("/oauth/token", **form)
        assert (answer.status_code, answer.json()["error"]) == (400, error)
    for path in ("token", "device_authorization", "revoke", "backchannel_logout"):
        answer = await place.client.post(f"/oauth/{path}", json={})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_where_nobody_signs_in_that_is_said(place: Place) -> None:
    text = place.gateway.configuration_file.read_text()
    begun = await place.begins()
    place.gateway.configuration_file.write_text(re.sub(r"  login: .*\n", "", text))
    await until(lambda: place.gateway.inside.in_force.configuration.identity.login is None)
    answer = await place.tokens(begun)
    assert (answer.status_code, answer.json()["error"]) == (404, "login_not_configured")
    for path in ("/oauth/device_authorization", "/oauth/backchannel_logout"):
        assert (await place.post(path)).status_code == 404
    for path in ("/device", "/oauth/callback"):
        page = await place.client.get(path)
        assert (page.status_code, "no sign-in here" in page.text) == (404, True)
    for path in ("/device", "/device/answer"):
        assert (await place.post(path)).status_code == 404
