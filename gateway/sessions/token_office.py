"""Give out the tokens of sessions: the first ones, the next ones, and none any more."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gateway.configuration.identity_settings import Login
from gateway.credential_shape import is_well_formed, mint
from gateway.oidc.provider_tokens import Digests
from gateway.oidc.refused import TokenRefused
from gateway.sessions.known_sessions import ACCESS_PREFIX, refuse_over
from gateway.sessions.leavers import Leavers
from gateway.store.changes import Actor
from gateway.store.sessions import ACCESS, REFRESH, Rotation, Sessions
from gateway.store.sign_ins import Answer, SignIns
from gateway.store.stored_session import End, NewTokens, StoredSession

log = logging.getLogger(__name__)

REFRESH_PREFIX: Final = "gtr_"
DEVICE_PREFIX: Final = "gtd_"
_US: Final = 1_000_000


class GrantRefused(Exception):
    """No tokens are given. `error` is OAuth's word for why; the message tells people."""

    def __init__(self, error: str, message: str, *, interval_seconds: int = 0) -> None:
        super().__init__(message)
        self.error = error
        self.interval_seconds = interval_seconds


@dataclass(frozen=True, slots=True)
class Grant:
    """Tokens that were just made: the only moment at which they exist here."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    access_expires_in_seconds: int
    session: StoredSession


class TokenOffice:
    """Makes tokens. `unix_us` is UTC, `random_bytes` gives random bytes."""

    def __init__(
        self,
        sessions: Sessions,
        sign_ins: SignIns,
        leavers: Leavers,
        digests: Digests,
        *,
        unix_us: Callable[[], int],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._sessions = sessions
        self._sign_ins = sign_ins
        self._leavers = leavers
        self._digests = digests
        self._unix_us = unix_us
        self._random_bytes = random_bytes

    async def first(self, login: Login, device_code: str) -> Grant:
        """The tokens that a machine waits for, once somebody signed in. Raises `GrantRefused`."""
        if not is_well_formed(DEVICE_PREFIX, device_code):
            raise GrantRefused("invalid_grant", "this device code is mistyped, or cut off")
        fresh = self._fresh()
        now = self._unix_us()
        digest = self._digests.digest(device_code)
        polled = await self._sign_ins.poll(digest, self._kept(login, fresh, now), now)
        if polled.session is None:
            raise GrantRefused(
                polled.answer.value,
                _TOLD.get(polled.answer, "this device code is not known; sign in again"),
                interval_seconds=polled.interval_seconds,
            )
        return _grant(login, fresh, polled.session, now)

    async def next(self, login: Login, refresh_token: str) -> Grant:
        """New tokens for a refresh token, which is used up by that. Raises `GrantRefused`."""
        if not is_well_formed(REFRESH_PREFIX, refresh_token):
            raise GrantRefused("invalid_grant", "this refresh token is mistyped, or cut off")
        digest, now = self._digests.digest(refresh_token), self._unix_us()
        found = await self._sessions.find_token(digest, REFRESH)
        if found is None:
            raise _sign_in_again("no session has this refresh token")
        try:
            refuse_over(login, found.session, now, found.expires_unix_us)
            await self._leavers.hold(login, found.session)
        except TokenRefused as refused:
            raise _sign_in_again(refused.reason) from refused
        fresh = self._fresh()
        kept = self._kept(login, fresh, now)
        rotation, session = await self._sessions.rotate(digest, kept, now)
        if rotation is Rotation.REUSED and session is not None:
            log.warning("refresh_token_reused", extra={"credential_id": session.id})
        if rotation is not Rotation.DONE or session is None:
            raise _sign_in_again("this refresh token was used before, so its session was ended")
        return _grant(login, fresh, session, now)

    async def sign_out(self, token: str) -> StoredSession | None:
        """End the session of a token; None where no session has it."""
        for prefix, kind in ((ACCESS_PREFIX, ACCESS), (REFRESH_PREFIX, REFRESH)):
            if not is_well_formed(prefix, token):
                continue
            found = await self._sessions.find_token(self._digests.digest(token), kind)
            if found is not None:
                by, now = Actor.person(found.session.subject), self._unix_us()
                return await self._sessions.end(found.session.id, End.SIGNED_OUT, now, by)
        return None

    def _fresh(self) -> tuple[str, str]:
        draw = self._random_bytes
        return mint(ACCESS_PREFIX, draw), mint(REFRESH_PREFIX, draw)

    def _kept(self, login: Login, fresh: tuple[str, str], now_unix_us: int) -> NewTokens:
        access, refresh = (self._digests.digest(each) for each in fresh)
        return NewTokens(access, refresh, now_unix_us + login.access_token_seconds * _US)


def _grant(login: Login, fresh: tuple[str, str], session: StoredSession, now_unix_us: int) -> Grant:
    left = (session.expires_unix_us - now_unix_us) // _US
    return Grant(fresh[0], fresh[1], min(login.access_token_seconds, left), session)


def _sign_in_again(why: str) -> GrantRefused:
    return GrantRefused("invalid_grant", f"{why}: sign in again (gatehouse login)")


_TOLD: Final = {
    Answer.PENDING: "nobody has signed in yet",
    Answer.SLOW_DOWN: "ask less often",
    Answer.DENIED: "whoever was asked to sign in said no, or may not come in",
    Answer.EXPIRED: "nobody signed in within ten minutes; begin again",
}
