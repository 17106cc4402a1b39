"""Tokens are given once for a code, anew for a refresh token, and to nobody whose time is over."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.credential_shape import is_well_formed
from gateway.sessions.known_sessions import ACCESS_PREFIX
from gateway.sessions.token_office import REFRESH_PREFIX, Grant, GrantRefused, TokenOffice
from gateway.store.changes import GATEWAY
from gateway.store.ledger import Ledger
from gateway.store.sessions import LOST_ANSWER_US
from gateway.store.subjects import Subjects
from tests.fakes.signing_in import Place, a_login, a_place

HOUR = 3600.0


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with a_place(tmp_path) as place:
        yield place


def office(place: Place) -> TokenOffice:
    return place.side.office


def all_below(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


async def refusal(place: Place, grant: Grant) -> GrantRefused:
    with pytest.raises(GrantRefused) as refused:
        await office(place).next(place.login, grant.refresh_token)
    return refused.value


async def test_who_signed_in_has_two_tokens_that_no_print_shows(place: Place) -> None:
    grant = await place.sign_in()
    assert is_well_formed(ACCESS_PREFIX, grant.access_token)
    assert is_well_formed(REFRESH_PREFIX, grant.refresh_token)
    assert grant.access_expires_in_seconds == 3600
    assert grant.access_token not in repr(grant)
    assert grant.refresh_token not in repr(grant)


async def test_no_token_is_kept_as_it_is(place: Place, tmp_path: Path) -> None:
    grant = await place.sign_in()
    await place.database.close()
    kept = all_below(tmp_path)
    assert grant.session.id.encode() in kept
    assert grant.access_token.encode() not in kept
    assert grant.refresh_token.encode() not in kept
    assert not [token for token in place.people.refresh_tokens if token.encode() in kept]


async def test_an_access_token_ends_with_its_session(place: Place) -> None:
    grant = await place.sign_in()
    place.clock.ahead_seconds = place.login.session_hours * HOUR - 600
    later = await office(place).next(place.login, grant.refresh_token)
    assert later.access_expires_in_seconds <= 600


async def test_a_refresh_token_gives_the_next_two(place: Place) -> None:
    first = await place.sign_in()
    second = await office(place).next(place.login, first.refresh_token)
    assert {second.access_token, second.refresh_token}.isdisjoint(
        {first.access_token, first.refresh_token}
    )
    assert second.session.id == first.session.id
    await place.side.known.verify(second.access_token)


async def test_a_refresh_token_that_comes_again_later_ends_the_session(place: Place) -> None:
    first = await place.sign_in()
    second = await office(place).next(place.login, first.refresh_token)
    place.clock.ahead_seconds = LOST_ANSWER_US / 1_000_000 + 1
    assert "used before" in str(await refusal(place, first))
    told = await refusal(place, second)
    assert (told.error, "token_reused" in str(told)) == ("invalid_grant", True)
    kinds = [row.kind for row in await Ledger(place.database).newest(10)]
    assert kinds.count("session_ended") == 1


async def test_a_code_that_nobody_confirmed_is_pending_and_slows_who_asks_too_often(
    place: Place,
) -> None:
    begun = await place.side.signing_in.begin("laptop", None, None)
    for error in ("authorization_pending", "slow_down"):
        with pytest.raises(GrantRefused) as refused:
            await office(place).first(place.login, begun.device_code)
        assert refused.value.error == error
    assert refused.value.interval_seconds == begun.interval_seconds + 5


@pytest.mark.parametrize("code", ["", "gtd_short", "gtr_" + "A" * 39])
async def test_what_is_no_code_or_token_is_told_as_that(place: Place, code: str) -> None:
    for ask in (office(place).first, office(place).next):
        with pytest.raises(GrantRefused, match="mistyped") as refused:
            await ask(place.login, code)
        assert refused.value.error == "invalid_grant"


async def test_a_token_of_nobody_gives_nothing(place: Place, tmp_path: Path) -> None:
    grant = await place.sign_in()
    async with a_place(tmp_path / "other") as other:
        with pytest.raises(GrantRefused, match="no session has"):
            await other.side.office.next(other.login, grant.refresh_token)


async def test_signing_out_by_either_token_ends_the_session(place: Place) -> None:
    for pick in ("access_token", "refresh_token"):
        grant = await place.sign_in()
        ended = await office(place).sign_out(getattr(grant, pick))
        assert ended is not None
        assert ended.ended_reason == "signed_out"
        assert "session has ended" in str(await refusal(place, grant))
    assert await office(place).sign_out("gts_nothing") is None


async def test_who_is_blocked_gets_no_more_tokens_also_when_freed_again(place: Place) -> None:
    grant = await place.sign_in()
    subjects = Subjects(place.database)
    await subjects.block("ada", place.clock.unix_us(), GATEWAY)
    await subjects.unblock("ada", place.clock.unix_us(), GATEWAY)
    assert "holder_blocked" in str(await refusal(place, grant))


async def test_who_left_gets_no_more_tokens(place: Place) -> None:
    grant = await place.sign_in()
    place.people.is_gone = True
    place.clock.ahead_seconds = 60
    assert "ended_by_provider" in str(await refusal(place, grant))


async def test_when_its_time_is_over_a_session_is_not_renewed(place: Place) -> None:
    grant = await place.sign_in()
    place.clock.ahead_seconds = place.login.session_hours * HOUR + 1
    assert "time is over" in str(await refusal(place, grant))


async def test_a_session_of_a_provider_that_is_not_in_force_is_not_renewed(place: Place) -> None:
    grant = await place.sign_in()
    other = replace(place.login.provider, issuer="https://other.example")
    with pytest.raises(GrantRefused, match="another provider"):
        await office(place).next(a_login(other), grant.refresh_token)
