"""Access tokens are known from memory while the provider's word is fresh, and no minute longer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.oidc.provider_tokens import VerifierBusy
from gateway.oidc.refused import Cause, TokenRefused
from gateway.sessions import known_sessions
from gateway.sessions.known_sessions import LOOK_SECONDS, KnownSessions
from gateway.sessions.leavers import SLACK_SECONDS
from gateway.sessions.token_office import Grant
from gateway.store.changes import GATEWAY
from gateway.store.keys import Keys
from gateway.store.stored_session import End
from tests.fakes.signing_in import Place, a_login, a_place
from tests.fakes.waiting import until


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with a_place(tmp_path) as place:
        yield place


def known(place: Place) -> KnownSessions:
    return place.side.known


async def refused(place: Place, token: str) -> Cause:
    assert known(place).recall(token) is None
    with pytest.raises(TokenRefused) as caught:
        await known(place).verify(token)
    return caught.value.cause


async def test_a_token_is_looked_for_once_and_then_known(place: Place) -> None:
    grant = await place.sign_in()
    assert known(place).recall(grant.access_token) is None
    live = await known(place).verify(grant.access_token)
    assert known(place).recall(grant.access_token) is live
    assert (live.credential_id, live.member.subject, live.member.teams) == (
        grant.session.id,
        "ada",
        ("web",),
    )
    assert known(place).id_of(grant.access_token) == grant.session.id
    assert known(place).id_of("gts_other") == "ses_unknown"


async def test_a_token_holds_until_its_end_and_no_longer(place: Place) -> None:
    grant = await place.sign_in()
    await known(place).verify(grant.access_token)
    place.clock.ahead_seconds = 3600
    assert await refused(place, grant.access_token) is Cause.EXPIRED


async def test_what_no_session_has_is_refused(place: Place) -> None:
    grant = await place.sign_in()
    assert await refused(place, "gts_" + "A" * 39) is Cause.MALFORMED
    assert await refused(place, grant.refresh_token) is Cause.MALFORMED
    await place.stored.sweep(place.clock.unix_us() + 9 * 86_400_000_000)
    assert await refused(place, grant.access_token) is Cause.UNKNOWN


async def test_the_team_that_was_asked_for_comes_first(tmp_path: Path) -> None:
    teams = (("eng-web", "web"), ("eng-pay", "payments"))
    async with a_place(tmp_path, teams=teams) as place:
        place.people.groups = ("eng-web", "eng-pay")
        grant = await place.sign_in("payments")
        live = await known(place).verify(grant.access_token)
        assert live.member.teams == ("payments", "web")
        place.people.groups = ("eng-web",)
        place.clock.ahead_seconds = 60
        assert await refused(place, grant.access_token) is Cause.NO_TEAM


async def checked(place: Place) -> None:
    """As the look of every second does it, to its end."""
    known(place).check_used()
    await until(lambda: not known(place)._checks)


async def test_a_leaver_who_goes_on_asking_is_out_within_a_minute(place: Place) -> None:
    """The clock is moved second by second, and they ask every second."""
    grant = await place.sign_in()
    await known(place).verify(grant.access_token)
    place.people.is_gone = True
    last_taken = -1
    for second in range(60):
        place.clock.ahead_seconds = second
        if known(place).recall(grant.access_token) is not None:
            last_taken = second
        await checked(place)
    assert 0 <= last_taken < 60 - SLACK_SECONDS - LOOK_SECONDS
    assert await refused(place, grant.access_token) is Cause.ENDED


async def test_a_leaver_is_out_within_a_minute_though_nothing_is_checked_behind_them(
    place: Place,
) -> None:
    grant = await place.sign_in()
    await known(place).verify(grant.access_token)
    place.people.is_gone = True
    place.clock.ahead_seconds = place.login.recheck_seconds + SLACK_SECONDS - 1
    assert known(place).recall(grant.access_token) is not None
    place.clock.ahead_seconds = place.login.recheck_seconds + SLACK_SECONDS
    assert place.clock.ahead_seconds < 60
    assert await refused(place, grant.access_token) is Cause.ENDED


async def test_a_leaver_whose_one_answer_still_runs_is_noticed_too(place: Place) -> None:
    grant = await place.sign_in()
    await known(place).verify(grant.access_token)
    place.clock.ahead_seconds = place.login.recheck_seconds
    await checked(place)
    known(place).running = lambda: [grant.session.id, "key_of_somebody_else"]
    place.people.is_gone = True
    place.clock.ahead_seconds = 2 * place.login.recheck_seconds + 1
    await checked(place)
    found = await place.stored.find(grant.session.id)
    assert found is not None
    assert found.ended_reason == "ended_by_provider"


async def test_who_asks_nothing_costs_the_provider_nothing(place: Place) -> None:
    grant = await place.sign_in()
    place.clock.ahead_seconds = 1  # it is used after the provider was heard
    await known(place).verify(grant.access_token)
    place.clock.ahead_seconds = place.login.recheck_seconds
    await checked(place)
    assert place.people.refreshed == 1
    for minute in range(2, 5):
        place.clock.ahead_seconds = minute * 60
        await checked(place)
    assert place.people.refreshed == 1


async def test_a_check_behind_requests_keeps_what_is_known_and_takes_new_groups(
    tmp_path: Path,
) -> None:
    teams = (("eng-web", "web"), ("eng-pay", "payments"))
    async with a_place(tmp_path, teams=teams) as place:
        grant = await place.sign_in()
        before = await known(place).verify(grant.access_token)
        place.clock.ahead_seconds = place.login.recheck_seconds
        await checked(place)
        after = known(place).recall(grant.access_token)
        assert after is not None
        assert after.member is before.member
        place.people.groups = ("eng-pay",)
        place.clock.ahead_seconds = 2 * place.login.recheck_seconds + 1
        await checked(place)
        moved = known(place).recall(grant.access_token)
        assert moved is not None
        assert moved.member.teams == ("payments",)


async def test_what_ended_elsewhere_is_forgotten_when_that_is_learnt(place: Place) -> None:
    grant = await place.sign_in()
    await known(place).verify(grant.access_token)
    keys = Keys(place.database)
    await place.stored.end(grant.session.id, End.SIGNED_OUT, place.clock.unix_us(), GATEWAY)
    changes = await keys.changes_since(0)
    ended = type(changes)(changes.revision, {}, (), frozenset({grant.session.id}))
    known(place).learn(ended)
    assert await refused(place, grant.access_token) is Cause.ENDED


async def test_other_settings_make_everything_be_asked_anew(place: Place) -> None:
    grant = await place.sign_in()
    await known(place).verify(grant.access_token)
    await known(place).apply(place.settings)
    assert known(place).recall(grant.access_token) is not None
    await place.begin_with(a_login(place.login.provider, recheck_seconds=10))
    assert known(place).recall(grant.access_token) is None
    await known(place).verify(grant.access_token)


async def test_where_nobody_signs_in_any_more_no_session_holds(place: Place) -> None:
    grant = await place.sign_in()
    await known(place).apply(type(place.settings)(place.settings.providers, None))
    assert await refused(place, grant.access_token) is Cause.UNKNOWN_ISSUER


async def test_more_new_tokens_than_can_be_looked_at_are_told_so(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = await place.sign_in()
    monkeypatch.setattr(known_sessions, "MOST_WAITING", 0)
    with pytest.raises(VerifierBusy):
        await known(place).verify(grant.access_token)


async def test_memory_is_bounded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_sessions, "MOST_REMEMBERED", 2)
    grants: list[Grant] = [await place.sign_in() for _ in range(3)]
    for grant in grants:
        await known(place).verify(grant.access_token)
    held = [known(place).recall(grant.access_token) is not None for grant in grants]
    assert held == [False, False, True]


async def test_the_look_runs_by_itself(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_sessions, "LOOK_SECONDS", 0.01)
    grant = await place.sign_in()
    place.clock.ahead_seconds = 1  # it is used after the provider was heard
    await known(place).verify(grant.access_token)
    place.clock.ahead_seconds = place.login.recheck_seconds
    known(place).start()
    await until(lambda: place.people.refreshed == 1)
    await known(place).stop()
    await asyncio.sleep(0)
    assert known(place)._looking is None
