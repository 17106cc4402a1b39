"""A session holds as long as its provider knows its holder, and for a while where it is silent.

What holds while the provider is away stands as a table in docs/identity.md; each row is a test.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.oidc.asking import ProviderClient
from gateway.oidc.refused import Cause, TokenRefused
from gateway.sessions.leavers import AGAIN_SECONDS, SLACK_SECONDS, Held, Leavers
from gateway.sessions.opened import open_sessions
from gateway.store.stored_session import StoredSession
from providers.http.client import HttpClient
from tests.fakes.signing_in import PEPPER, Place, a_login, a_place

MINUTE = 60.0


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with a_place(tmp_path) as place:
        yield place


def leavers(place: Place) -> Leavers:
    return place.side.known._leavers


async def a_session(place: Place) -> StoredSession:
    return (await place.sign_in()).session


async def now_of(place: Place, session: StoredSession) -> StoredSession:
    found = await place.stored.find(session.id)
    assert found is not None
    return found


async def held(place: Place, session: StoredSession) -> Held:
    return await leavers(place).hold(place.login, await now_of(place, session))


async def refused(place: Place, session: StoredSession) -> Cause:
    with pytest.raises(TokenRefused) as caught:
        await held(place, session)
    assert caught.value.subject == "ada"
    return caught.value.cause


def seconds_left(place: Place, until_unix_us: int) -> float:
    return (until_unix_us - place.clock.unix_us()) / 1_000_000


async def test_a_word_that_is_fresh_is_not_asked_for_again(place: Place) -> None:
    session = await a_session(place)
    place.clock.ahead_seconds = place.login.recheck_seconds - 1
    told = await held(place, session)
    assert place.people.refreshed == 0
    assert 0 < seconds_left(place, told.again_unix_us) <= 1
    assert told.until_unix_us - told.again_unix_us == SLACK_SECONDS * 1_000_000


async def test_a_word_that_is_old_is_asked_for_and_kept(place: Place) -> None:
    session = await a_session(place)
    place.clock.ahead_seconds = place.login.recheck_seconds
    told = await held(place, session)
    assert place.people.refreshed == 1
    assert told.session.checked_unix_us > session.checked_unix_us
    assert await now_of(place, session) == told.session
    await held(place, session)
    assert place.people.refreshed == 1


async def test_many_who_come_at_once_ask_once(place: Place) -> None:
    session = await a_session(place)
    place.clock.ahead_seconds = MINUTE
    await asyncio.gather(*(held(place, session) for _ in range(20)))
    assert place.people.refreshed == 1


async def test_two_replicas_ask_once_and_both_know(place: Place) -> None:
    session = await a_session(place)
    place.clock.ahead_seconds = MINUTE
    async with a_replica(place) as other:
        first, second = await asyncio.gather(
            held(place, session), other.hold(place.login, await now_of(place, session))
        )
    assert place.people.refreshed == 1
    assert first.session.checked_unix_us == second.session.checked_unix_us


async def test_new_groups_count_from_the_next_word_on(place: Place) -> None:
    session = await a_session(place)
    place.people.groups = ("sec", "canteen")
    place.clock.ahead_seconds = MINUTE
    assert (await held(place, session)).session.groups == ("sec",)


async def test_who_left_loses_the_session_for_good(place: Place) -> None:
    session = await a_session(place)
    place.people.is_gone = True
    place.clock.ahead_seconds = place.login.recheck_seconds
    assert await refused(place, session) is Cause.ENDED
    ended = await now_of(place, session)
    assert (ended.ended_reason, ended.provider_secret) == ("ended_by_provider", None)


async def test_while_the_provider_is_away_a_session_holds_for_its_time(place: Place) -> None:
    session = await a_session(place)
    place.issuer.is_down = True
    place.clock.ahead_seconds = 59 * MINUTE
    told = await held(place, session)
    assert told.session.checked_unix_us == session.checked_unix_us
    assert seconds_left(place, told.until_unix_us) <= 60
    place.clock.ahead_seconds = 60 * MINUTE
    assert await refused(place, session) is Cause.UNCHECKED
    assert (await now_of(place, session)).ended_unix_us is None


async def test_when_the_provider_is_back_the_session_is_too(place: Place) -> None:
    session = await a_session(place)
    place.issuer.is_down = True
    place.clock.ahead_seconds = 90 * MINUTE
    assert await refused(place, session) is Cause.UNCHECKED
    place.issuer.is_down = False
    place.clock.ahead_seconds += AGAIN_SECONDS
    assert (await held(place, session)).session.checked_unix_us > session.checked_unix_us


async def test_a_silent_provider_is_not_asked_by_everybody(place: Place) -> None:
    sessions = [await a_session(place) for _ in range(3)]
    place.issuer.is_down = True
    place.clock.ahead_seconds = MINUTE
    asked = len(place.issuer.asked)
    for _ in range(4):
        for each in sessions:
            await held(place, each)
    assert len(place.issuer.asked) == asked + 1
    place.clock.ahead_seconds += AGAIN_SECONDS
    await held(place, sessions[0])
    assert len(place.issuer.asked) == asked + 2


async def test_a_provider_in_trouble_is_a_provider_that_is_away(place: Place) -> None:
    session = await a_session(place)
    place.people.is_confused = True
    place.clock.ahead_seconds = MINUTE
    told = await held(place, session)
    assert seconds_left(place, told.again_unix_us) > AGAIN_SECONDS - 1
    place.people.is_confused = False
    assert (await held(place, session)).session.checked_unix_us > session.checked_unix_us


async def test_no_outage_may_be_allowed_at_all(place: Place) -> None:
    session = await a_session(place)
    await place.begin_with(a_login(place.login.provider, outage_minutes=0))
    place.issuer.is_down = True
    place.clock.ahead_seconds = MINUTE
    assert await refused(place, session) is Cause.UNCHECKED


async def test_a_secret_that_cannot_be_opened_ends_the_session(place: Place) -> None:
    session = await a_session(place)
    await place.stored.note_checked(session.id, session.checked_unix_us, (), b"of another pepper")
    place.clock.ahead_seconds = MINUTE
    assert await refused(place, session) is Cause.ENDED


@asynccontextmanager
async def a_replica(place: Place) -> AsyncGenerator[Leavers]:
    """Another gateway on the same database, before the same provider."""
    http = HttpClient()
    side = open_sessions(
        place.database,
        PEPPER,
        ProviderClient(http),
        place.tokens,
        place.subjects,
        unix_us=place.clock.unix_us,
    )
    yield side.known._leavers
    await side.known.stop()
    await http.aclose()
