"""A logout token ends what it names, once it is proven to be the provider's, for us and fresh."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.oidc.refused import Cause, ProviderAway, TokenRefused
from gateway.sessions.back_channel import OLDEST_SECONDS
from gateway.store.stored_session import StoredSession
from tests.fakes.issuer import rsa
from tests.fakes.issuer_login import CLIENT
from tests.fakes.signing_in import Place, a_place

EVENTS = {"http://schemas.openid.net/event/backchannel-logout": {}}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with a_place(tmp_path) as place:
        place.people.sid = "sid-1"
        yield place


def logout_token(place: Place, **changed: object) -> str:
    claims = {"aud": CLIENT, "events": EVENTS, "groups": None, "jti": "1", **changed}
    return place.issuer.token(**claims)  # type: ignore[arg-type]  # claims of any kind


async def told(place: Place, **changed: object) -> int:
    return await place.side.back_channel.sign_out(place.login, logout_token(place, **changed))


async def now_of(place: Place, session: StoredSession) -> StoredSession:
    found = await place.stored.find(session.id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "named", [{}, {"sid": "sid-1"}, {"sub": None, "sid": "sid-1"}], ids=["sub", "both", "sid"]
)
async def test_what_it_names_ends_at_once_and_says_why(
    place: Place, named: dict[str, object]
) -> None:
    session = (await place.sign_in()).session
    assert await told(place, **named) == 1
    assert (await now_of(place, session)).ended_reason == "signed_out_at_provider"


@pytest.mark.parametrize("named", [{"sub": "bob"}, {"sid": "sid-2"}, {"sub": None, "sid": "x"}])
async def test_what_it_does_not_name_goes_on(place: Place, named: dict[str, object]) -> None:
    session = (await place.sign_in()).session
    assert await told(place, **named) == 0
    assert (await now_of(place, session)).ended_unix_us is None


async def test_a_token_that_comes_again_ends_nothing_that_began_since(place: Place) -> None:
    await place.sign_in()
    sent = logout_token(place, iat=int(time.time()))
    assert await place.side.back_channel.sign_out(place.login, sent) == 1
    place.clock.ahead_seconds = place.login.provider.clock_skew_seconds + 2
    session = (await place.sign_in()).session
    assert await place.side.back_channel.sign_out(place.login, sent) == 0
    assert (await now_of(place, session)).ended_unix_us is None


WRONG: dict[str, tuple[dict[str, object], Cause]] = {
    "another audience": ({"aud": "wiki"}, Cause.WRONG_AUDIENCE),
    "another issuer": ({"iss": "https://evil.example"}, Cause.UNKNOWN_ISSUER),
    "an id token": ({"events": None}, Cause.WRONG_TYPE),
    "another event": ({"events": {"http://x": {}}}, Cause.WRONG_TYPE),
    "a nonce": ({"nonce": "n"}, Cause.WRONG_TYPE),
    "nobody": ({"sub": None}, Cause.NO_SUBJECT),
    "no name": ({"sub": ["ada"]}, Cause.WRONG_CLAIM),
    "no end": ({"exp": None}, Cause.EXPIRED),
    "no beginning": ({"iat": None}, Cause.TOO_OLD),
    "an old one": ({"iat": int(time.time()) - OLDEST_SECONDS - 600}, Cause.TOO_OLD),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_token_that_is_wrong_ends_nothing(place: Place, wrong: str) -> None:
    changed, cause = WRONG[wrong]
    session = (await place.sign_in()).session
    with pytest.raises(TokenRefused) as refused:
        await told(place, **changed)
    assert refused.value.cause is cause
    assert (await now_of(place, session)).ended_unix_us is None


async def test_a_token_of_another_type_or_under_a_foreign_key_ends_nothing(place: Place) -> None:
    await place.sign_in()
    claims = place.issuer.claims(aud=CLIENT, events=EVENTS)
    for token in (
        place.issuer.token(rsa("foreign"), aud=CLIENT, events=EVENTS),
        signed_as_access_token(place, claims),
        "no token",
    ):
        with pytest.raises(TokenRefused):
            await place.side.back_channel.sign_out(place.login, token)


def signed_as_access_token(place: Place, claims: dict[str, object]) -> str:
    from tests.fakes.issuer import signed

    return signed(claims, place.issuer.key, typ="at+jwt")


async def test_while_the_provider_is_away_a_new_key_cannot_be_checked(tmp_path: Path) -> None:
    async with a_place(tmp_path) as place:
        place.issuer.is_down = True
        with pytest.raises(ProviderAway):
            await told(place)
