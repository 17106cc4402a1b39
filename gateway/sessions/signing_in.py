"""Sign in: a machine asks, a person confirms it in a browser, the provider says who they are."""

import base64
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gateway.configuration.identity_settings import Login
from gateway.credential_shape import mint
from gateway.known_subjects import KnownSubjects
from gateway.oidc.membership import Claimed, Member, member
from gateway.oidc.provider_tokens import Digests
from gateway.oidc.refused import ProviderAway, TokenRefused
from gateway.sessions.at_provider import AtProvider, SignedIn
from gateway.sessions.sealing import Sealer
from gateway.sessions.token_office import DEVICE_PREFIX
from gateway.store.sign_ins import SignIns
from gateway.store.stored_session import ID_PREFIX, StoredSession
from gateway.store.stored_sign_in import StoredSignIn

log = logging.getLogger(__name__)

WAIT_SECONDS: Final = 600
INTERVAL_SECONDS: Final = 5
LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""Of which user codes are made: no vowels, so no words, and none that looks like another."""

CODE_LETTERS: Final = 8
LONGEST_NAME: Final = 100
_US: Final = 1_000_000
NONCE: Final = b"gatehouse sign-in nonce"
VERIFIER: Final = b"gatehouse sign-in verifier"


class SignInFailed(Exception):
    """Nobody is signed in; the message is for the person before the browser."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What a machine is given that wants somebody to sign in."""

    device_code: str = field(repr=False)
    user_code: str
    interval_seconds: int
    expires_in_seconds: int


class SigningIn:
    """The way from a code to a session. `unix_us` is UTC."""

    def __init__(
        self,
        sign_ins: SignIns,
        provider: AtProvider,
        sealer: Sealer,
        subjects: KnownSubjects,
        digests: Digests,
        *,
        unix_us: Callable[[], int],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._sign_ins = sign_ins
        self._provider = provider
        self._sealer = sealer
        self._subjects = subjects
        self._digests = digests
        self._unix_us = unix_us
        self._random_bytes = random_bytes

    async def begin(self, machine: str, address: str | None, team: str | None) -> Begun:
        """Wait for somebody to sign in for a machine. Raises `TooManySignIns`."""
        device_code, user_code = mint(DEVICE_PREFIX, self._random_bytes), self._user_code()
        now = self._unix_us()
        sign_in = StoredSignIn(
            device_digest=self._digests.digest(device_code),
            user_digest=self._digests.digest(user_code),
            machine=_shown(machine) or "a machine that gave no name",
            address=address,
            team=_shown(team or "") or None,
            created_unix_us=now,
            expires_unix_us=now + WAIT_SECONDS * _US,
            interval_seconds=INTERVAL_SECONDS,
        )
        await self._sign_ins.begin(sign_in)
        return Begun(device_code, shown_code(user_code), INTERVAL_SECONDS, WAIT_SECONDS)

    async def find(self, typed: str) -> StoredSignIn | None:
        """What waits under a code as somebody typed it."""
        code = read_code(typed)
        if code is None:
            return None
        return await self._sign_ins.find(self._digests.digest(code), self._unix_us())

    async def send_on(self, login: Login, sign_in: StoredSignIn, browser: str) -> str:
        """The provider's address for this browser, which alone can come back from there.

        Raises `SignInFailed`.
        """
        state = secrets.token_urlsafe(32)
        try:
            way = await self._provider.way_in(
                login, state, self._derived(NONCE, state), self._derived(VERIFIER, state)
            )
        except ProviderAway as error:
            log.warning("sign_in_failed", extra={"reason": str(error)})
            raise SignInFailed("The identity provider does not answer. Try again.") from error
        digest = self._digests.digest
        sent = await self._sign_ins.send_on(
            sign_in.user_digest, digest(state), digest(browser), self._unix_us()
        )
        if not sent:
            raise SignInFailed("This code is over. Begin again on the machine that showed it.")
        return way

    async def deny(self, sign_in: StoredSignIn) -> None:
        """It was not them."""
        await self._sign_ins.deny(sign_in)

    async def come_back(
        self, login: Login, code: str, state: str, browser: str
    ) -> tuple[StoredSession, Member]:
        """Begin the session that was waited for. Raises `SignInFailed`."""
        digest = self._digests.digest
        sign_in = await self._sign_ins.come_back(digest(state), digest(browser), self._unix_us())
        if sign_in is None:
            raise SignInFailed(
                "This sign-in is over, or was begun in another browser. "
                "Begin again on the machine that asked."
            )
        try:
            signed_in = await self._provider.come_in(
                login, code, self._derived(NONCE, state), self._derived(VERIFIER, state)
            )
        except (TokenRefused, ProviderAway) as error:
            log.warning("sign_in_failed", extra={"reason": str(error)})
            raise SignInFailed(
                "The identity provider's answer cannot be used. Begin again; "
                "your platform team can see why in the gateway's log."
            ) from error
        return await self._let_in(login, sign_in, signed_in)

    async def _let_in(
        self, login: Login, sign_in: StoredSignIn, signed_in: SignedIn
    ) -> tuple[StoredSession, Member]:
        now, who = self._unix_us(), signed_in.who
        named = member(who, login.provider)
        why = self._why_not(named, sign_in.team)
        if why is not None:
            issuer = login.provider.issuer
            facts = {"subject": named.subject, "issuer": issuer, "reason": why}
            log.warning("sign_in_refused", extra=facts)
            await self._sign_ins.refuse(sign_in, named.subject, issuer, why, now)
            raise SignInFailed(
                f"You are {named.subject} there, but may not come in here: {why}. "
                "Ask your platform team."
            )
        session = self._session(login, sign_in, signed_in, named, now)
        if not await self._sign_ins.approve(sign_in, session, now):
            raise SignInFailed("This code is over. Begin again on the machine that showed it.")
        return session, named

    def _why_not(self, named: Member, team: str | None) -> str | None:
        if self._subjects.is_blocked(named.subject, named.is_service):
            return "you are blocked"
        if named.is_service:
            return "builds do not sign in"
        if not named.teams and not (named.roles | self._subjects.roles_of(named.subject)):
            return "none of your groups is mapped to a team or a role"
        if team is not None and team not in named.teams:
            return f"team {team} is none of yours; yours: {', '.join(named.teams) or 'none'}"
        return None

    def _session(
        self, login: Login, sign_in: StoredSignIn, signed_in: SignedIn, named: Member, now: int
    ) -> StoredSession:
        session_id = ID_PREFIX + base64.b32encode(self._random_bytes(8)).decode().lower()[:12]
        expires = now + login.session_hours * 3600 * _US
        if signed_in.secret.refresh_token is None:  # then it lasts as long as we can ask
            expires = min(expires, signed_in.secret.until_unix_seconds * _US)
        who: Claimed = signed_in.who
        return StoredSession(
            id=session_id,
            issuer=login.provider.issuer,
            provider_sub=signed_in.sub,
            provider_subject=who.subject,
            subject=named.subject,
            groups=who.groups,
            team=sign_in.team,
            machine=sign_in.machine,
            created_unix_us=now,
            expires_unix_us=expires,
            checked_unix_us=now,
            provider_secret=self._sealer.seal(session_id, signed_in.secret),
            provider_session=signed_in.provider_session,
        )

    def _user_code(self) -> str:
        return "".join(secrets.choice(LETTERS) for _ in range(CODE_LETTERS))

    def _derived(self, purpose: bytes, state: str) -> str:
        """Nonce and verifier follow from the state: none of them is kept anywhere."""
        digest = self._sealer.derived(purpose, state)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def shown_code(code: str) -> str:
    """A code as people read it: `WDJB-MJHT`."""
    return f"{code[:4]}-{code[4:]}"


def read_code(typed: str) -> str | None:
    """A code as somebody typed it; None for what is none."""
    letters = "".join(each for each in typed.upper()[:40] if each.isalnum())
    is_code = len(letters) == CODE_LETTERS and set(letters) <= set(LETTERS)
    return letters if is_code else None


def _shown(text: str) -> str:
    """A name that somebody else gave, as it may be shown."""
    return "".join(each for each in text.strip() if each.isprintable())[:LONGEST_NAME]
