"""A provider is asked at its own hosts, within bounds, and what it sends is believed no further."""

import base64
from collections.abc import AsyncIterator

import pytest

from gateway.configuration.identity_settings import Client
from gateway.oidc.asking import MOST_BYTES, ProviderClient, check_address
from gateway.oidc.refused import ProviderAway
from providers.base import Secret
from providers.http.client import HttpClient
from tests.fakes.issuer import Issuer, an_issuer
from tests.fakes.providers import a_provider

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with an_issuer() as issuer:
        yield issuer


@pytest.fixture
async def client() -> AsyncIterator[ProviderClient]:
    http = HttpClient()
    yield ProviderClient(http, seconds=5)
    await http.aclose()


async def test_discovery_leads_to_keys(issuer: Issuer, client: ProviderClient) -> None:
    provider = a_provider(issuer.url)
    found = await client.discover(provider)
    assert found.keys == f"{issuer.url}/jwks"
    assert found.token == f"{issuer.url}/token"
    assert found.basic_auth
    document = await client.key_set(provider, found)
    assert [key["kid"] for key in document["keys"]] == ["rsa-1"]


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": 7},
    ],
)
async def test_a_document_that_is_not_this_issuers_is_not_believed(
    issuer: Issuer, client: ProviderClient, lie: dict[str, object]
) -> None:
    issuer.discovery = lie
    with pytest.raises(ProviderAway):
        await client.discover(a_provider(issuer.url))


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/jwks",
        "http://evil.example/jwks",
        "http://169.254.169.254/latest",
        "http://127.0.0.1:1/jwks",
        "https://idp.example@evil.example/jwks",
        "http://127.0.0.1.evil.example/jwks",
        "file:///etc/passwd",
        "ftp://127.0.0.1/jwks",
        "//127.0.0.1/jwks",
        "http://[::1",
        "jwks",
        "",
    ],
)
async def test_only_hosts_that_the_configuration_names_are_dialled(
    issuer: Issuer, client: ProviderClient, elsewhere: str
) -> None:
    issuer.discovery = {"jwks_uri": elsewhere}
    provider = a_provider(issuer.url)
    found = await client.discover(provider)
    with pytest.raises(ProviderAway, match="discovery document"):
        await client.key_set(provider, found)


async def test_a_host_that_is_named_may_hold_the_keys(client: ProviderClient) -> None:
    async with an_issuer() as first, an_issuer() as second:
        first.discovery = {"jwks_uri": f"{second.url}/jwks"}
        host = second.url.removeprefix("http://")
        provider = a_provider(first.url, hosts=frozenset({host}))
        with pytest.raises(ProviderAway):
            await client.discover(provider)  # its own host is named where settings are built
        provider = a_provider(first.url, hosts=frozenset({host, first.url.removeprefix("http://")}))
        assert (await client.key_set(provider, await client.discover(provider)))["keys"]


def test_elsewhere_than_on_this_machine_only_tls_is_spoken() -> None:
    provider = a_provider(hosts=frozenset({"idp.example", "keys.example:8443"}))
    check_address("https://idp.example/a?b=c", provider)
    check_address("https://keys.example:8443/a", provider)
    with pytest.raises(ProviderAway, match="https"):
        check_address("http://idp.example/a", provider)
    with pytest.raises(ProviderAway, match="hosts"):
        check_address("https://keys.example/a", provider)


async def test_a_provider_that_is_down_is_away(issuer: Issuer, client: ProviderClient) -> None:
    issuer.is_down = True
    with pytest.raises(ProviderAway, match="cannot be reached"):
        await client.discover(a_provider(issuer.url))


@pytest.mark.parametrize(
    "said", [(500, {"issuer": "x"}), (302, {}), (200, b"<html>"), (200, [1]), (200, b"\xff")]
)
async def test_what_is_no_document_is_no_answer(
    issuer: Issuer, client: ProviderClient, said: tuple[int, object]
) -> None:
    issuer.answers[DISCOVERY] = lambda form: said
    with pytest.raises(ProviderAway):
        await client.discover(a_provider(issuer.url))


async def test_no_more_is_read_than_any_document_takes(
    issuer: Issuer, client: ProviderClient
) -> None:
    issuer.answers[DISCOVERY] = lambda form: (200, b" " * (MOST_BYTES + 1))
    with pytest.raises(ProviderAway, match="more than"):
        await client.discover(a_provider(issuer.url))


async def test_an_address_may_end_with_a_slash(issuer: Issuer, client: ProviderClient) -> None:
    """Authentik's do, and without it they lead elsewhere."""
    issuer.answers["/app/jwks/"] = lambda form: (200, {"keys": [{"kid": "x"}]})
    issuer.discovery = {"jwks_uri": f"{issuer.url}/app/jwks/"}
    provider = a_provider(issuer.url)
    assert (await client.key_set(provider, await client.discover(provider)))["keys"]


async def test_an_address_may_have_a_query(issuer: Issuer, client: ProviderClient) -> None:
    issuer.discovery = {"jwks_uri": f"{issuer.url}/jwks?policy=b2c"}
    provider = a_provider(issuer.url)
    assert (await client.key_set(provider, await client.discover(provider)))["keys"]


async def test_the_client_shows_its_secret_as_the_provider_wants_it(
    issuer: Issuer, client: ProviderClient
) -> None:
    issuer.answers["/token"] = lambda form: (200, {"access_token": "at"})
    provider = a_provider(issuer.url)
    us = Client("us", Secret("p:q"), ("openid",))
    found = await client.discover(provider)
    answer = await client.token(provider, us, found, {"grant_type": "x"})
    assert answer.document == {"access_token": "at"}
    assert issuer.forms[-1] == {"grant_type": "x"}
    shown = issuer.headers[-1]["authorization"].removeprefix("Basic ")
    assert base64.b64decode(shown) == b"us:p%3Aq"
    issuer.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    await client.token(provider, us, await client.discover(provider), {"grant_type": "x"})
    assert issuer.forms[-1] == {"grant_type": "x", "client_id": "us", "client_secret": "p:q"}
    public = Client("us", None, ("openid",))
    await client.token(provider, public, found, {"grant_type": "x"})
    assert issuer.forms[-1] == {"grant_type": "x", "client_id": "us"}


async def test_a_refusal_of_the_provider_is_an_answer(
    issuer: Issuer, client: ProviderClient
) -> None:
    issuer.answers["/token"] = lambda form: (400, {"error": "invalid_grant"})
    provider = a_provider(issuer.url)
    us = Client("us", None, ("openid",))
    answer = await client.token(provider, us, await client.discover(provider), {})
    assert (answer.status, answer.document) == (400, {"error": "invalid_grant"})


async def test_without_a_token_endpoint_nobody_is_asked(
    issuer: Issuer, client: ProviderClient
) -> None:
    issuer.discovery = {"token_endpoint": None}
    provider = a_provider(issuer.url)
    us, metadata = Client("us", None, ("openid",)), await client.discover(provider)
    with pytest.raises(ProviderAway, match="token_endpoint"):
        await client.token(provider, us, metadata, {})


async def test_who_an_access_token_stands_for_is_asked_with_it(
    issuer: Issuer, client: ProviderClient
) -> None:
    issuer.answers["/userinfo"] = lambda form: (200, {"sub": "ada"})
    provider = a_provider(issuer.url)
    answer = await client.userinfo(provider, f"{issuer.url}/userinfo", "at")
    assert answer.document == {"sub": "ada"}
    assert issuer.headers[-1]["authorization"] == "Bearer at"
    with pytest.raises(ProviderAway):
        await client.userinfo(provider, f"{issuer.url}/userinfo", "a\r\nx: y")
