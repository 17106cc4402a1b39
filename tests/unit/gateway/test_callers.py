"""Whose credential it is: keys from memory as ever, tokens by who knows their kind."""

import logging
from dataclasses import dataclass, field

import pytest

from gateway.callers import Callers, Unverified, asked_team
from gateway.configuration.build import load
from gateway.configuration.identity_settings import NOBODY_ELSE, IdentitySettings
from gateway.errors import IdentityUnavailable, NotAuthenticated
from gateway.oidc.membership import Member
from gateway.oidc.provider_tokens import VerifierBusy
from gateway.oidc.refused import Cause, ProviderAway, TokenRefused
from gateway.store.keys import KeyChanges
from gateway.store.stored_subject import StoredSubject
from policy.types import Identity
from tests.fakes.configurations import ENVIRON, GOOD, SHIPPED, write
from tests.fakes.providers import a_provider, settings_of
from tests.fakes.road import Road

TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.AAAA"
BEARER = ((b"authorization", f"Bearer {TOKEN}".encode()),)
ADA = Member("ada", False, ("web", "payments"), frozenset({"developer"}))


@dataclass
class FakeKnown:
    credential_id: str
    member: Member


@dataclass
class FakeTokens:
    """Knows one token, once it was asked for it."""

    member: Member = ADA
    error: Exception | None = None
    remembered: set[str] = field(default_factory=set)
    verified: int = 0

    async def apply(self, settings: IdentitySettings) -> None:
        self.settings = settings

    def recall(self, token: str) -> FakeKnown | None:
        return FakeKnown("jwt_a", self.member) if token in self.remembered else None

    async def verify(self, token: str) -> FakeKnown:
        self.verified += 1
        if self.error is not None:
            raise self.error
        self.remembered.add(token)
        return FakeKnown("jwt_a", self.member)

    def id_of(self, token: str) -> str:
        return "jwt_a"


class Door:
    """Callers before a ring of one key."""

    def __init__(self, road: Road) -> None:
        self.road = road
        self.tokens = FakeTokens()
        self.now = 0.0
        self.callers = Callers(road.ring, {"eyJ": self.tokens}, lambda: self.now)

    async def who(self, *headers: tuple[bytes, bytes]) -> Identity:
        caller = self.callers.identify(headers)
        return await self.callers.verify(caller) if isinstance(caller, Unverified) else caller


@pytest.fixture
async def door(tmp_path) -> Door:
    door = Door(Road(load(write(tmp_path, GOOD), ENVIRON, SHIPPED)))
    await door.callers.apply(settings_of(a_provider()))
    return door


async def refused(door: Door, *headers: tuple[bytes, bytes]) -> NotAuthenticated:
    with pytest.raises(NotAuthenticated) as caught:
        await door.who(*headers)
    return caught.value


async def test_a_key_is_known_from_memory(door: Door) -> None:
    key = await door.road.a_key()
    caller = door.callers.identify(((b"x-api-key", key.encode()),))
    assert isinstance(caller, Identity)
    assert caller.team == "web"
    assert door.tokens.verified == 0


@pytest.mark.parametrize("header", [b"x-api-key", b"x-goog-api-key"])
async def test_a_token_is_taken_wherever_a_key_is(door: Door, header: bytes) -> None:
    assert (await door.who((header, TOKEN.encode()))).subject == "ada"
    assert (await door.who(*BEARER)).credential_id == "jwt_a"


async def test_a_new_token_is_verified_and_a_known_one_is_not(door: Door) -> None:
    assert isinstance(door.callers.identify(BEARER), Unverified)
    first = await door.who(*BEARER)
    second = door.callers.identify(BEARER)
    assert second is first
    assert door.tokens.verified == 1


async def test_without_providers_a_token_is_no_credential(door: Door) -> None:
    await door.callers.apply(NOBODY_ELSE)
    assert (await refused(door, *BEARER)).cause == "malformed"
    assert door.tokens.verified == 0


async def test_who_is_in_several_teams_asks_for_one_or_is_in_the_first(door: Door) -> None:
    assert (await door.who(*BEARER)).team == "web"
    other = await door.who(*BEARER, (b"x-gatehouse-team", b"payments"))
    assert other.signs_in
    assert (other.team, other.credential_id) == ("payments", "jwt_a")
    assert (await door.who(*BEARER)).team == "web"


async def test_an_auditor_by_one_group_who_changes_things_by_another_only_audits(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    roles = frozenset({"developer", "auditor", "platform"})
    door.tokens.member = Member("ada", False, ("web",), roles)
    with caplog.at_level(logging.WARNING):
        assert (await door.who(*BEARER)).roles == {"developer", "auditor"}
        assert (await door.who(*BEARER)).roles == {"developer", "auditor"}
    (line,) = caplog.records
    assert (line.message, vars(line)["subject"]) == ("roles_held_apart", "ada")


async def decide(door: Door, **decided: object) -> None:
    """Something is decided about ada, and the ring learns of it."""
    ada = StoredSubject("ada", **decided)  # type: ignore[arg-type]  # what a test decides
    changes = KeyChanges(1, {}, [ada])
    door.road.ring.subjects.learn(changes.subjects)
    for told in door.road.ring.listeners:
        told(changes)


async def test_a_block_refuses_known_tokens_and_new_ones_and_ends_what_runs(door: Door) -> None:
    ada = await door.who(*BEARER)
    assert not door.callers.is_ended(ada)
    await decide(door, blocked_unix_us=5)
    error = await refused(door, *BEARER)
    assert (error.cause, error.identity) == ("blocked", Identity("ada", "", frozenset(), "jwt_a"))
    assert "blocked" not in error.message
    assert door.callers.is_ended(ada)
    door.tokens.remembered.clear()
    assert (await refused(door, *BEARER)).cause == "blocked"
    door.tokens.remembered.add(TOKEN)
    await decide(door)
    assert (await door.who(*BEARER)).subject == "ada"
    assert not door.callers.is_ended(ada)


async def test_a_block_ends_what_runs_under_a_token_that_is_forgotten_meanwhile(
    door: Door,
) -> None:
    ada = await door.who(*BEARER)
    door.tokens.remembered.clear()
    assert not door.callers.is_ended(ada)
    await decide(door, blocked_unix_us=5)
    assert door.callers.is_ended(ada)
    await decide(door)
    assert not door.callers.is_ended(ada)


async def test_what_was_verified_by_other_settings_says_nothing_by_these(door: Door) -> None:
    """A configuration takes a role away while the same token is on its way to be verified."""
    door.tokens.member = Member("ada", False, ("web",), frozenset({"developer", "security"}))
    late = door.callers.identify(BEARER)
    assert isinstance(late, Unverified)
    await door.callers.apply(settings_of(a_provider(roles={})))
    assert "security" in (await door.callers.verify(late)).roles
    door.tokens.remembered.clear()
    door.tokens.member = Member("ada", False, ("web",), frozenset({"developer"}))
    assert (await door.who(*BEARER)).roles == {"developer"}


async def test_a_granted_role_comes_to_those_of_the_groups_at_once(door: Door) -> None:
    assert (await door.who(*BEARER)).roles == {"developer"}
    await decide(door, roles=frozenset({"finance"}))
    assert (await door.who(*BEARER)).roles == {"developer", "finance"}
    await decide(door)
    assert (await door.who(*BEARER)).roles == {"developer"}


async def test_a_service_has_no_granted_roles(door: Door) -> None:
    door.tokens.member = Member("ada", True, ("web",), frozenset({"developer"}))
    await decide(door, roles=frozenset({"finance"}))
    assert (await door.who(*BEARER)).roles == {"developer"}


async def test_who_is_in_no_team_and_has_no_role_is_refused_by_name(door: Door) -> None:
    door.tokens.member = Member("ada", False, (), frozenset())
    error = await refused(door, *BEARER)
    assert (error.cause, error.identity) == ("no_team", Identity("ada", "", frozenset(), "jwt_a"))


async def test_who_is_in_no_team_may_still_have_a_role_and_asks_no_models(door: Door) -> None:
    door.tokens.member = Member("ada", False, (), frozenset())
    await decide(door, roles=frozenset({"auditor"}))
    ada = await door.who(*BEARER)
    assert (ada.team, ada.roles) == ("administrators", {"auditor"})
    error = await refused(door, *BEARER, (b"x-gatehouse-team", b"web"))
    assert error.message.endswith("yours: none")


async def test_a_team_that_is_none_of_theirs_is_refused_and_theirs_are_told(door: Door) -> None:
    error = await refused(door, *BEARER, (b"x-gatehouse-team", b"secret-team"))
    assert error.cause == "wrong_team"
    assert error.message.endswith("yours: web, payments")
    assert error.identity is not None
    assert "secret-team" in error.reason


def test_the_first_of_several_headers_counts_and_a_long_one_is_cut() -> None:
    header = b"x-gatehouse-team"
    assert asked_team(((header, b"web"), (header, b"payments"))) == "web"
    assert asked_team(((header, b"t" * 1000),)) == "t" * 64
    assert asked_team(()) is None


async def test_why_a_token_is_refused_is_logged_and_recorded_and_not_told(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.tokens.error = TokenRefused(Cause.WRONG_AUDIENCE, "made for the wiki", subject="ada")
    with caplog.at_level(logging.WARNING):
        error = await refused(door, *BEARER)
    assert (error.cause, error.reason) == (
        "wrong_audience",
        "the token is refused: made for the wiki",
    )
    assert error.identity == Identity("ada", "", frozenset(), "jwt_a")
    assert "wiki" not in error.message
    (line,) = caplog.records
    assert vars(line)["cause"] == "wrong_audience"
    assert TOKEN not in str(vars(line)) + str(error)


async def test_every_refused_token_is_told_the_same(door: Door) -> None:
    told = set()
    for cause in Cause:
        door.tokens.error = TokenRefused(cause, str(cause))
        told.add((await refused(door, *BEARER)).message)
    assert len(told) == 1


async def test_a_flood_of_one_cause_is_a_line_a_second(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.tokens.error = TokenRefused(Cause.EXPIRED, "it expired")
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            await refused(door, *BEARER)
        door.now = 1.0
        await refused(door, *BEARER)
    assert [vars(line).get("and_more") for line in caplog.records] == [None, 4]


@pytest.mark.parametrize("error", [ProviderAway("down"), VerifierBusy()])
async def test_what_nobody_can_say_now_is_no_refusal(door: Door, error: Exception) -> None:
    door.tokens.error = error
    with pytest.raises(IdentityUnavailable) as caught:
        await door.who(*BEARER)
    assert caught.value.status == 503
    assert caught.value.retry_after_seconds
