"""The provider is asked with a code only we can use, and its answer is held to be for us."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.oidc.asking import ProviderClient
from gateway.oidc.refused import Cause, ProviderAway, ProviderUnreachable, TokenRefused
from gateway.sessions.at_provider import AtProvider, KnownNoMore, SignedIn, StillKnown
from gateway.sessions.sealing import ProviderSecret
from providers.http.client import HttpClient
from tests.fakes.issuer import rsa
from tests.fakes.signing_in import Place, a_place

STATE, NONCE, VERIFIER = "the-state", "the-nonce", "the-verifier"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with a_place(tmp_path) as place:
        yield place


@pytest.fixture
async def provider(place: Place) -> AsyncIterator[AtProvider]:
    http = HttpClient()
    yield AtProvider(ProviderClient(http), place.tokens, lambda: int(time.time()))
    await http.aclose()


async def signed_in(place: Place, provider: AtProvider) -> SignedIn:
    way = await provider.way_in(place.login, STATE, NONCE, VERIFIER)
    code = parse_qs(urlsplit(place.people.arrive(way)).query)["code"][0]
    return await provider.come_in(place.login, code, NONCE, VERIFIER)


async def test_the_way_in_has_all_that_protects_it(place: Place, provider: AtProvider) -> None:
    way = await provider.way_in(place.login, STATE, NONCE, VERIFIER)
    query = {name: values[0] for name, values in parse_qs(urlsplit(way).query).items()}
    assert way.startswith(f"{place.issuer.url}/authorize?")
    assert query["redirect_uri"] == "http://127.0.0.1:7070/oauth/callback"
    assert (query["state"], query["nonce"]) == (STATE, NONCE)
    assert query["code_challenge_method"] == "S256"
    assert VERIFIER not in way


async def test_an_address_with_a_query_keeps_it(place: Place, provider: AtProvider) -> None:
    place.issuer.discovery = {"authorization_endpoint": f"{place.issuer.url}/authorize?p=b2c"}
    way = await provider.way_in(place.login, STATE, NONCE, VERIFIER)
    assert way.startswith(f"{place.issuer.url}/authorize?p=b2c&response_type=code")


@pytest.mark.parametrize("address", [None, "https://evil.example/authorize", "javascript:alert(1)"])
async def test_a_browser_is_sent_to_hosts_that_are_named_and_nowhere_else(
    place: Place, provider: AtProvider, address: str | None
) -> None:
    place.issuer.discovery = {"authorization_endpoint": address}
    with pytest.raises(ProviderAway):
        await provider.way_in(place.login, STATE, NONCE, VERIFIER)


async def test_who_came_back_is_known_with_groups_and_a_refresh_token(
    place: Place, provider: AtProvider
) -> None:
    place.people.sid = "sid-1"
    found = await signed_in(place, provider)
    assert (found.who.subject, found.who.groups) == ("ada", ("eng-web",))
    assert found.provider_session == "sid-1"
    assert found.secret.refresh_token is not None
    assert found.secret.access_token is None


async def test_a_code_is_good_once_and_for_its_verifier_only(
    place: Place, provider: AtProvider
) -> None:
    way = await provider.way_in(place.login, STATE, NONCE, VERIFIER)
    code = parse_qs(urlsplit(place.people.arrive(way)).query)["code"][0]
    with pytest.raises(ProviderAway, match="invalid_grant"):
        await provider.come_in(place.login, code, NONCE, "another")
    with pytest.raises(ProviderAway, match="invalid_grant"):
        await provider.come_in(place.login, code, NONCE, VERIFIER)


async def test_another_nonce_is_somebody_elses_sign_in(place: Place, provider: AtProvider) -> None:
    place.people.nonce = "replayed"
    with pytest.raises(TokenRefused) as refused:
        await signed_in(place, provider)
    assert refused.value.cause is Cause.WRONG_NONCE


async def test_a_token_for_another_client_is_refused(place: Place, provider: AtProvider) -> None:
    place.people.audience = "wiki"
    with pytest.raises(TokenRefused) as refused:
        await signed_in(place, provider)
    assert refused.value.cause is Cause.WRONG_AUDIENCE


async def test_an_id_token_under_a_foreign_key_is_refused(
    place: Place, provider: AtProvider
) -> None:
    await place.tokens.verify(place.issuer.token())
    published, place.issuer.keys = place.issuer.keys, [rsa("foreign")]
    place.issuer.answers["/jwks"] = lambda form: (
        200,
        {"keys": [key.as_dict(private=False) for key in published]},
    )
    with pytest.raises(TokenRefused) as refused:
        await signed_in(place, provider)
    assert refused.value.cause is Cause.UNKNOWN_KEY


async def test_groups_that_no_token_tells_are_asked_of_userinfo(
    place: Place, provider: AtProvider
) -> None:
    place.people.groups = None
    place.people.userinfo = {"sub": "ada", "groups": ["eng-pay"]}
    found = await signed_in(place, provider)
    assert found.who.groups == ("eng-pay",)
    assert found.secret.asks_userinfo


async def test_userinfo_of_somebody_else_is_refused(place: Place, provider: AtProvider) -> None:
    place.people.groups = None
    place.people.userinfo = {"sub": "bob", "groups": ["eng-pay"]}
    with pytest.raises(TokenRefused, match="somebody else"):
        await signed_in(place, provider)


async def test_without_a_refresh_token_the_access_token_is_kept_for_its_time(
    place: Place, provider: AtProvider
) -> None:
    place.people.gives_refresh_token = False
    found = await signed_in(place, provider)
    assert (found.secret.refresh_token, found.secret.access_token) == (None, "at")
    assert 290 <= found.secret.until_unix_seconds - time.time() <= 301


async def again(place: Place, provider: AtProvider, secret: ProviderSecret, subject: str = "ada"):
    client = place.login.client
    return await provider.ask_again(place.login.provider, client, secret, subject)


async def test_whom_the_provider_still_knows_has_new_groups_and_a_new_secret(
    place: Place, provider: AtProvider
) -> None:
    first = (await signed_in(place, provider)).secret
    place.people.groups = ("sec",)
    told = await again(place, provider, first)
    assert isinstance(told, StillKnown)
    assert told.who is not None
    assert told.who.groups == ("sec",)
    assert told.secret.refresh_token not in (None, first.refresh_token)


async def test_a_provider_that_only_renews_says_that_it_knows_them(
    place: Place, provider: AtProvider
) -> None:
    secret = (await signed_in(place, provider)).secret
    place.issuer.discovery = {"userinfo_endpoint": None}
    place.people.gives_id_token_again = False
    place.people.gives_refresh_token = False
    http = HttpClient()
    await place.tokens.apply(place.settings)
    told = await again(place, provider, secret)
    await http.aclose()
    assert isinstance(told, StillKnown)
    assert told.secret.refresh_token == secret.refresh_token


@pytest.mark.parametrize("said", ["invalid_grant", "invalid_request", "interaction_required"])
async def test_who_is_gone_is_known_no_more(place: Place, provider: AtProvider, said: str) -> None:
    secret = (await signed_in(place, provider)).secret
    place.people.is_gone, place.people.says_gone = True, said
    assert isinstance(await again(place, provider, secret), KnownNoMore)


async def test_a_gateway_that_the_provider_does_not_know_any_more_ends_nobodys_session(
    place: Place, provider: AtProvider
) -> None:
    secret = (await signed_in(place, provider)).secret
    place.people.is_gone, place.people.says_gone = True, "invalid_client"
    with pytest.raises(ProviderAway, match="invalid_client"):
        await again(place, provider, secret)


@pytest.mark.parametrize("trouble", ["id token", "userinfo"])
async def test_a_new_refresh_token_is_kept_whatever_else_goes_wrong(
    place: Place, provider: AtProvider, trouble: str
) -> None:
    place.people.groups = None if trouble == "userinfo" else ("eng-web",)
    place.people.userinfo = {"sub": "ada", "groups": ["eng-web"]}
    secret = (await signed_in(place, provider)).secret
    place.people.audience = "wiki" if trouble == "id token" else place.people.audience
    place.issuer.answers["/userinfo"] = lambda form: (500, {})
    told = await again(place, provider, secret)
    assert isinstance(told, StillKnown)
    assert told.who is None
    assert told.secret.refresh_token in place.people.refresh_tokens


async def test_who_became_somebody_else_is_known_no_more(
    place: Place, provider: AtProvider
) -> None:
    secret = (await signed_in(place, provider)).secret
    assert isinstance(await again(place, provider, secret, "bob"), KnownNoMore)


async def test_a_provider_in_trouble_has_said_nothing(place: Place, provider: AtProvider) -> None:
    secret = (await signed_in(place, provider)).secret
    place.people.is_confused = True
    with pytest.raises(ProviderAway, match="500"):
        await again(place, provider, secret)
    place.people.is_confused = False
    place.issuer.is_down = True
    with pytest.raises(ProviderUnreachable):
        await again(place, provider, secret)


async def test_without_a_refresh_token_userinfo_is_asked(
    place: Place, provider: AtProvider
) -> None:
    place.people.gives_refresh_token = False
    secret = (await signed_in(place, provider)).secret
    assert isinstance(await again(place, provider, secret), StillKnown)
    place.people.is_gone = True
    assert isinstance(await again(place, provider, secret), KnownNoMore)
