"""Say whose credential a request brings: a key from memory, a token once it has been verified."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from gateway.configuration.identity_settings import IdentitySettings
from gateway.errors import IdentityUnavailable, NotAuthenticated
from gateway.identity import KeyRing, extract_credential
from gateway.key_wish import ADMINISTRATORS
from gateway.known_subjects import NO_ROLES
from gateway.oidc.membership import Member
from gateway.oidc.provider_tokens import VerifierBusy
from gateway.oidc.refused import Cause, ProviderAway, TokenRefused
from gateway.roles import held_apart
from gateway.store.keys import KeyChanges
from gateway.store.stored_session import ID_PREFIX
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
        self._identities: dict[tuple[str, str | None], tuple[Member, Identity]] = {}
        self._ended: set[str] = set()  # sessions, by id
        keys.listeners.append(self._learn)
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
            raise self._refused(refused, caller.tokens.id_of(caller.token)) from None
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

    def is_ended(self, caller: Identity) -> bool:
        """Whether what runs for them is to be ended: the credential is revoked, or they are
        blocked, whether or not anybody still remembers the token that they came with."""
        if self._keys.is_ended(caller.credential_id) or caller.credential_id in self._ended:
            return True
        return self._keys.subjects.is_blocked(caller.subject, caller.is_service)

    def _learn(self, changes: KeyChanges) -> None:
        """Sessions ended; somebody was blocked or given a role, or is not any more."""
        self._ended.update(changes.ended_sessions)
        if changes.subjects:
            self._identities.clear()

    def _identity(self, known: Known, team: str | None) -> Identity:
        found = self._identities.get((known.credential_id, team))
        if found is not None and found[0] is known.member:
            return found[1]
        identity = self._identity_now(known, team)
        if len(self._identities) >= _MOST_IDENTITIES:
            self._identities.clear()
        self._identities[known.credential_id, team] = (known.member, identity)
        return identity

    def _identity_now(self, known: Known, team: str | None) -> Identity:
        """Whom it stands for, with what was decided about them. Raises `NotAuthenticated`."""
        member, subjects = known.member, self._keys.subjects
        if subjects.is_blocked(member.subject, member.is_service):
            blocked = TokenRefused(Cause.BLOCKED, "its holder is blocked", subject=member.subject)
            raise self._refused(blocked, known.credential_id)
        granted = NO_ROLES if member.is_service else subjects.roles_of(member.subject)
        roles = held_apart(member.roles | granted)
        if roles != member.roles | granted:
            had, kept = sorted(member.roles | granted), sorted(roles)
            facts = {"subject": member.subject, "had": had, "kept": kept}
            log.warning("roles_held_apart", extra=facts)
        if not member.teams and not roles:
            told = "no group of theirs is mapped to a team or a role (identity.oidc)"
            nobody = TokenRefused(Cause.NO_TEAM, told, subject=member.subject)
            raise self._refused(nobody, known.credential_id)
        return identity_of(known, roles, team)

    def _refused(self, refused: TokenRefused, credential_id: str) -> NotAuthenticated:
        self._log.refused(refused, credential_id)
        told = f"the token is refused: {refused.reason}"
        whose = _whose(refused, credential_id)
        is_session = credential_id.startswith(ID_PREFIX)
        return NotAuthenticated.token(refused.cause.value, told, whose, is_session=is_session)


def asked_team(headers: Headers) -> str | None:
    """The team that a header asks for; the first such header holds."""
    for name, value in headers:
        if name == TEAM_HEADER:
            return value[:_LONGEST_TEAM].decode("latin-1")
    return None


def identity_of(known: Known, roles: frozenset[str], team: str | None) -> Identity:
    """Who asks, for this team or else the first of theirs; who is in none only administers.

    Raises `NotAuthenticated`.
    """
    member = known.member
    teams = member.teams or (ADMINISTRATORS,)
    identity = Identity(
        member.subject,
        teams[0],
        roles,
        known.credential_id,
        is_service=member.is_service,
        signs_in=True,
    )
    if team is None or team == identity.team:
        return identity
    if team not in teams:
        raise NotAuthenticated.of_another_team(identity, team, member.teams)
    return msgspec.structs.replace(identity, team=team)


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
