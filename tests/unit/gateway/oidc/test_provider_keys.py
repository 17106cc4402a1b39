"""Keys are fetched when they are needed, found again when they rotate, and held in an outage.

What holds while a provider is away stands as a table in docs/identity.md; each row is a test here.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from gateway.configuration.identity_settings import Provider
from gateway.oidc.asking import Metadata, ProviderClient
from gateway.oidc.provider_keys import (
    AGAIN_SECONDS,
    AWAY_SECONDS,
    HOLD_SECONDS,
    REFETCH_SECONDS,
    REFRESH_SECONDS,
    ProviderKeys,
    chosen,
)
from gateway.oidc.refused import Cause, ProviderAway, TokenRefused
from gateway.oidc.signature import signing_keys
from gateway.oidc.token import Head
from providers.http.client import HttpClient
from tests.fakes.issuer import Issuer, an_issuer, ed25519, es256, rsa
from tests.fakes.providers import a_provider


@dataclass
class Clock:
    now: float = 1000.0

    def seconds(self) -> float:
        return self.now


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with an_issuer() as issuer:
        yield issuer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keys(issuer: Issuer, clock: Clock) -> AsyncIterator[ProviderKeys]:
    http = HttpClient()
    yield ProviderKeys(a_provider(issuer.url), ProviderClient(http), clock.seconds)
    await http.aclose()


def head(key_id: str | None = "rsa-1", algorithm: str = "RS256") -> Head:
    return Head("https://idp.example", algorithm, key_id, "jwt")


async def refused(keys: ProviderKeys, of: Head) -> Cause:
    with pytest.raises(TokenRefused) as caught:
        await keys.find(of)
    return caught.value.cause


async def test_keys_are_asked_for_once(keys: ProviderKeys, issuer: Issuer) -> None:
    found = await asyncio.gather(*(keys.find(head()) for _ in range(20)))
    assert {key.thumbprint() for key in found} == {issuer.key.thumbprint()}
    assert issuer.times_asked() == 1


class HeldBack(ProviderClient):
    """Asks the provider once the gate is open."""

    def __init__(self, http: HttpClient) -> None:
        super().__init__(http)
        self.begun, self.gate = asyncio.Event(), asyncio.Event()

    async def discover(self, provider: Provider) -> Metadata:
        self.begun.set()
        await self.gate.wait()
        return await super().discover(provider)


async def test_who_comes_while_the_first_keys_are_under_way_waits_for_them(
    issuer: Issuer, clock: Clock
) -> None:
    http = HttpClient()
    client = HeldBack(http)
    keys = ProviderKeys(a_provider(issuer.url), client, clock.seconds)
    at_the_start = asyncio.create_task(keys.refresh())
    await client.begun.wait()
    asking = asyncio.create_task(keys.find(head()))
    await asyncio.sleep(0)
    client.gate.set()
    assert (await asking).thumbprint() == issuer.key.thumbprint()
    await at_the_start
    assert issuer.times_asked() == 1
    await http.aclose()


async def test_a_key_that_is_new_is_found_at_once(keys: ProviderKeys, issuer: Issuer) -> None:
    await keys.find(head())
    issuer.rotate(rsa("rsa-2"))
    assert (await keys.find(head("rsa-2"))).thumbprint() == issuer.key.thumbprint()
    assert issuer.times_asked() == 2


async def test_who_comes_while_a_new_key_is_fetched_waits_for_it(
    keys: ProviderKeys, issuer: Issuer
) -> None:
    await keys.find(head())
    issuer.rotate(rsa("rsa-2"))
    assert await asyncio.gather(*(keys.find(head("rsa-2")) for _ in range(20)))
    assert issuer.times_asked() == 2


async def test_unknown_key_ids_make_us_ask_once_in_ten_seconds_at_most(
    keys: ProviderKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find(head())
    for number in range(5):
        assert await refused(keys, head(f"no-{number}")) is Cause.UNKNOWN_KEY
    assert issuer.times_asked() == 2
    clock.now += REFETCH_SECONDS
    assert await refused(keys, head("no-9")) is Cause.UNKNOWN_KEY
    assert issuer.times_asked() == 3


async def test_a_strangers_key_id_keeps_a_new_key_from_being_found_for_ten_seconds_at_most(
    keys: ProviderKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find(head())
    assert await refused(keys, head("a-strangers")) is Cause.UNKNOWN_KEY
    issuer.rotate(rsa("rsa-2"))
    clock.now += 10
    assert await keys.find(head("rsa-2"))


async def test_while_the_provider_is_away_known_keys_hold_and_new_ones_are_refused(
    keys: ProviderKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find(head())
    issuer.rotate(rsa("rsa-2"))
    issuer.is_down = True
    clock.now += HOLD_SECONDS - 1
    await keys.refresh()
    assert await keys.find(head())
    assert await refused(keys, head("rsa-2")) is Cause.UNKNOWN_KEY


async def test_after_a_day_without_the_provider_no_key_holds_any_more(
    keys: ProviderKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find(head())
    issuer.is_down = True
    clock.now += HOLD_SECONDS
    with pytest.raises(ProviderAway):
        await keys.find(head())


async def test_a_provider_that_was_never_there_is_asked_again_soon_and_not_by_everybody(
    keys: ProviderKeys, issuer: Issuer, clock: Clock
) -> None:
    issuer.is_down = True
    for _ in range(5):
        with pytest.raises(ProviderAway):
            await keys.find(head())
    assert len(issuer.asked) == 1
    issuer.is_down = False
    clock.now += AGAIN_SECONDS
    assert await keys.find(head())


async def test_a_key_that_was_withdrawn_is_gone_with_the_next_look(
    keys: ProviderKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find(head())
    before = keys.generation
    issuer.rotate(rsa("rsa-2"), keep=False)
    assert not keys.is_due()
    clock.now += REFRESH_SECONDS
    assert keys.is_due()
    await keys.refresh()
    assert not keys.is_due()
    assert keys.generation == before + 1
    assert await refused(keys, head()) is Cause.UNKNOWN_KEY


async def test_the_same_keys_again_are_no_news(keys: ProviderKeys) -> None:
    await keys.refresh()
    before = keys.generation
    await keys.refresh()
    assert keys.generation == before


async def test_a_provider_that_is_away_is_looked_at_once_a_minute(
    keys: ProviderKeys, issuer: Issuer, clock: Clock
) -> None:
    assert keys.is_due()
    issuer.is_down = True
    await keys.refresh()
    assert not keys.is_due()
    clock.now += AWAY_SECONDS
    assert keys.is_due()


async def test_another_key_under_the_same_id_is_found(
    keys: ProviderKeys, issuer: Issuer, clock: Clock
) -> None:
    old = await keys.find(head())
    assert await keys.look_again(head(), old) is None
    issuer.rotate(rsa("rsa-1"), keep=False)
    assert await keys.look_again(head(), old) is None  # asked a moment ago
    clock.now += REFETCH_SECONDS
    new = await keys.look_again(head(), old)
    assert new is not None
    assert new.thumbprint() == issuer.key.thumbprint()


async def test_metadata_comes_with_the_keys(keys: ProviderKeys, issuer: Issuer) -> None:
    assert (await keys.metadata()).token == f"{issuer.url}/token"
    await keys.find(head())
    assert issuer.times_asked() == 1


async def test_without_the_provider_there_is_no_metadata(
    keys: ProviderKeys, issuer: Issuer
) -> None:
    issuer.is_down = True
    with pytest.raises(ProviderAway):
        await keys.metadata()


def test_a_token_without_a_key_id_is_held_against_the_only_key_of_its_kind() -> None:
    published = [key.as_dict(private=False) for key in (rsa(), es256(), ed25519())]
    keys = tuple(signing_keys({"keys": published}))
    assert chosen(keys, head(None)) is keys[0].key
    assert chosen(keys, head(None, "ES256")) is keys[1].key
    assert chosen(keys, head(None, "EdDSA")) is keys[2].key
    two = (*keys, *signing_keys({"keys": [rsa("rsa-2").as_dict(private=False)]}))
    assert chosen(two, head(None)) is None


def test_a_key_that_says_its_algorithm_is_for_no_other() -> None:
    (key,) = signing_keys({"keys": [{**rsa().as_dict(private=False), "alg": "RS512"}]})
    assert chosen((key,), head()) is None
    assert chosen((key,), head(algorithm="RS512")) is key.key
    (key,) = signing_keys({"keys": [{**ed25519("k").as_dict(private=False), "alg": "EdDSA"}]})
    assert chosen((key,), head("k", "Ed25519")) is key.key
