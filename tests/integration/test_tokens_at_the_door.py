"""Tokens of a provider at a running gateway: taken wherever keys are, refused with a reason that
is on record, and in no sink themselves."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from gateway.callers import _RefusalLog
from gateway.cli.data import opened_database
from gateway.oidc.refused import TokenRefused
from gateway.roles import Role
from gateway.store.changes import Actor
from gateway.store.subjects import Subjects
from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.house import CHAT, GOOD, JSON, MESSAGES, code_in
from tests.fakes.hurry import hurried
from tests.fakes.issuer import (
    CANARY,
    Issuer,
    an_issuer,
    rsa,
    signed,
    signed_with_the_public_key,
    unsigned,
)
from tests.fakes.otlp_receiver import OtlpReceiver
from tests.fakes.pair import assert_cut, question
from tests.fakes.rough_client import rough_client
from tests.fakes.vendor import FakeVendor
from tests.fakes.waiting import IN_VAIN_SECONDS, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{vendor}", wires: [openai_chat, anthropic_messages] }}
models:
  coder: {{ targets: [house/qwen3-coder] }}
teams:
  web: {{ models: [coder], data_class: internal }}
  payments: {{ models: [coder], data_class: internal }}
telemetry: {{ otlp_endpoint: "{collector}" }}
identity:
  oidc:
    - issuer: {issuer}
      audience: gatehouse
      teams: {{ eng-web: web, eng-pay: payments }}
      roles: {{ ops: [admin] }}
      services: {{ "repo:acme/web:*": payments }}
"""
NOBODY = "http://127.0.0.1:9"
FOREIGN = rsa("foreign")


@dataclass
class Door:
    gateway: RunningGateway
    issuer: Issuer
    vendor: FakeVendor
    folder: Path

    async def ask(self, headers: dict[str, str], path: str = CHAT) -> httpx.Response:
        async with httpx.AsyncClient(
            base_url=self.gateway.base_url, trust_env=False, timeout=60.0
        ) as client:
            return await client.post(path, content=GOOD, headers={"content-type": JSON, **headers})

    async def ask_as(self, token: str, path: str = CHAT, **headers: str) -> httpx.Response:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask({"authorization": f"Bearer {token}", **more}, path)

    def bytes_kept(self) -> bytes:
        """All that lies in the data folder."""
        files = [file for file in self.folder.rglob("*") if file.is_file()]
        return b"".join(file.read_bytes() for file in files)


@asynccontextmanager
async def a_door(folder: Path, collector: str = NOBODY) -> AsyncGenerator[Door]:
    async with an_issuer() as issuer, FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        text = CONFIGURATION.format(vendor=vendor.url, collector=collector, issuer=issuer.url)
        with hurried():
            async with running_gateway(folder, text) as gateway:
                await until(lambda: issuer.times_asked() == 1)  # before anybody came
                yield Door(gateway, issuer, vendor, folder / "data")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    async with a_door(tmp_path_factory.mktemp("door")) as door:
        yield door


@pytest_asyncio.fixture(loop_scope="module")
async def door(running: Door, monkeypatch: pytest.MonkeyPatch) -> Door:
    """One for all who only come with tokens. Each refusal is logged, not one a second."""
    say = _RefusalLog.refused

    def say_at_once(log: _RefusalLog, refused: TokenRefused, credential_id: str) -> None:
        log._last.clear()
        say(log, refused, credential_id)

    monkeypatch.setattr(_RefusalLog, "refused", say_at_once)
    await running.gateway.turns_the_page()
    return running


@pytest_asyncio.fixture(loop_scope="module")
async def own_door(tmp_path: Path) -> AsyncIterator[Door]:
    """For who changes what provider or gateway knows."""
    async with a_door(tmp_path) as door:
        yield door


def admitted(door: Door, answer: httpx.Response) -> dict[str, object]:
    records = door.gateway.records_of(answer.headers["x-gatehouse-audit-id"])
    return next(each for each in records if each["kind"] == "admitted")


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("header", ["authorization", "x-api-key", "x-goog-api-key"])
async def test_a_token_is_taken_wherever_a_key_is(door: Door, header: str, path: str) -> None:
    token = door.issuer.token()
    value = f"Bearer {token}" if header == "authorization" else token
    answer = await door.ask({header: value}, path)
    assert answer.status_code == 200
    told = admitted(door, answer)
    assert (told["subject"], told["team"]) == ("ada", "web")
    assert (told["auth_method"], told["identity_kind"]) == ("oidc_token", "person")
    assert str(told["credential_id"]).startswith("jwt_")


async def test_a_request_is_of_the_team_that_its_header_names(door: Door) -> None:
    token = door.issuer.token(groups=["eng-pay", "eng-web"])
    assert admitted(door, await door.ask_as(token))["team"] == "web"
    for_payments = await door.ask_as(token, x_gatehouse_team="payments")
    assert admitted(door, for_payments)["team"] == "payments"
    refused = await door.ask_as(token, x_gatehouse_team="ops")
    assert refused.status_code == 401
    assert "yours: web, payments" in refused.text


async def test_a_build_is_a_service_of_its_team(door: Door) -> None:
    token = door.issuer.token(sub="repo:acme/web:ref:refs/heads/main", groups=None)
    told = admitted(door, await door.ask_as(token))
    assert (told["team"], told["identity_kind"]) == ("payments", "service")


async def test_models_are_listed_for_who_has_a_token(door: Door) -> None:
    bearer = {"authorization": f"Bearer {door.issuer.token()}"}
    async with httpx.AsyncClient(
        base_url=door.gateway.base_url, trust_env=False, timeout=60.0
    ) as client:
        listed = await client.get("/v1/models", headers=bearer)
        assert [each["id"] for each in listed.json()["data"]] == ["coder"]
        refused = await client.get("/v1/models", headers={"x-api-key": door.issuer.token(aud="x")})
        assert refused.status_code == 401
        page = await client.get("/metrics", headers={**bearer, "x-forwarded-for": "192.0.2.1"})
        assert page.status_code == 401
        ops = door.issuer.token(groups=["eng-web", "ops"])
        headers = {"x-api-key": ops, "x-forwarded-for": "192.0.2.1"}
        assert (await client.get("/metrics", headers=headers)).status_code == 200


WRONG: dict[str, tuple[Callable[[Issuer], str], str, bool]] = {
    "audience": (lambda i: i.token(aud="wiki", jti=str(uuid4())), "wrong_audience", True),
    "none": (lambda i: unsigned(i.claims()), "algorithm", False),
    "public key": (lambda i: signed_with_the_public_key(i.claims(), i.key), "algorithm", False),
    "expired": (lambda i: i.token(exp=int(time.time()) - 60, jti=str(uuid4())), "expired", True),
    "nbf": (lambda i: i.token(nbf=int(time.time()) + 90, jti=str(uuid4())), "not_yet_valid", True),
    "iat": (lambda i: i.token(iat=int(time.time()) + 90, jti=str(uuid4())), "not_yet_valid", True),
    "foreign key": (lambda i: i.token(FOREIGN), "unknown_key", False),
    "our key id": (lambda i: signed(i.claims(), FOREIGN, kid="rsa-1"), "bad_signature", False),
    "foreign issuer": (lambda i: i.token(iss="https://evil.example"), "unknown_issuer", False),
    "too long": (lambda i: i.token(pad="x" * 7000), "too_long", False),
    "garbage": (lambda i: "eyJhbGciOiJSUzI1NiJ9.%%%.AAAA", "malformed", False),
    "no team": (lambda i: i.token(groups=["canteen"], jti=str(uuid4())), "no_team", True),
}


async def metrics(door: Door) -> str:
    async with door.gateway.client() as client:
        return (await client.get("/metrics")).text


def told_in(page: str, sample: str) -> float:
    """The value of a sample, named to its last letter; of one that is not told yet, 0."""
    return sum(float(line[len(sample) :]) for line in page.splitlines() if line.startswith(sample))


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("wrong", WRONG)
async def test_a_wrong_token_is_refused_its_reason_logged_and_nothing_leaked(
    door: Door, caplog: pytest.LogCaptureFixture, wrong: str, path: str
) -> None:
    make, cause, is_recorded = WRONG[wrong]
    token = make(door.issuer)
    failures = f'gatehouse_auth_failures_total{{cause="{cause}"}} '
    before = told_in(await metrics(door), failures)
    with caplog.at_level(logging.INFO):
        answer = await door.ask_as(token, path)
    assert answer.status_code == 401
    assert code_in(answer, path) in {"not_authenticated", "authentication_error"}
    assert "this token is not taken here" in answer.text
    assert cause not in answer.text
    (line,) = [vars(each) for each in caplog.records if each.message == "token_refused"]
    assert line["cause"] == cause
    records = door.gateway.records_of(answer.headers["x-gatehouse-audit-id"])
    assert [(each["rule"], each["subject"]) for each in records] == (
        [("authentication", "ada")] if is_recorded else []
    )
    logged = " ".join(str(vars(each)) for each in caplog.records)
    page = await metrics(door)
    assert told_in(page, failures) == before + 1
    for sink in (answer.text, logged, page, door.bytes_kept().decode("latin-1")):
        assert token not in sink
        assert token.split(".")[1] not in sink
        assert CANARY not in sink


async def answered(ask: Callable[[], Awaitable[httpx.Response]]) -> None:
    """What was decided is known by the gateway within seconds."""
    async with asyncio.timeout(IN_VAIN_SECONDS):
        while True:
            if (await ask()).status_code == 200:
                return
            await asyncio.sleep(0.05)


@asynccontextmanager
async def deciding(door: Door) -> AsyncGenerator[Subjects]:
    """What is decided about people as another process does it."""
    async with opened_database(door.gateway.data) as database:
        yield Subjects(database)


async def test_a_block_ends_a_persons_tokens_and_keys_and_what_runs(own_door: Door) -> None:
    door = own_door
    token = door.issuer.token(sub="first-user")  # whose keys were made at the first start
    assert (await door.ask_as(token)).status_code == 200
    door.vendor.says("one two three four five six")
    door.vendor.holds(before_event=5)
    async with rough_client(door.gateway.port) as client:
        await client.posts(CHAT, question(), authorization=f"Bearer {token}")
        assert (await client.head())[0] == 200
        seen = await client.chunk()
        while b"one" not in seen:
            seen += await client.chunk()
        async with deciding(door) as subjects:
            await subjects.block("first-user", time.time_ns() // 1000, Actor.os_user("anna"))
        while piece := await client.chunk():
            seen += piece
    assert_cut(CHAT, seen)
    door.vendor.recovers()
    end = await door.gateway.until_closed(2)
    assert (end["outcome"], end["error"]) == ("cut", "key_revoked")
    for credential in (token, door.issuer.token(sub="first-user", jti="later")):
        refused = await door.ask_as(credential)
        assert (refused.status_code, "block" in refused.text) == (401, False)
        (record,) = door.gateway.records_of(refused.headers["x-gatehouse-audit-id"])
        assert (record["subject"], "blocked" in record["reason"]) == ("first-user", True)
    assert (await door.ask_as(door.gateway.developer_key)).status_code == 401
    assert (await door.ask_as(door.issuer.token())).status_code == 200
    async with deciding(door) as subjects:
        await subjects.unblock("first-user", time.time_ns() // 1000, Actor.os_user("anna"))
    await answered(lambda: door.ask_as(token))


async def test_a_granted_role_counts_at_once_for_who_signs_in(own_door: Door) -> None:
    door = own_door
    token = door.issuer.token(groups=None)
    headers = {"x-api-key": token, "x-forwarded-for": "192.0.2.1"}
    async with httpx.AsyncClient(
        base_url=door.gateway.base_url, trust_env=False, timeout=60.0
    ) as client:
        assert (await client.get("/metrics", headers=headers)).status_code == 401
        async with deciding(door) as subjects:
            by = Actor.os_user("anna")
            await subjects.grant("ada", Role.AUDITOR, time.time_ns() // 1000, by)
        await answered(lambda: client.get("/metrics", headers=headers))
    assert (await door.ask_as(token)).status_code == 401  # no developer


async def test_a_token_over_the_limit_is_refused_by_its_size_alone(door: Door) -> None:
    answer = await door.ask_as(door.issuer.token(pad="x" * 40_000))
    assert answer.status_code == 401
    assert (await door.ask_as("gth_" + "A" * 600)).status_code == 401


async def test_no_sink_holds_a_token_that_was_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with OtlpReceiver() as collector, caplog.at_level(logging.INFO):
        async with a_door(tmp_path, collector.grpc_url) as door:
            token = door.issuer.token()
            answer = await door.ask_as(token)
            told = admitted(door, answer)
            records = {each["record_id"] for each in door.gateway.records()}
            await asyncio.to_thread(
                collector.wait_until, lambda seen: records <= set(seen.record_ids())
            )
            async with door.gateway.client() as client:
                page = (await client.get("/metrics")).text
            kept = door.bytes_kept().decode("latin-1")
    spans = str(collector.spans) + str(collector.logs)
    assert str(told["credential_id"]) in spans
    logged = " ".join(str(vars(each)) for each in caplog.records)
    for sink in (answer.text + str(answer.headers), spans, logged, page, kept):
        assert token not in sink
        assert token.split(".")[1] not in sink
        assert token.split(".")[2] not in sink
        assert CANARY not in sink


async def test_keys_rotate_under_load_without_a_failed_request(own_door: Door) -> None:
    door = own_door
    asked: list[int] = []
    is_over = False

    async def keep_asking(number: int) -> None:
        round_number = 0
        while not is_over:
            round_number += 1
            token = door.issuer.token(jti=f"{number}-{round_number}")
            asked.append((await door.ask_as(token)).status_code)

    askers = [asyncio.create_task(keep_asking(number)) for number in range(8)]
    await until(lambda: len(asked) >= 20)
    door.issuer.rotate(rsa("rsa-2"))
    before = len(asked)
    await until(lambda: len(asked) >= before + 40)
    is_over = True
    await asyncio.gather(*askers)
    assert set(asked) == {200}
    assert door.issuer.times_asked() == 2


async def test_while_the_provider_is_away_known_keys_hold_and_new_ones_are_refused(
    own_door: Door,
) -> None:
    door = own_door
    door.issuer.is_down = True
    assert (await door.ask_as(door.issuer.token())).status_code == 200
    door.issuer.rotate(rsa("rsa-2"))
    assert (await door.ask_as(door.issuer.token())).status_code == 401


async def test_a_gateway_that_never_reached_the_provider_says_that_it_cannot_say(
    tmp_path: Path,
) -> None:
    async with an_issuer() as issuer, FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        issuer.is_down = True
        text = CONFIGURATION.format(vendor=vendor.url, collector=NOBODY, issuer=issuer.url)
        async with running_gateway(tmp_path, text) as gateway:
            door = Door(gateway, issuer, vendor, tmp_path / "data")
            answer = await door.ask_as(issuer.token())
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert code_in(answer, CHAT) == "identity_unavailable"
            assert (await gateway.chat()).status_code == 200  # keys hold


async def test_a_provider_that_is_added_is_known_without_a_restart(tmp_path: Path) -> None:
    async with an_issuer() as issuer, FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        text = CONFIGURATION.format(vendor=vendor.url, collector=NOBODY, issuer=issuer.url)
        without = text.partition("identity:")[0]
        async with running_gateway(tmp_path, without) as gateway:
            door = Door(gateway, issuer, vendor, tmp_path / "data")
            assert (await door.ask_as(issuer.token())).status_code == 401
            assert issuer.asked == []
            gateway.configuration_file.write_text(text)
            await until(lambda: gateway.inside.in_force.configuration.identity.providers)
            await answered(lambda: door.ask_as(issuer.token()))  # once its keys have come
