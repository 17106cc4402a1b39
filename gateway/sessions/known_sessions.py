"""Access tokens of sessions: from memory while they are used, and no longer than the provider
is heard to know their holder."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from gateway.configuration.identity_settings import NOBODY_ELSE, IdentitySettings, Login
from gateway.credential_shape import is_well_formed
from gateway.oidc.membership import Claimed, Member, member
from gateway.oidc.provider_tokens import Digests, VerifierBusy
from gateway.oidc.refused import Cause, TokenRefused
from gateway.sessions.leavers import Held, Leavers
from gateway.store.keys import KeyChanges
from gateway.store.sessions import ACCESS, Sessions
from gateway.store.stored_session import ID_PREFIX, StoredSession

log = logging.getLogger(__name__)

ACCESS_PREFIX: Final = "gts_"
UNKNOWN: Final = f"{ID_PREFIX}unknown"
"""Stands in the log for a token that no session has."""

MOST_REMEMBERED: Final = 50_000
MOST_WAITING: Final = 512
LOOK_SECONDS: Final = 1.0
SWEEP_SECONDS: Final = 3600.0


@dataclass(slots=True)
class LiveSession:
    """A session in memory. Times are UTC microseconds.

    `until_unix_us` is until when requests under it need not wait for the provider's next word,
    `again_unix_us` when that is to be asked for.
    """

    session: StoredSession
    member: Member
    until_unix_us: int
    again_unix_us: int
    used_unix_us: int

    @property
    def credential_id(self) -> str:
        """What stands for it in ledger and spans, whichever of its tokens is shown."""
        return self.session.id


class KnownSessions:
    """Says whose an access token is (`gateway.callers.Tokens`). `unix_us` is UTC.

    A session that is in use is checked behind its requests, so that none waits; only one that was
    idle waits for the provider's word. `running` gives the credentials of the calls in flight.
    """

    def __init__(
        self, sessions: Sessions, leavers: Leavers, digests: Digests, *, unix_us: Callable[[], int]
    ) -> None:
        self._sessions = sessions
        self._leavers = leavers
        self._digests = digests
        self._unix_us = unix_us
        self._settings = NOBODY_ELSE
        self._tokens: dict[bytes, tuple[str, int]] = {}  # session and end, by digest
        self._live: dict[str, LiveSession] = {}
        self._verifying = 0
        self._looking: asyncio.Task[None] | None = None
        self._checks: dict[str, asyncio.Task[None]] = {}
        self.running: Callable[[], Iterable[str]] = tuple

    async def apply(self, settings: IdentitySettings) -> None:
        """Hold sessions against these settings from now on."""
        if settings != self._settings:
            self._settings = settings
            self._tokens.clear()
            self._live.clear()

    def start(self) -> None:
        """Check sessions that are in use, from now on."""
        self._looking = asyncio.create_task(self._look(), name="session-checks")

    async def stop(self) -> None:
        """Check no more. Safe to call twice."""
        looking, self._looking = self._looking, None
        tasks = [*self._checks.values(), *([] if looking is None else [looking])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._leavers.stop()

    def learn(self, changes: KeyChanges) -> None:
        """Sessions that ended, wherever that was."""
        for session_id in changes.ended_sessions:
            self._live.pop(session_id, None)

    def id_of(self, token: str) -> str:
        """The session's id where it is known, else a word that leads nowhere."""
        held = self._tokens.get(self._digests.digest(token))
        return UNKNOWN if held is None else held[0]

    def recall(self, token: str) -> LiveSession | None:
        """Whose it is, from memory; None where it must be asked."""
        held = self._tokens.get(self._digests.digest(token))
        live = None if held is None else self._live.get(held[0])
        now = self._unix_us()
        if held is None or live is None or held[1] <= now or live.until_unix_us <= now:
            return None
        live.used_unix_us = now
        return live

    async def verify(self, token: str) -> LiveSession:
        """Whose it is. Raises `TokenRefused` or `VerifierBusy`."""
        if self._verifying >= MOST_WAITING:
            raise VerifierBusy
        self._verifying += 1
        try:
            return await self._verify(token)
        finally:
            self._verifying -= 1

    async def _verify(self, token: str) -> LiveSession:
        settings = self._settings
        if settings.login is None:
            raise TokenRefused(Cause.UNKNOWN_ISSUER, "nobody signs in here (identity.login)")
        if not is_well_formed(ACCESS_PREFIX, token):
            raise TokenRefused(Cause.MALFORMED, "it is mistyped, or cut off")
        digest = self._digests.digest(token)
        found = await self._sessions.find_token(digest, ACCESS)
        if found is None:
            raise TokenRefused(Cause.UNKNOWN, "no session has it, or not any more")
        session = found.session
        refuse_over(settings.login, session, self._unix_us(), found.expires_unix_us)
        held = await self._leavers.hold(settings.login, session)
        live = self._alive(settings.login, held)
        if settings is self._settings:  # else others were put in force meanwhile
            self._remember(digest, found.expires_unix_us, live)
        return live

    def _alive(self, login: Login, held: Held) -> LiveSession:
        return LiveSession(
            held.session,
            member_of(login, held.session),
            held.until_unix_us,
            held.again_unix_us,
            self._unix_us(),
        )

    def _remember(self, digest: bytes, expires_unix_us: int, live: LiveSession) -> None:
        if len(self._tokens) >= MOST_REMEMBERED:
            self._tokens.clear()
            self._live.clear()
        self._live[live.session.id] = live
        self._tokens[digest] = (live.session.id, expires_unix_us)

    async def _look(self) -> None:
        since_sweep = SWEEP_SECONDS
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.check_used()
            since_sweep += LOOK_SECONDS
            if since_sweep >= SWEEP_SECONDS and self._settings.login is not None:
                since_sweep = 0.0
                await self._sweep()

    async def _sweep(self) -> None:
        try:
            await self._sessions.sweep(self._unix_us())
        except (SQLAlchemyError, OSError) as error:
            log.warning("session_sweep_failed", extra={"error": type(error).__name__})

    def check_used(self) -> None:
        """Begin to check the sessions that were used since the provider was last heard."""
        login, now = self._settings.login, self._unix_us()
        if login is None:
            return
        for credential_id in self.running():
            if (busy := self._live.get(credential_id)) is not None:
                busy.used_unix_us = now
        for session_id, live in self._live.items():
            was_used = live.used_unix_us > live.session.checked_unix_us
            is_due = was_used and live.again_unix_us <= now
            if is_due and session_id not in self._checks:
                task = asyncio.create_task(self._check(login, live), name="session-check-used")
                self._checks[session_id] = task
                task.add_done_callback(partial(self._forget_check, session_id))

    def _forget_check(self, session_id: str, _: "asyncio.Task[None]") -> None:
        self._checks.pop(session_id, None)

    async def _check(self, login: Login, live: LiveSession) -> None:
        session_id = live.session.id
        try:
            held = await self._leavers.hold(login, live.session)
            fresh = self._alive(login, held)
        except TokenRefused:
            self._live.pop(session_id, None)
            return
        except (SQLAlchemyError, OSError) as error:
            log.warning("session_check_failed", extra={"error": type(error).__name__})
            return
        if self._live.get(session_id) is live:
            fresh.used_unix_us = live.used_unix_us
            if fresh.member == live.member:
                fresh.member = live.member  # the same as before: nothing is to be made anew of it
            self._live[session_id] = fresh


def member_of(login: Login, session: StoredSession) -> Member:
    """Whom a session stands for, by the configuration in force. Raises `TokenRefused`."""
    who = member(Claimed(session.provider_subject, session.groups), login.provider)
    if session.team is None:
        return who
    if session.team not in who.teams:
        why = f"it was made for team {session.team}, which is none of theirs any more"
        raise TokenRefused(Cause.NO_TEAM, why, subject=session.subject)
    others = tuple(each for each in who.teams if each != session.team)
    return replace(who, teams=(session.team, *others))


def refuse_over(
    login: Login, session: StoredSession, now_unix_us: int, expires_unix_us: int
) -> None:
    """Raise `TokenRefused` for a session or token that does not hold any more."""
    if session.ended_unix_us is not None:
        why = f"its session has ended ({session.ended_reason})"
        raise TokenRefused(Cause.ENDED, why, subject=session.subject)
    if expires_unix_us <= now_unix_us or not session.is_open(now_unix_us):
        raise TokenRefused(Cause.EXPIRED, "its time is over", subject=session.subject)
    if session.issuer != login.provider.issuer:
        why = "its holder signed in at another provider than the one in force"
        raise TokenRefused(Cause.UNKNOWN_ISSUER, why, subject=session.subject)
