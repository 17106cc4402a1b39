"""A machine asks, a person confirms in one browser, the provider says who: each step good once."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.sessions.signing_in import (
    WAIT_SECONDS,
    Begun,
    SignInFailed,
    SigningIn,
    read_code,
    shown_code,
)
from gateway.sessions.token_office import GrantRefused
from gateway.store.ledger import Ledger
from gateway.store.stored_session import StoredSession
from gateway.store.stored_subject import StoredSubject
from tests.fakes.signing_in import BROWSER, Place, a_place


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with a_place(tmp_path) as place:
        yield place


def desk(place: Place) -> SigningIn:
    return place.side.signing_in


async def sent_on(place: Place, begun: Begun, browser: str = BROWSER) -> dict[str, str]:
    """The provider's answer in the address that a browser comes back to."""
    found = await desk(place).find(begun.user_code)
    assert found is not None
    way = await desk(place).send_on(place.login, found, browser)
    back = parse_qs(urlsplit(place.people.arrive(way)).query)
    return {name: values[0] for name, values in back.items()}


async def come_back(place: Place, back: dict[str, str], browser: str = BROWSER) -> StoredSession:
    session, _ = await desk(place).come_back(place.login, back["code"], back["state"], browser)
    return session


async def refused(place: Place, begun: Begun) -> str:
    with pytest.raises(SignInFailed) as failed:
        await come_back(place, await sent_on(place, begun))
    return str(failed.value)


async def error_of(place: Place, begun: Begun) -> str:
    with pytest.raises(GrantRefused) as told:
        await place.side.office.first(place.login, begun.device_code)
    return told.value.error


async def records(place: Place) -> list[tuple[str, str, str | None]]:
    rows = await Ledger(place.database).newest(20)
    return [(row.kind, row.body["subject"], row.body.get("reason")) for row in rows]


async def test_a_sign_in_is_on_record_with_who_and_from_where(place: Place) -> None:
    session = (await place.sign_in()).session
    (row,) = await Ledger(place.database).newest(10)
    assert (row.kind, row.body["about_id"]) == ("session_started", session.id)
    assert row.body["actor"] == {"kind": "person", "name": "ada"}
    assert (row.body["machine"], row.body["groups"]) == ("laptop", ["eng-web"])


async def test_a_code_is_read_as_people_type_it() -> None:
    assert shown_code("BCDFGHJK") == "BCDF-GHJK"
    assert read_code(" bcdf ghjk ") == "BCDFGHJK"
    for typed in ("", "BCDF", "BCDF-GHJKL", "AEIO-UAEI", "BCDF-GH1K"):
        assert read_code(typed) is None


async def test_a_code_is_found_until_its_time_is_over(place: Place) -> None:
    begun = await desk(place).begin("laptop\x00\n" + "x" * 200, "192.0.2.7", "web")
    found = await desk(place).find(begun.user_code.lower())
    assert found is not None
    assert (len(found.machine), found.address, found.team) == (100, "192.0.2.7", "web")
    assert begun.device_code not in repr(begun)
    place.clock.ahead_seconds = WAIT_SECONDS
    assert await desk(place).find(begun.user_code) is None
    assert await desk(place).find("no code") is None
    assert await error_of(place, begun) == "expired_token"


async def test_a_machine_without_a_name_is_shown_as_one(place: Place) -> None:
    begun = await desk(place).begin("  ", None, None)
    found = await desk(place).find(begun.user_code)
    assert found is not None
    assert found.machine == "a machine that gave no name"


async def test_only_the_browser_that_was_sent_comes_back_and_only_once(place: Place) -> None:
    begun = await desk(place).begin("laptop", None, None)
    back = await sent_on(place, begun)
    with pytest.raises(SignInFailed, match="another browser"):
        await come_back(place, back, "browser-2")
    await come_back(place, back)
    with pytest.raises(SignInFailed, match="is over"):
        await come_back(place, back)


async def test_a_code_that_was_used_cannot_be_taken_to_the_provider_again(place: Place) -> None:
    begun = await desk(place).begin("laptop", None, None)
    found = await desk(place).find(begun.user_code)
    assert found is not None
    await desk(place).deny(found)
    with pytest.raises(SignInFailed, match="code is over"):
        await desk(place).send_on(place.login, found, BROWSER)
    assert await error_of(place, begun) == "access_denied"


async def test_while_one_is_at_the_provider_its_time_may_end(place: Place) -> None:
    begun = await desk(place).begin("laptop", None, None)
    back = await sent_on(place, begun)
    place.clock.ahead_seconds = WAIT_SECONDS
    with pytest.raises(SignInFailed, match="is over"):
        await come_back(place, back)


async def test_a_provider_that_does_not_answer_is_said_to_be_that(place: Place) -> None:
    begun = await desk(place).begin("laptop", None, None)
    place.issuer.is_down = True
    with pytest.raises(SignInFailed, match="does not answer"):
        await sent_on(place, begun)


async def test_an_answer_that_cannot_be_used_signs_nobody_in(place: Place) -> None:
    place.people.nonce = "replayed"
    begun = await desk(place).begin("laptop", None, None)
    assert "cannot be used" in await refused(place, begun)
    assert await records(place) == []


async def test_who_is_in_no_group_that_counts_is_refused_on_record(place: Place) -> None:
    place.people.groups = ("canteen",)
    begun = await desk(place).begin("laptop", None, None)
    assert "none of your groups" in await refused(place, begun)
    ((kind, subject, reason),) = await records(place)
    assert (kind, subject) == ("session_refused", "ada")
    assert reason is not None
    assert "groups" in reason
    assert await error_of(place, begun) == "access_denied"


async def test_who_is_blocked_is_refused_on_record(place: Place) -> None:
    place.subjects.learn([StoredSubject("ada", False, blocked_unix_us=1)])
    begun = await desk(place).begin("laptop", None, None)
    assert "you are blocked" in await refused(place, begun)
    assert await records(place) == [("session_refused", "ada", "you are blocked")]


async def test_a_team_that_is_not_theirs_is_refused_with_those_that_are(place: Place) -> None:
    begun = await desk(place).begin("laptop", None, "payments")
    assert "yours: web" in await refused(place, begun)


async def test_a_build_does_not_sign_in(place: Place) -> None:
    place.people.subject = "repo:acme/web:main"
    begun = await desk(place).begin("laptop", None, None)
    assert "builds do not sign in" in await refused(place, begun)


async def test_without_a_refresh_token_a_session_lasts_as_long_as_the_provider_can_be_asked(
    place: Place,
) -> None:
    place.people.gives_refresh_token = False
    session = (await place.sign_in()).session
    assert session.expires_unix_us - place.clock.unix_us() <= 300 * 1_000_000
