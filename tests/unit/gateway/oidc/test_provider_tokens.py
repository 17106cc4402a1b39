"""A token is verified once, by its issuer's keys alone, and remembered no longer than it holds."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest

from gateway.configuration.identity_settings import NOBODY_ELSE
from gateway.oidc import provider_tokens
from gateway.oidc.asking import ProviderClient
from gateway.oidc.provider_tokens import ProviderTokens, VerifierBusy
from gateway.oidc.refused import Cause, ProviderAway, TokenRefused
from gateway.virtual_key import Hasher
from providers.http.client import HttpClient
from tests.fakes.issuer import (
    Issuer,
    an_issuer,
    ed25519,
    es256,
    rsa,
    signed,
    signed_with_the_public_key,
    unsigned,
)
from tests.fakes.providers import a_provider, settings_of
from tests.fakes.waiting import until


class Clock:
    """It stands where the test began, until the test moves it on."""

    def __init__(self) -> None:
        self.ahead = 0
        self.began = int(time.time())

    def unix_seconds(self) -> int:
        return self.began + self.ahead

    def seconds(self) -> float:
        return float(self.began + self.ahead)


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with an_issuer() as issuer:
        yield issuer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def tokens(issuer: Issuer, clock: Clock) -> AsyncIterator[ProviderTokens]:
    http = HttpClient()
    tokens = ProviderTokens(
        ProviderClient(http),
        Hasher(b"p" * 32),
        unix_seconds=clock.unix_seconds,
        seconds=clock.seconds,
    )
    await tokens.apply(settings_of(a_provider(issuer.url)))
    yield tokens
    await tokens.stop()
    await http.aclose()


async def refused(tokens: ProviderTokens, token: str) -> TokenRefused:
    with pytest.raises(TokenRefused) as caught:
        await tokens.verify(token)
    assert token not in str(caught.value)
    return caught.value


async def test_a_good_token_says_whose_it_is(tokens: ProviderTokens, issuer: Issuer) -> None:
    known = await tokens.verify(issuer.token())
    assert (known.member.subject, known.member.teams) == ("ada", ("web",))
    assert known.credential_id.startswith("jwt_")
    assert len(known.credential_id) == 16


@pytest.mark.parametrize("key", [rsa(), es256(), ed25519()])
async def test_every_listed_algorithm_is_taken(
    tokens: ProviderTokens, issuer: Issuer, key: object
) -> None:
    issuer.rotate(key, keep=False)  # type: ignore[arg-type]
    assert (await tokens.verify(issuer.token())).member.subject == "ada"


async def test_what_was_verified_is_remembered_and_not_verified_again(
    tokens: ProviderTokens, issuer: Issuer
) -> None:
    token = issuer.token()
    assert tokens.recall(token) is None
    known = await tokens.verify(token)
    assert tokens.recall(token) is known
    assert tokens.recall(issuer.token(jti="another")) is None


async def test_two_tokens_that_begin_and_end_alike_are_two(
    tokens: ProviderTokens, issuer: Issuer
) -> None:
    token = issuer.token()
    await tokens.verify(token)
    middle = len(token) // 2
    other = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    assert tokens.recall(other) is None
    await refused(tokens, other)
    assert tokens.recall(token) is not None


async def test_a_token_is_forgotten_when_it_ends(
    tokens: ProviderTokens, issuer: Issuer, clock: Clock
) -> None:
    token = issuer.token(exp=clock.unix_seconds() + 600)
    await tokens.verify(token)
    clock.ahead = 600 + 29
    assert tokens.recall(token) is not None
    clock.ahead = 600 + 31
    assert tokens.recall(token) is None
    told = await refused(tokens, token)
    assert (told.cause, told.subject) == (Cause.EXPIRED, "ada")


async def test_many_who_come_with_one_token_wait_for_one_verification(
    tokens: ProviderTokens, issuer: Issuer
) -> None:
    token = issuer.token()
    found = await asyncio.gather(*(tokens.verify(token) for _ in range(50)))
    assert len({id(each) for each in found}) == 1


async def test_who_leaves_while_it_is_verified_takes_nobody_along(
    tokens: ProviderTokens, issuer: Issuer
) -> None:
    token = issuer.token()
    leaving = asyncio.create_task(tokens.verify(token))
    staying = asyncio.create_task(tokens.verify(token))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).member.subject == "ada"


async def test_signatures_are_checked_off_the_event_loop(
    tokens: ProviderTokens, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    checked = provider_tokens.verified_claims

    def watched(*given):  # type: ignore[no-untyped-def]
        threads.append(threading.current_thread().name)
        return checked(*given)

    monkeypatch.setattr(provider_tokens, "verified_claims", watched)
    await tokens.verify(issuer.token())
    assert [name.startswith("token-verifier") for name in threads] == [True]


async def test_a_flood_of_new_tokens_is_bounded_and_known_ones_are_taken(
    tokens: ProviderTokens, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = issuer.token()
    await tokens.verify(known)
    monkeypatch.setattr(provider_tokens, "MOST_WAITING", 3)
    waiting = [asyncio.create_task(tokens.verify(issuer.token(jti=n))) for n in range(4)]
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in done].count(VerifierBusy) == 1
    assert tokens.recall(known) is not None
    assert await tokens.verify(issuer.token(jti="later"))


async def test_only_so_many_are_remembered_and_the_oldest_goes(
    tokens: ProviderTokens, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_tokens, "MOST_REMEMBERED", 2)
    made = [issuer.token(jti=number) for number in range(3)]
    for each in made:
        await tokens.verify(each)
    assert [tokens.recall(each) is not None for each in made] == [False, True, True]


FOREIGN = rsa("foreign")
MINE = rsa()

WRONG = {
    "another audience": (lambda i: i.token(aud="wiki"), Cause.WRONG_AUDIENCE, "ada"),
    "a prefix of the audience": (lambda i: i.token(aud="gate"), Cause.WRONG_AUDIENCE, "ada"),
    "no audience": (lambda i: i.token(aud=None), Cause.WRONG_AUDIENCE, "ada"),
    "another party": (lambda i: i.token(azp="wiki"), Cause.WRONG_PARTY, "ada"),
    "no signature": (lambda i: unsigned(i.claims()), Cause.ALGORITHM, None),
    "the public key as a secret": (
        lambda i: signed_with_the_public_key(i.claims(), i.key),
        Cause.ALGORITHM,
        None,
    ),
    "an expired one": (lambda i: i.token(exp=int(time.time()) - 60), Cause.EXPIRED, "ada"),
    "one without an end": (lambda i: i.token(exp=None), Cause.EXPIRED, "ada"),
    "one of the future": (lambda i: i.token(nbf=int(time.time()) + 90), Cause.NOT_YET_VALID, "ada"),
    "one issued in the future": (
        lambda i: i.token(iat=int(time.time()) + 90),
        Cause.NOT_YET_VALID,
        "ada",
    ),
    "a foreign key id": (lambda i: i.token(FOREIGN), Cause.UNKNOWN_KEY, None),
    "a foreign key under our key's id": (
        lambda i: signed(i.claims(), FOREIGN, kid="rsa-1"),
        Cause.BAD_SIGNATURE,
        None,
    ),
    "a key it brought along": (
        lambda i: signed(i.claims(), FOREIGN, jwk=FOREIGN.as_dict(private=False)),
        Cause.UNKNOWN_KEY,
        None,
    ),
    "a foreign issuer": (lambda i: i.token(iss="https://evil.example"), Cause.UNKNOWN_ISSUER, None),
    "its issuer with a slash": (lambda i: i.token(iss=i.url + "/"), Cause.UNKNOWN_ISSUER, None),
    "no issuer": (lambda i: i.token(iss=None), Cause.UNKNOWN_ISSUER, None),
    "garbage": (lambda i: "eyJhbGciOi.garbage.AAAA", Cause.MALFORMED, None),
    "one that is too long": (lambda i: i.token(pad="x" * 9000), Cause.TOO_LONG, None),
    "a logout token": (
        lambda i: i.token(events={"http://schemas.openid.net/event/backchannel-logout": {}}),
        Cause.WRONG_TYPE,
        "ada",
    ),
    "a logout token by its type": (
        lambda i: signed(i.claims(), i.key, typ="logout+jwt"),
        Cause.WRONG_TYPE,
        None,
    ),
    "one of nobody": (lambda i: i.token(sub=None), Cause.NO_SUBJECT, None),
    "groups of the wrong kind": (lambda i: i.token(groups={"a": 1}), Cause.WRONG_CLAIM, None),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_every_wrong_token_is_refused_for_its_own_reason(
    tokens: ProviderTokens, issuer: Issuer, wrong: str
) -> None:
    make, cause, subject = WRONG[wrong]
    token = make(issuer)
    told = await refused(tokens, token)
    assert (told.cause, told.subject) == (cause, subject)
    assert tokens.recall(token) is None


@pytest.mark.parametrize("key_id", ["../../etc/passwd", "' OR 1=1--", "https://evil.example/k"])
async def test_a_key_id_is_only_ever_compared(
    tokens: ProviderTokens, issuer: Issuer, key_id: str
) -> None:
    token = signed(issuer.claims(), FOREIGN, kid=key_id)
    assert (await refused(tokens, token)).cause is Cause.UNKNOWN_KEY
    assert set(issuer.asked) == {"/.well-known/openid-configuration", "/jwks"}


async def test_one_issuers_key_signs_for_no_other(tokens: ProviderTokens, issuer: Issuer) -> None:
    async with an_issuer() as other:
        first = a_provider(issuer.url)
        await tokens.apply(settings_of(first, a_provider(other.url, subject_prefix="b:")))
        forged = signed(issuer.claims(iss=other.url), issuer.key)
        assert (await refused(tokens, forged)).cause is Cause.BAD_SIGNATURE
        assert (await tokens.verify(other.token())).member.subject == "b:ada"


async def test_an_issuer_without_an_audience_has_no_tokens_that_are_taken(
    tokens: ProviderTokens, issuer: Issuer
) -> None:
    await tokens.apply(settings_of(a_provider(issuer.url, audiences=frozenset())))
    assert (await refused(tokens, issuer.token())).cause is Cause.UNKNOWN_ISSUER


async def test_while_the_provider_is_away_known_keys_verify_new_tokens(
    tokens: ProviderTokens, issuer: Issuer
) -> None:
    await tokens.verify(issuer.token())
    issuer.is_down = True
    assert await tokens.verify(issuer.token(jti="new"))


async def test_without_any_key_nobody_can_say(tokens: ProviderTokens, issuer: Issuer) -> None:
    issuer.is_down = True
    with pytest.raises(ProviderAway):
        await tokens.verify(issuer.token())


async def test_tokens_of_a_withdrawn_key_are_refused(
    tokens: ProviderTokens, issuer: Issuer, clock: Clock
) -> None:
    old = issuer.token()
    await tokens.verify(old)
    issuer.rotate(rsa("rsa-2"), keep=False)
    clock.ahead = 601
    await tokens.refresh()
    assert tokens.recall(old) is None
    fresh = int(time.time()) + 1200
    assert (await refused(tokens, signed(issuer.claims(exp=fresh), MINE))).cause is (
        Cause.UNKNOWN_KEY
    )


async def test_a_key_replaced_under_its_id_costs_no_token(
    tokens: ProviderTokens, issuer: Issuer
) -> None:
    await tokens.verify(issuer.token())
    issuer.rotate(rsa("rsa-1"), keep=False)
    assert await tokens.verify(issuer.token(jti="new"))


async def test_other_settings_forget_what_was_known(tokens: ProviderTokens, issuer: Issuer) -> None:
    token = issuer.token()
    await tokens.verify(token)
    same = settings_of(a_provider(issuer.url))
    await tokens.apply(same)
    assert tokens.recall(token) is not None
    await tokens.apply(settings_of(a_provider(issuer.url, teams=(("eng-web", "payments"),))))
    assert tokens.recall(token) is None
    assert (await tokens.verify(token)).member.teams == ("payments",)
    await tokens.apply(NOBODY_ELSE)
    assert (await refused(tokens, token)).cause is Cause.UNKNOWN_ISSUER


async def test_keys_of_a_new_provider_are_fetched_before_anybody_asks(
    tokens: ProviderTokens, issuer: Issuer
) -> None:
    tokens.start()
    await until(lambda: issuer.times_asked() == 1)
    async with an_issuer() as other:
        await tokens.apply(settings_of(a_provider(other.url)))
        await until(lambda: other.times_asked() == 1)


async def test_a_look_that_ends_as_nobody_foresaw_is_not_the_last_one(
    tokens: ProviderTokens, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def stumble(*_: object) -> None:
        raise KeyError("a bug")

    with monkeypatch.context() as broken:
        broken.setattr(ProviderClient, "discover", stumble)
        tokens.start()
        await until(lambda: "refresh_failed" in [each.message for each in caplog.records])
    async with an_issuer() as other:
        await tokens.apply(settings_of(a_provider(other.url)))
        await until(lambda: other.times_asked() == 1)


async def test_the_id_of_a_token_is_the_same_known_or_not(
    tokens: ProviderTokens, issuer: Issuer
) -> None:
    token = issuer.token()
    assert (await tokens.verify(token)).credential_id == tokens.id_of(token)


async def test_claims_are_read_for_one_provider_only(
    tokens: ProviderTokens, issuer: Issuer
) -> None:
    provider = a_provider(issuer.url)
    assert (await tokens.claims_of(issuer.token(aud="gatehouse-cli"), provider))["sub"] == "ada"
    with pytest.raises(TokenRefused, match="another issuer's"):
        await tokens.claims_of(issuer.token(iss="https://evil.example"), provider)
    with pytest.raises(TokenRefused, match="algorithm"):
        await tokens.claims_of(unsigned(issuer.claims()), provider)
    other = a_provider("https://gone.example")
    with pytest.raises(ProviderAway, match="not configured any more"):
        await tokens.claims_of(issuer.token(iss="https://gone.example"), other)
