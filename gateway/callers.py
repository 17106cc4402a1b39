"""Say whose credential a request brings: a key from memory, a token once it has been verified."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from gateway.configuration.identity_settings import IdentitySettings
from gateway.errors import IdentityUnavailable, NotAuthenticated
from gateway.identity import KeyRing, extract_credential
from gateway.oidc.membership import Member
from gateway.oidc.provider_tokens import VerifierBusy
from gateway.oidc.refused import ProviderAway, TokenRefused
from gateway.roles import held_apart
from gateway.virtual_key import PREFIX
from policy.types import Identity
from providers.base import Headers

log = logging.getLogger(__name__)

TEAM_HEADER: Final = b"x-gatehouse-team"
"""By this header who is in several teams says for which one a request is."""

_MOST_IDENTITIES: Final = 40_000
_LONGEST_TEAM: Final = 64


class Known(Protocol):
    """A token that holds: whose it is, and by which id it stands in ledger and spans."""

    @property
    def credential_id(self) -> str:
        """Leads to no token."""
        ...

    @property
    def member(self) -> Member:
        """Whom it stands for."""
        ...


class Tokens(Protocol):
    """One kind of token (`gateway.oidc.provider_tokens.ProviderTokens`)."""

    async def apply(self, settings: IdentitySettings) -> None:
        """Take tokens by these settings from now on."""
        ...

    def recall(self, token: str) -> Known | None:
        """What is known of this token, from memory; None where it must be asked."""
        ...

    async def verify(self, token: str) -> Known:
        """Whose it is. Raises `TokenRefused`, `ProviderAway` or `VerifierBusy`."""
        ...

    def id_of(self, token: str) -> str:
        """The id of any token, also of one that is refused."""
        ...


@dataclass(frozen=True, slots=True)
class Unverified:
    """A token that memory does not know. `team` is what its request's header asks for."""

    token: str
    tokens: Tokens
    team: str | None


class Callers:
    """Everybody who may ask, by whatever they prove it with.

    `kinds` leads from how a kind of token begins to who knows such tokens; none is looked for
    unless providers are configured. `seconds` is a clock that only goes forward.
    """

    def __init__(
        self, keys: KeyRing, kinds: dict[str, Tokens], seconds: Callable[[], float]
    ) -> None:
        self._keys = keys
        self._all_kinds = tuple(kinds.items())
        self._kinds: tuple[tuple[str, Tokens], ...] = ()
        self._identities: dict[tuple[str, str | None], Identity] = {}
        self._log = _RefusalLog(seconds)

    async def apply(self, settings: IdentitySettings) -> None:
        """Take tokens by these settings from now on."""
        for _, tokens in self._all_kinds:
            await tokens.apply(settings)
        self._kinds = self._all_kinds if settings.providers else ()
        self._identities.clear()

    def identify(self, headers: Headers) -> Identity | Unverified:
        """Who asks, from memory, or what is to be verified first.

        Raises `NotAuthenticated`; `MalformedRequest` for two different credentials.
        """
        credential = extract_credential(headers)
        if self._kinds and not credential.startswith(PREFIX):
            for beginning, tokens in self._kinds:
                if credential.startswith(beginning):
                    return self._recall(credential, tokens, headers)
        return self._keys.identify(credential)

    async def verify(self, caller: Unverified) -> Identity:
        """Who asks. Raises `NotAuthenticated`, or `IdentityUnavailable` where nobody can say."""
        try:
            known = await caller.tokens.verify(caller.token)
        except TokenRefused as refused:
            credential_id = caller.tokens.id_of(caller.token)
            self._log.refused(refused, credential_id)
            told = f"the token is refused: {refused.reason}"
            whose = _whose(refused, credential_id)
            raise NotAuthenticated.token(refused.cause.value, told, whose) from None
        except ProviderAway as error:
            raise IdentityUnavailable(
                "your token cannot be checked: its identity provider does not answer; ask again"
            ) from error
        except VerifierBusy as error:
            raise IdentityUnavailable("too many new tokens at once; ask again") from error
        return self._identity(known, caller.team)

    def _recall(self, token: str, tokens: Tokens, headers: Headers) -> Identity | Unverified:
        team = asked_team(headers)
        known = tokens.recall(token)
        return Unverified(token, tokens, team) if known is None else self._identity(known, team)

    def _identity(self, known: Known, team: str | None) -> Identity:
        found = self._identities.get((known.credential_id, team))
        if found is None:
            found = identity_of(known, team)
            roles = held_apart(found.roles)
            if roles != found.roles:
                facts = {
                    "subject": found.subject,
                    "had": sorted(found.roles),
                    "kept": sorted(roles),
                }
                log.warning("roles_held_apart", extra=facts)
                found = msgspec.structs.replace(found, roles=roles)
            if len(self._identities) >= _MOST_IDENTITIES:
                self._identities.clear()
            self._identities[known.credential_id, team] = found
        return found


def asked_team(headers: Headers) -> str | None:
    """The team that a header asks for; the first such header holds."""
    for name, value in headers:
        if name == TEAM_HEADER:
            return value[:_LONGEST_TEAM].decode("latin-1")
    return None


def identity_of(known: Known, team: str | None) -> Identity:
    """Who asks, for this team or else the first of theirs. Raises `NotAuthenticated`."""
    member = known.member
    identity = Identity(
        member.subject,
        member.teams[0],
        member.roles,
        known.credential_id,
        is_service=member.is_service,
    )
    if team is None or team == identity.team:
        return identity
    if team not in member.teams:
        raise NotAuthenticated.of_another_team(identity, team, member.teams)
    return Identity(
        member.subject, team, member.roles, known.credential_id, is_service=member.is_service
    )


def _whose(refused: TokenRefused, credential_id: str) -> Identity | None:
    """Whose token was refused, where its signature held; of no team, and with no role."""
    if refused.subject is None:
        return None
    return Identity(refused.subject, "", frozenset(), credential_id)


class _RefusalLog:
    """Says why tokens are refused: for each cause a line a second at most, with how many more."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._last: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def refused(self, refused: TokenRefused, credential_id: str) -> None:
        """Say it, or count it."""
        cause, now = refused.cause.value, self._seconds()
        if now - self._last.get(cause, -1.0) < 1.0:
            self._unsaid[cause] = self._unsaid.get(cause, 0) + 1
            return
        self._last[cause] = now
        more = {"and_more": unsaid} if (unsaid := self._unsaid.pop(cause, 0)) else {}
        facts = {"cause": cause, "reason": refused.reason, "credential_id": credential_id}
        log.warning("token_refused", extra={**facts, **more})
