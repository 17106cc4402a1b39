"""One provider's keys, fetched when needed and kept: rotated ones are found, old ones let go."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from gateway.configuration.identity_settings import Provider
from gateway.oidc.asking import Metadata, ProviderClient
from gateway.oidc.refused import Cause, ProviderAway, TokenRefused
from gateway.oidc.token import Head

if TYPE_CHECKING:
    from joserfc.jwk import Key

    from gateway.oidc.signature import SigningKey

log = logging.getLogger(__name__)

REFETCH_SECONDS: Final = 10.0
"""How often at most an unknown key id makes us ask the provider again: so long a stranger, who may
send any, can keep a new key from being found."""

AWAY_SECONDS: Final = 60.0
"""After how long a provider that did not answer is asked again, though nobody waits for it."""

REFRESH_SECONDS: Final = 600.0
"""After how long keys are asked for anew, so that withdrawn ones go."""

AGAIN_SECONDS: Final = 5.0
"""After how long a provider without any key yet is asked again."""

HOLD_SECONDS: Final = 86_400.0
"""How long keys hold while the provider cannot be asked."""


_KIND_OF: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


class ProviderKeys:
    """The keys of one provider. `seconds` is a clock that only goes forward.

    `generation` grows whenever a fetch has brought other keys than before.
    """

    def __init__(
        self, provider: Provider, client: ProviderClient, seconds: Callable[[], float]
    ) -> None:
        self.provider = provider
        self.generation = 0
        self._client = client
        self._seconds = seconds
        self._keys: tuple[SigningKey, ...] = ()
        self._metadata: Metadata | None = None
        self._fetched: float | None = None
        self._tried: float | None = None
        self._refetched: float | None = None
        self._is_away = False
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, head: Head) -> "Key":
        """The key that a token names. Raises `TokenRefused`, or `ProviderAway` without any key."""
        if not self._holds():
            if self._is_fetching() or self._is_to_be_tried():
                await self._fetch()
            if not self._holds():
                raise ProviderAway("its keys could not be fetched")
        found = chosen(self._keys, head)
        if found is None and self._is_fetching():  # perhaps since before the key was published
            await self._fetch()
            found = chosen(self._keys, head)
        if found is None and await self._fetched_anew():
            found = chosen(self._keys, head)
        if found is None:
            raise TokenRefused(Cause.UNKNOWN_KEY, "the provider has no such key (kid)")
        return found

    async def look_again(self, head: Head, key: "Key") -> "Key | None":
        """Another key of the same id, where the provider has put one in its place meanwhile."""
        if not await self._fetched_anew():
            return None
        found = chosen(self._keys, head)
        return None if found is None or found.as_dict() == key.as_dict() else found

    async def metadata(self) -> Metadata:
        """The provider's addresses. Raises `ProviderAway`."""
        if self._metadata is None:
            await self._fetch()
        if self._metadata is None:
            raise ProviderAway("its discovery document could not be fetched")
        return self._metadata

    def is_due(self) -> bool:
        """Whether it is time to ask for the keys again, though nobody waits for them."""
        last = self._tried if self._is_away else self._fetched
        wait = AWAY_SECONDS if self._is_away else REFRESH_SECONDS
        return last is None or self._seconds() - last >= wait

    async def refresh(self) -> None:
        """Ask for the keys again; what is known holds on where that fails."""
        await self._fetch()

    def _holds(self) -> bool:
        return self._fetched is not None and self._seconds() - self._fetched < HOLD_SECONDS

    def _is_to_be_tried(self) -> bool:
        return self._tried is None or self._seconds() - self._tried >= AGAIN_SECONDS

    def _is_fetching(self) -> bool:
        return self._fetching is not None and not self._fetching.done()

    async def _fetched_anew(self) -> bool:
        """Whether the keys were asked for just now: not again and again."""
        last = self._refetched
        if last is not None and self._seconds() - last < REFETCH_SECONDS:
            return False
        self._refetched = self._seconds()
        await self._fetch()
        return True

    async def _fetch(self) -> None:
        """One fetch at a time; who comes while it is under way waits for it."""
        if not self._is_fetching():
            self._fetching = asyncio.create_task(self._ask(), name="provider-keys")
        assert self._fetching is not None
        await asyncio.shield(self._fetching)

    async def _ask(self) -> None:
        from gateway.oidc.signature import signing_keys

        self._tried = self._seconds()
        issuer = self.provider.issuer
        try:
            metadata = await self._client.discover(self.provider)
            document = await self._client.key_set(self.provider, metadata)
        except ProviderAway as error:
            self._is_away = True
            log.warning("provider_away", extra={"issuer": issuer, "reason": str(error)})
            return
        keys = tuple(signing_keys(document))
        if _names(keys) != _names(self._keys):
            self.generation += 1
            log.info("provider_keys", extra={"issuer": issuer, "keys": len(keys)})
        self._keys, self._metadata = keys, metadata
        self._fetched, self._is_away = self._seconds(), False


def chosen(keys: "Sequence[SigningKey]", head: Head) -> "Key | None":
    """The key of the token's id; without an id the only key of its kind, and no guess."""
    fitting = [
        each
        for each in keys
        if each.algorithm in (None, head.algorithm)
        or {each.algorithm, head.algorithm} == {"EdDSA", "Ed25519"}
    ]
    if head.key_id is not None:
        fitting = [each for each in fitting if each.key_id == head.key_id]
        return fitting[0].key if fitting else None
    kind = _KIND_OF.get(head.algorithm[:2])
    alone = [each for each in fitting if each.key.key_type == kind]
    return alone[0].key if len(alone) == 1 else None


def _names(keys: "Sequence[SigningKey]") -> frozenset[str]:
    return frozenset(each.key.thumbprint() for each in keys)
