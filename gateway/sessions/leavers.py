"""Hold a session to its provider's word: who left there loses access here within a minute.

The provider is asked at most once in `recheck_seconds` for each session that is used, by one
replica. While it does not answer, sessions hold for `outage_minutes` after its last word.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from gateway.configuration.identity_settings import Login
from gateway.oidc.refused import Cause, ProviderAway, ProviderUnreachable, TokenRefused
from gateway.sessions.at_provider import AtProvider, KnownNoMore
from gateway.sessions.sealing import Sealer
from gateway.store.changes import GATEWAY
from gateway.store.sessions import Sessions
from gateway.store.stored_session import End, StoredSession

log = logging.getLogger(__name__)

SLACK_SECONDS: Final = 8
"""How long the provider may take to answer before requests wait for it."""

AGAIN_SECONDS: Final = 15
"""After how long a provider that did not answer is asked again."""

MOST_AT_ONCE: Final = 16
_CLAIM_SECONDS: Final = 20
_LOOK_SECONDS: Final = 0.25
_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Held:
    """A session, until when (UTC microseconds) requests need not wait for the provider's next
    word, and when that is to be asked for."""

    session: StoredSession
    until_unix_us: int
    again_unix_us: int


class Leavers:
    """Asks providers about sessions. `unix_us` is UTC."""

    def __init__(
        self,
        sessions: Sessions,
        provider: AtProvider,
        sealer: Sealer,
        *,
        unix_us: Callable[[], int],
    ) -> None:
        self._sessions = sessions
        self._provider = provider
        self._sealer = sealer
        self._unix_us = unix_us
        self._asking: dict[str, asyncio.Task[Held]] = {}
        self._silent_until_us: dict[str, int] = {}  # issuers that cannot be reached
        self._seats = asyncio.Semaphore(MOST_AT_ONCE)

    async def hold(self, login: Login, session: StoredSession) -> Held:
        """The session as its provider's newest word has it, which is asked for when it is due.

        Raises `TokenRefused` where it has ended, or nothing was heard for too long.
        """
        if self._unix_us() - session.checked_unix_us < login.recheck_seconds * _US:
            return _held(login, session)
        task = self._asking.get(session.id)
        if task is None:
            task = asyncio.create_task(self._ask(login, session), name="session-check")
            self._asking[session.id] = task
            task.add_done_callback(lambda done: self._forget(session.id, done))
        return await asyncio.shield(task)

    async def stop(self) -> None:
        """Ask no more."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _forget(self, session_id: str, done: "asyncio.Task[Held]") -> None:
        self._asking.pop(session_id, None)
        if not done.cancelled():
            done.exception()  # looked at, also where everybody who waited has left

    async def _ask(self, login: Login, session: StoredSession) -> Held:
        now = self._unix_us()
        if now < self._silent_until_us.get(session.issuer, 0):
            return self._held_in_outage(login, session)
        async with self._seats:
            due_us = now - login.recheck_seconds * _US
            stale_us = now - _CLAIM_SECONDS * _US
            if await self._sessions.claim_check(session.id, due_us, stale_us, now):
                return await self._ask_provider(login, session)
        return await self._await_other(login, session)

    async def _ask_provider(self, login: Login, session: StoredSession) -> Held:
        newest = await self._sessions.find(session.id)  # its secret may be another by now
        session = session if newest is None else newest
        secret = self._sealer.unseal(session.id, session.provider_secret)
        if secret is None:
            return await self._ended(session, "what the provider gave cannot be opened")
        try:
            told = await self._provider.ask_again(
                login.provider, login.client, secret, session.provider_subject
            )
        except ProviderAway as error:
            return await self._heard_nothing(login, session, error)
        if isinstance(told, KnownNoMore):
            return await self._ended(session, told.reason)
        now = self._unix_us()
        groups = session.groups if told.who is None else told.who.groups
        sealed = self._sealer.seal(session.id, told.secret)
        if not await self._sessions.note_checked(session.id, now, groups, sealed):
            raise _refused(await self._sessions.find(session.id) or session)
        self._silent_until_us.pop(session.issuer, None)
        fresh = replace(session, checked_unix_us=now, groups=tuple(groups), provider_secret=sealed)
        return _held(login, fresh)

    async def _heard_nothing(
        self, login: Login, session: StoredSession, error: ProviderAway
    ) -> Held:
        facts = {"credential_id": session.id, "issuer": session.issuer, "reason": str(error)}
        log.warning("session_not_checked", extra=facts)
        if isinstance(error, ProviderUnreachable):
            again_us = self._unix_us() + AGAIN_SECONDS * _US
            self._silent_until_us[session.issuer] = again_us
        await self._sessions.release(session.id)
        return self._held_in_outage(login, session)

    def _held_in_outage(self, login: Login, session: StoredSession) -> Held:
        now = self._unix_us()
        over_us = session.checked_unix_us + login.outage_minutes * 60 * _US
        if now >= over_us:
            why = f"the provider has said nothing of its holder for {login.outage_minutes} minutes"
            raise TokenRefused(Cause.UNCHECKED, why, subject=session.subject)
        again_us = now + AGAIN_SECONDS * _US
        return Held(session, min(again_us + SLACK_SECONDS * _US, over_us), again_us)

    async def _await_other(self, login: Login, session: StoredSession) -> Held:
        """Another replica is asking: its answer is ours."""
        for _ in range(int(SLACK_SECONDS / _LOOK_SECONDS)):
            newest = await self._sessions.find(session.id)
            if newest is None or newest.ended_unix_us is not None:
                raise _refused(newest or session)
            if newest.checked_unix_us > session.checked_unix_us:
                return _held(login, newest)
            await asyncio.sleep(_LOOK_SECONDS)
        return self._held_in_outage(login, session)

    async def _ended(self, session: StoredSession, reason: str) -> Held:
        facts = {"credential_id": session.id, "issuer": session.issuer, "reason": reason}
        log.warning("session_ended_by_provider", extra=facts)
        ended = await self._sessions.end(session.id, End.PROVIDER, self._unix_us(), GATEWAY)
        raise _refused(ended or session)


def _held(login: Login, session: StoredSession) -> Held:
    again_us = session.checked_unix_us + login.recheck_seconds * _US
    return Held(session, again_us + SLACK_SECONDS * _US, again_us)


def _refused(session: StoredSession) -> TokenRefused:
    why = f"its session has ended ({session.ended_reason})"
    return TokenRefused(Cause.ENDED, why, subject=session.subject)
