"""A real OpenID Connect provider: people sign in on its pages, and work through the gateway with
what it gives them; what it would not stand for is refused, on record, and in no sink."""

import asyncio
import base64
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
import pytest
from joserfc.jwk import RSAKey

from gateway.cli.data import opened_database
from gateway.store.changes import Actor
from gateway.store.subjects import Subjects
from tests.fakes.canaille import CANARY, Canaille, Grant, People, a_canaille, signing_key
from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.gateway_process import GatewayProcess, gateway_process
from tests.fakes.house import CHAT, GOOD, JSON, MESSAGES, code_in
from tests.fakes.issuer import signed, signed_with_the_public_key, unsigned
from tests.fakes.otlp_receiver import OtlpReceiver
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
telemetry: {{ otlp_endpoint: "{collector}" }}
identity:
  oidc:
    - issuer: {issuer}
      audience: gatehouse
      max_token_age_seconds: {oldest}
      teams: {{ eng-web: web, eng-pay: payments }}
      roles: {{ sec-ops: [auditor] }}
"""
NOBODY = "http://127.0.0.1:9"
A_DAY = 86_400


def configuration(
    canaille: Canaille, vendor: FakeVendor, *, collector: str = NOBODY, oldest: int = A_DAY
) -> str:
    return CONFIGURATION.format(
        vendor=vendor.url, issuer=canaille.issuer, collector=collector, oldest=oldest
    )


@pytest.fixture(scope="module")
def one_canaille() -> Iterator[Canaille]:
    """All tests have it in common: each signs in anew, and has somebody of its own who leaves."""
    with a_canaille() as canaille:
        yield canaille


@pytest.fixture
def canaille(one_canaille: Canaille) -> Canaille:
    if one_canaille.is_running:
        one_canaille.runs_ahead(0)
    else:
        one_canaille.start()
    return one_canaille


@pytest.fixture
async def people(canaille: Canaille) -> AsyncIterator[People]:
    people = People(canaille.issuer)
    yield people
    await people.leave()


@pytest.fixture
async def vendor() -> AsyncIterator[FakeVendor]:
    async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        yield vendor


@dataclass
class Door:
    """A gateway that takes the provider's word, asked by people who were given tokens."""

    gateway: RunningGateway | GatewayProcess
    client: httpx.AsyncClient

    async def ask(self, token: str, path: str = CHAT, **headers: str) -> httpx.Response:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"content-type": JSON, "authorization": f"Bearer {token}", **more}
        return await self.client.post(path, content=GOOD, headers=sent)

    async def metrics(self, token: str) -> httpx.Response:
        """The page of metrics, asked for as from another machine."""
        sent = {"authorization": f"Bearer {token}", "x-forwarded-for": "192.0.2.1"}
        return await self.client.get("/metrics", headers=sent)

    def records_of(self, answer: httpx.Response) -> list[dict[str, object]]:
        wanted = answer.headers["x-gatehouse-audit-id"]
        return [each for each in self.gateway.records() if each["exchange_id"] == wanted]

    def bytes_kept(self) -> str:
        """All that lies in the data folder."""
        files = [each for each in self.gateway.data.rglob("*") if each.is_file()]
        return b"".join(each.read_bytes() for each in files).decode("latin-1")

    async def ends_in(self, token: str, status: int) -> httpx.Response:
        """The answer once it is this one: what the gateway is to learn, it knows within seconds."""
        async with asyncio.timeout(IN_VAIN_SECONDS):
            while True:
                answer = await self.ask(token)
                if answer.status_code == status:
                    return answer
                await asyncio.sleep(0.1)


@asynccontextmanager
async def a_door(gateway: RunningGateway | GatewayProcess) -> AsyncGenerator[Door]:
    address = f"http://127.0.0.1:{gateway.port}"
    async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=30.0) as client:
        yield Door(gateway, client)


@pytest.fixture
async def door(tmp_path: Path, canaille: Canaille, vendor: FakeVendor) -> AsyncIterator[Door]:
    written = configuration(canaille, vendor)
    async with running_gateway(tmp_path, written) as gateway, a_door(gateway) as door:
        yield door


async def test_people_who_sign_in_work_as_their_teams_on_every_wire_and_leave_no_trace_of_tokens(
    tmp_path: Path, canaille: Canaille, people: People, vendor: FakeVendor
) -> None:
    given = {name: await people.sign_in(name) for name in ("ada", "bob", "eve")}
    with OtlpReceiver() as collector:
        written = configuration(canaille, vendor, collector=collector.grpc_url)
        (tmp_path / "gatehouse.yaml").write_text(written)
        async with gateway_process(tmp_path) as gateway, a_door(gateway) as door:
            answers = [
                await door.ask(token, path)
                for token in (given["ada"].access_token, given["bob"].id_token)
                for path in (CHAT, MESSAGES)
            ]
            answers.append(await door.ask(given["bob"].access_token, x_gatehouse_team="payments"))
            refused = await door.ask(given["eve"].id_token)
            records = {each["record_id"] for each in gateway.records()}
            await asyncio.to_thread(
                collector.wait_until, lambda seen: records <= set(seen.record_ids())
            )
            told = [door.records_of(each) for each in (*answers, refused)]
            page = (await door.client.get("/metrics")).text
            gateway.terminate()
            assert await gateway.ended() == 0
            said = await gateway.said()
    assert [each.status_code for each in answers] == [200] * 5
    who = [(each[0]["subject"], each[0]["team"], each[0]["auth_method"]) for each in told[:-1]]
    in_web = [("ada", "web", "oidc_token")] * 2 + [("bob", "web", "oidc_token")] * 2
    assert who == [*in_web, ("bob", "payments", "oidc_token")]
    assert refused.status_code == 401
    assert [(each["kind"], each["subject"]) for each in told[-1]] == [("denied", "eve")]
    assert 'cause="no_team"' in said
    spans = str(collector.spans) + str(collector.logs)
    bodies = "".join(each.text + str(each.headers) for each in (*answers, refused))
    for sink in (bodies, said, page, spans, door.bytes_kept()):
        assert_untold(sink, *given.values())


def assert_untold(sink: str, *grants: Grant) -> None:
    """Neither tokens nor what they say of somebody, but for name, team and roles."""
    for grant in grants:
        for token in (grant.access_token, grant.id_token):
            assert token not in sink
            assert token.split(".")[1] not in sink
            assert token.split(".")[2] not in sink
    assert CANARY not in sink
    assert "@acme.example" not in sink


async def test_a_group_gives_a_role_and_no_team(door: Door, people: People) -> None:
    auditor, developer = await people.sign_in("sec"), await people.sign_in("ada")
    assert (await door.metrics(auditor.id_token)).status_code == 200
    assert (await door.ask(auditor.id_token)).status_code == 401
    assert (await door.metrics(developer.id_token)).status_code == 401
    assert (await door.ask(developer.id_token)).status_code == 200


async def assert_refused(
    door: Door,
    caplog: pytest.LogCaptureFixture,
    token: str,
    cause: str,
    *,
    whose: str | None = None,
) -> str:
    """With the reason in the log, in the ledger where the signature held, and nowhere else.

    The reason.
    """
    caplog.clear()
    with caplog.at_level(logging.INFO):
        answer = await door.ask(token)
    assert (answer.status_code, "this token is not taken here" in answer.text) == (401, True)
    (line,) = [vars(each) for each in caplog.records if each.message == "token_refused"]
    assert line["cause"] == cause
    recorded = [(each["rule"], each["subject"]) for each in door.records_of(answer)]
    assert recorded == ([] if whose is None else [("authentication", whose)])
    logged = " ".join(str(vars(each)) for each in caplog.records)
    for sink in (answer.text + str(answer.headers), logged, door.bytes_kept()):
        assert token not in sink
        assert token.split(".")[1] not in sink
        assert CANARY not in sink
    assert cause not in answer.text
    return str(line["reason"])


async def test_a_token_for_another_application_is_refused(
    door: Door, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    for_the_wiki = (await people.sign_in("ada", "wiki")).access_token
    assert claims_of(for_the_wiki)["aud"] == ["wiki"]
    await assert_refused(door, caplog, for_the_wiki, "wrong_audience", whose="ada")


async def test_an_algorithm_that_is_not_listed_is_refused_by_its_name(
    door: Door, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    strong = (await people.sign_in("ada", "strong")).id_token
    assert "RS512" in await assert_refused(door, caplog, strong, "algorithm")


WRONG: dict[str, tuple[Callable[[dict[str, object], RSAKey], str], str]] = {
    "none": (lambda claims, _: unsigned(claims), "algorithm"),
    "a shared secret": (signed_with_the_public_key, "algorithm"),
    "a foreign key": (lambda claims, _: signed(claims, signing_key()), "unknown_key"),
    "a foreign key under its id": (
        lambda claims, published: signed(claims, signing_key(), kid=published.kid),
        "bad_signature",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_the_provider_never_signed_is_refused(
    door: Door, canaille: Canaille, people: People, caplog: pytest.LogCaptureFixture, wrong: str
) -> None:
    make, cause = WRONG[wrong]
    claims = claims_of((await people.sign_in("ada")).id_token)
    await assert_refused(door, caplog, make(claims, canaille.keys[0]), cause)
    assert (await door.ask(signed(claims, canaille.keys[0]))).status_code == 200


async def test_clocks_that_differ_too_much_make_tokens_too_old_and_too_new(
    door: Door, canaille: Canaille, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    canaille.runs_ahead(15)
    assert (await door.ask((await people.sign_in("ada")).id_token)).status_code == 200
    canaille.runs_ahead(120)
    ahead = await people.sign_in("ada")
    await assert_refused(door, caplog, ahead.id_token, "not_yet_valid", whose="ada")
    canaille.runs_ahead(-2 * 3600)
    behind = await people.sign_in("ada")
    await assert_refused(door, caplog, behind.id_token, "expired", whose="ada")
    assert (await door.ask(behind.access_token)).status_code == 200  # those hold for ten days there
    canaille.runs_ahead(-2 * A_DAY)
    old = await people.sign_in("ada")
    await assert_refused(door, caplog, old.access_token, "too_old", whose="ada")


async def test_keys_rotate_under_load_and_neither_old_nor_new_tokens_fail(
    door: Door, canaille: Canaille, people: People
) -> None:
    tokens = [(await people.sign_in(name)).id_token for name in ("ada", "bob") * 5]
    asked: list[asyncio.Task[httpx.Response]] = []

    async def ask_fifty_times_a_second() -> None:
        while True:
            asked.append(asyncio.create_task(door.ask(random.choice(tokens))))
            await asyncio.sleep(0.02)

    asking = asyncio.create_task(ask_fifty_times_a_second())
    await until(lambda: len(asked) >= 50)
    canaille.rotates()
    for _ in range(20):
        tokens.append((await people.sign_in("bob")).id_token)
    await until(lambda: len(asked) >= 200)
    asking.cancel()
    answers = await asyncio.gather(*asked)
    assert {each.status_code for each in answers} == {200}
    assert {kid_of(each) for each in tokens} >= {each.kid for each in canaille.keys[:2]}
    assert (await door.ask(tokens[-1])).status_code == 200


async def test_a_withdrawn_key_takes_with_it_what_it_had_signed(
    door: Door, canaille: Canaille, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    before = (await people.sign_in("ada")).id_token
    assert (await door.ask(before)).status_code == 200
    canaille.rotates(keeps=False)
    after = (await people.sign_in("ada")).id_token
    assert (await door.ask(after)).status_code == 200
    await assert_refused(door, caplog, before, "unknown_key")


async def test_who_is_locked_at_the_provider_gets_no_new_token_and_a_block_ends_the_old(
    door: Door, canaille: Canaille, people: People
) -> None:
    grant = await people.sign_in("leo")
    assert (await door.ask(grant.access_token)).status_code == 200
    canaille.locks("leo")
    assert (await people.browser_of("leo").refreshes(grant)).status_code == 400
    with pytest.raises(AssertionError, match="leo cannot sign in"):
        await people.sign_in("leo")
    assert (await door.ask(grant.access_token)).status_code == 200  # it is not asked back for
    async with opened_database(door.gateway.data) as database:
        await Subjects(database).block("leo", 1, Actor.os_user("anna"))
    refused = await door.ends_in(grant.access_token, 401)
    (record,) = door.records_of(refused)
    assert (record["subject"], "its holder is blocked" in str(record["reason"])) == ("leo", True)


async def test_what_a_leaver_was_given_holds_no_longer_than_tokens_may_be_old(
    tmp_path: Path,
    canaille: Canaille,
    people: People,
    vendor: FakeVendor,
    caplog: pytest.LogCaptureFixture,
) -> None:
    young = (await people.sign_in("lea")).access_token
    canaille.runs_ahead(-100)
    old = (await people.sign_in("lea")).access_token
    canaille.deletes("lea")
    written = configuration(canaille, vendor, oldest=60)
    async with running_gateway(tmp_path, written) as gateway, a_door(gateway) as door:
        await door.ends_in(young, 200)  # once the provider's keys have come
        await assert_refused(door, caplog, old, "too_old", whose="lea")


async def test_while_the_provider_is_down_what_is_known_holds_and_it_is_found_when_it_comes(
    tmp_path: Path, canaille: Canaille, people: People, vendor: FakeVendor
) -> None:
    known, later = [(await people.sign_in("ada")).id_token for _ in range(2)]
    canaille.stop()
    written = configuration(canaille, vendor)
    async with running_gateway(tmp_path, written) as gateway, a_door(gateway) as door:
        nobody_knows = await door.ask(known)
        assert (nobody_knows.status_code, nobody_knows.headers["retry-after"]) == (503, "5")
        assert code_in(nobody_knows, CHAT) == "identity_unavailable"
        assert (await gateway.chat()).status_code == 200  # a virtual key
        await asyncio.to_thread(canaille.start)
        await door.ends_in(known, 200)
        canaille.stop()
        assert (await door.ask(known)).status_code == 200
        assert (await door.ask(later)).status_code == 200  # new, under a key that is known
        assert (await door.ask(signed(claims_of(later), signing_key()))).status_code == 401


def claims_of(token: str) -> dict[str, object]:
    return read_part(token, 1)


def kid_of(token: str) -> str:
    return str(read_part(token, 0)["kid"])


def read_part(token: str, place: int) -> dict[str, object]:
    part = token.split(".")[place]
    return dict(orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))
