"""Tokens of providers: verified once, each by its issuer's keys, and remembered until they end."""

import asyncio
import base64
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from gateway.configuration.identity_settings import NOBODY_ELSE, IdentitySettings, Provider
from gateway.oidc.asking import ProviderClient
from gateway.oidc.membership import Member, claimed, member
from gateway.oidc.provider_keys import ProviderKeys
from gateway.oidc.refused import Cause, ProviderAway, TokenRefused
from gateway.oidc.token import (
    Claims,
    Head,
    check_algorithm,
    check_audience,
    check_head,
    check_times,
    is_logout_token,
    read_head,
    verified_claims,
)
from gateway.polling import Polling

if TYPE_CHECKING:
    from joserfc.jwk import Key

log = logging.getLogger(__name__)

MOST_REMEMBERED: Final = 20_000
MOST_WAITING: Final = 256
LOOK_SECONDS: Final = 15.0
"""How often the age of the providers' keys is looked at."""

ID_PREFIX: Final = "jwt_"


class Digests(Protocol):
    """Makes the digests by which tokens are remembered (`gateway.virtual_key.Hasher`)."""

    def digest(self, key: str) -> bytes:
        """A keyed digest."""
        ...


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token that was verified, without the token. Times are UTC seconds."""

    credential_id: str
    member: Member
    issuer: str
    until_unix_seconds: int
    generation: int  # of its issuer's keys


class VerifierBusy(Exception):
    """More new tokens than can be looked at: those that are known are taken meanwhile."""


class ProviderTokens:
    """Says whose a provider's token is.

    `unix_seconds` is UTC, `seconds` a clock that only goes forward. Signatures are checked in a
    thread of their own: what strangers send never holds the event loop up.
    """

    def __init__(
        self,
        client: ProviderClient,
        digests: Digests,
        *,
        unix_seconds: Callable[[], int],
        seconds: Callable[[], float],
    ) -> None:
        self._client = client
        self._digests = digests
        self._unix_seconds = unix_seconds
        self._seconds = seconds
        self._settings = NOBODY_ELSE
        self._keys: dict[str, ProviderKeys] = {}
        self._known: dict[bytes, KnownToken] = {}
        self._verifying: dict[bytes, asyncio.Task[KnownToken]] = {}
        self._are_new = asyncio.Event()
        self._polling = Polling(
            "provider-keys", self.refresh, seconds=LOOK_SECONDS, sleep=self._rest, at_once=True
        )
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="token-verifier")

    async def apply(self, settings: IdentitySettings) -> None:
        """Take tokens by these settings from now on; what is known by others is forgotten."""
        if settings == self._settings:
            return
        if settings.providers:
            await asyncio.to_thread(_load_joserfc)
        kept = {
            issuer: keys
            for issuer, keys in self._keys.items()
            if settings.providers.get(issuer) == keys.provider
        }
        self._keys = {
            issuer: kept.get(issuer) or ProviderKeys(provider, self._client, self._seconds)
            for issuer, provider in settings.providers.items()
        }
        self._settings = settings
        self._known.clear()
        self._are_new.set()

    def start(self) -> None:
        """Keep the providers' keys fresh from now on, and fetch those of new ones at once."""
        self._polling.start()

    async def stop(self) -> None:
        """Stop keeping them fresh, and verify no more. Safe to call twice."""
        await self._polling.stop()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def refresh(self) -> None:
        """Ask the providers whose keys are old for new ones."""
        self._are_new.clear()
        due = [keys for keys in self._keys.values() if keys.is_due()]
        if due:
            await asyncio.gather(*(keys.refresh() for keys in due))

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._are_new.wait()
        except TimeoutError:
            pass  # nothing new: time to look whether some are old

    def keys_of(self, provider: Provider) -> ProviderKeys:
        """The keys of a provider that is configured. Raises `ProviderAway` where it is not now."""
        keys = self._keys.get(provider.issuer)
        if keys is None:
            raise ProviderAway("it is not configured any more")
        return keys

    def id_of(self, token: str) -> str:
        """The id of any token, also of one that is refused."""
        return token_id(self._digests.digest(token))

    def recall(self, token: str) -> KnownToken | None:
        """What is known of this token, while it holds."""
        digest = self._digests.digest(token)
        known = self._known.get(digest)
        if known is None:
            return None
        is_over = known.until_unix_seconds <= self._unix_seconds()
        if is_over or self._keys[known.issuer].generation != known.generation:
            del self._known[digest]
            return None
        return known

    async def verify(self, token: str) -> KnownToken:
        """Whose token this is. Raises `TokenRefused`, `ProviderAway` or `VerifierBusy`."""
        digest = self._digests.digest(token)
        task = self._verifying.get(digest)
        if task is None:
            if len(self._verifying) >= MOST_WAITING:
                raise VerifierBusy
            task = asyncio.create_task(self._verify(token, digest), name="token-verifier")
            self._verifying[digest] = task
            task.add_done_callback(lambda done: self._forget_task(digest, done))
        return await asyncio.shield(task)

    async def claims_of(self, token: str, provider: Provider) -> Claims:
        """The claims under one of this provider's signatures, and of nobody else's.

        Raises `TokenRefused` or `ProviderAway`.
        """
        head = read_head(token)
        if head.issuer != provider.issuer:
            raise TokenRefused(Cause.UNKNOWN_ISSUER, "it is another issuer's")
        check_algorithm(head, provider)
        return await self._signed(token, head, self.keys_of(provider))

    async def _signed(self, token: str, head: Head, keys: ProviderKeys) -> Claims:
        key = await keys.find(head)
        try:
            return await self._checked(token, head, key)
        except TokenRefused as refused:
            other = await keys.look_again(head, key)
            if other is None:
                raise
            log.info("provider_key_replaced", extra={"issuer": keys.provider.issuer})
            try:
                return await self._checked(token, head, other)
            except TokenRefused:
                raise refused from None

    def _forget_task(self, digest: bytes, done: "asyncio.Task[KnownToken]") -> None:
        self._verifying.pop(digest, None)
        if not done.cancelled():
            done.exception()  # looked at, also where everybody who waited has left

    async def _checked(self, token: str, head: Head, key: "Key") -> Claims:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, verified_claims, token, head.algorithm, key)

    async def _verify(self, token: str, digest: bytes) -> KnownToken:
        settings = self._settings
        head = read_head(token)
        provider = settings.providers.get(head.issuer)
        if provider is None or not provider.audiences:
            raise TokenRefused(Cause.UNKNOWN_ISSUER, "its issuer is not one whose tokens are taken")
        check_head(head, provider)
        keys = self._keys[provider.issuer]
        claims = await self._signed(token, head, keys)
        try:
            known = self._known_as(claims, provider, digest, keys.generation)
        except TokenRefused as refused:
            refused.subject = refused.subject or _subject(claims, provider)
            raise
        if settings is self._settings:  # else others were put in force meanwhile
            self._remember(digest, known)
        return known

    def _known_as(
        self, claims: Claims, provider: Provider, digest: bytes, generation: int
    ) -> KnownToken:
        now = self._unix_seconds()
        if is_logout_token(claims):
            raise TokenRefused(Cause.WRONG_TYPE, "it is a logout token")
        check_audience(claims, provider.audiences, provider.parties)
        times = check_times(claims, provider, now)
        return KnownToken(
            token_id(digest),
            member(claimed(claims, provider), provider),
            provider.issuer,
            times.until,
            generation,
        )

    def _remember(self, digest: bytes, known: KnownToken) -> None:
        if len(self._known) >= MOST_REMEMBERED:
            now = self._unix_seconds()
            over = [each for each, it in self._known.items() if it.until_unix_seconds <= now]
            for each in over or [next(iter(self._known))]:
                del self._known[each]
        self._known[digest] = known


def token_id(digest: bytes) -> str:
    """The id under which a token stands in ledger and spans: it leads back to no token."""
    return ID_PREFIX + base64.b32encode(digest[:8]).decode().lower()[:12]


def _subject(claims: Claims, provider: Provider) -> str | None:
    """Whose token was refused, if it says so in a form that can be kept."""
    try:
        return provider.subject_prefix + claimed(claims, provider).subject
    except TokenRefused:
        return None


def _load_joserfc() -> None:
    """Imported in a thread, before the first token: it takes a fifth of a second."""
    import gateway.oidc.signature  # noqa: F401 - for its import alone
