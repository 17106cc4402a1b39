"""Machines that wait for somebody to sign in: shared by replicas, each code good once."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from sqlalchemy import and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.change_lane import ChangeLane
from gateway.store.database import Database
from gateway.store.session_records import SessionRecords
from gateway.store.session_tables import SESSIONS, SIGN_INS
from gateway.store.sessions import insert_session, insert_tokens, session_of
from gateway.store.stored_session import NewTokens, StoredSession
from gateway.store.stored_sign_in import SignInState, StoredSignIn

MOST_WAITING: Final = 2000
SLOWER_SECONDS: Final = 5
_HOUR_US: Final = 3_600_000_000


class TooManySignIns(Exception):
    """So many machines wait already that another one would have to wait for them."""


class Answer(Enum):
    """What a machine is told that asks whether somebody has signed in."""

    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    DENIED = "access_denied"
    EXPIRED = "expired_token"
    UNKNOWN = "invalid_grant"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Polled:
    """The answer, and how many seconds to wait before the next asking; a session when done."""

    answer: Answer
    interval_seconds: int = 0
    session: StoredSession | None = None


class SignIns:
    """All that is waited for."""

    def __init__(
        self, database: Database, random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._database = database
        self._lane = ChangeLane(random_bytes)
        self._records = SessionRecords(random_bytes)

    async def begin(self, sign_in: StoredSignIn) -> None:
        """Wait for somebody, and forget what nobody waits for any more. Raises `TooManySignIns`."""
        now = sign_in.created_unix_us
        old = SIGN_INS.c.expires_unix_us <= now - _HOUR_US
        waiting = and_(SIGN_INS.c.state == SignInState.WAITING, SIGN_INS.c.expires_unix_us > now)
        async with self._database.writing() as connection:
            await connection.execute(delete(SIGN_INS).where(old))
            count = await connection.scalar(select(func.count()).where(waiting))
            if count is not None and count >= MOST_WAITING:
                raise TooManySignIns
            await connection.execute(insert(SIGN_INS).values(_values(sign_in)))

    async def find(self, user_digest: bytes, now_unix_us: int) -> StoredSignIn | None:
        """What waits under a user code, if it still does."""
        query = select(SIGN_INS).where(SIGN_INS.c.user_digest == user_digest)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        found = None if row is None else _sign_in(row)
        return found if found is not None and found.is_open(now_unix_us) else None

    async def send_on(
        self, user_digest: bytes, state_digest: bytes, browser_digest: bytes, now_unix_us: int
    ) -> bool:
        """Remember with which state a browser was sent to the provider; whether it may go."""
        which = and_(
            SIGN_INS.c.user_digest == user_digest,
            SIGN_INS.c.state == SignInState.WAITING,
            SIGN_INS.c.expires_unix_us > now_unix_us,
        )
        values = {"state_digest": state_digest, "browser_digest": browser_digest}
        async with self._database.writing() as connection:
            done = await connection.execute(update(SIGN_INS).where(which).values(values))
            return done.rowcount == 1

    async def come_back(
        self, state_digest: bytes, browser_digest: bytes, now_unix_us: int
    ) -> StoredSignIn | None:
        """What a browser was sent to the provider for; a state is good once, in that browser."""
        async with self._database.writing() as connection:
            query = select(SIGN_INS).where(SIGN_INS.c.state_digest == state_digest)
            row = (await connection.execute(query)).mappings().first()
            if row is None or row["browser_digest"] != browser_digest:
                return None
            which = SIGN_INS.c.device_digest == row["device_digest"]
            used = {"state_digest": None, "browser_digest": None}
            await connection.execute(update(SIGN_INS).where(which).values(used))
        found = _sign_in(row)
        return found if found.is_open(now_unix_us) else None

    async def approve(
        self, sign_in: StoredSignIn, session: StoredSession, now_unix_us: int
    ) -> bool:
        """Begin the session that was waited for; whether it was still waited for."""
        values = {"state": SignInState.APPROVED, "session_id": session.id}
        async with self._database.writing() as connection:
            if not await _moved_on(connection, sign_in, values):
                return False
            await insert_session(connection, session)
            record = self._records.started(session, now_unix_us)
            await self._lane.append(connection, [record], now_unix_us)
        return True

    async def deny(self, sign_in: StoredSignIn) -> bool:
        """Somebody said that it was not them; whether it was still waited for."""
        async with self._database.writing() as connection:
            return await _moved_on(connection, sign_in, {"state": SignInState.DENIED})

    async def refuse(
        self, sign_in: StoredSignIn, subject: str, issuer: str, reason: str, now_unix_us: int
    ) -> bool:
        """Whom the provider let in has no business here, which is put on record."""
        async with self._database.writing() as connection:
            if not await _moved_on(connection, sign_in, {"state": SignInState.DENIED}):
                return False
            record = self._records.refused(subject, issuer, sign_in.machine, reason, now_unix_us)
            await self._lane.append(connection, [record], now_unix_us)
        return True

    async def poll(self, device_digest: bytes, fresh: NewTokens, now_unix_us: int) -> Polled:
        """What a machine is told; with the session its tokens are kept, and that is the end."""
        query = select(SIGN_INS).where(SIGN_INS.c.device_digest == device_digest)
        async with self._database.reading() as connection:
            known = (await connection.execute(query)).mappings().first()
        if known is None:
            return Polled(Answer.UNKNOWN)
        async with self._database.writing() as connection:
            row = (await connection.execute(query)).mappings().first()
            if row is None:
                return Polled(Answer.UNKNOWN)
            return await _answer(connection, _sign_in(row), fresh, now_unix_us)


async def _answer(
    connection: AsyncConnection, sign_in: StoredSignIn, fresh: NewTokens, now_unix_us: int
) -> Polled:
    if sign_in.state is SignInState.DENIED:
        return Polled(Answer.DENIED)
    if sign_in.state is SignInState.TAKEN or now_unix_us >= sign_in.expires_unix_us:
        return Polled(Answer.EXPIRED)
    which = SIGN_INS.c.device_digest == sign_in.device_digest
    if sign_in.state is SignInState.APPROVED:
        taken = update(SIGN_INS).where(which).values(state=SignInState.TAKEN)
        await connection.execute(taken)
        session = await _session_of(connection, sign_in)
        if session is None or not session.is_open(now_unix_us):
            return Polled(Answer.DENIED)
        await insert_tokens(connection, session, fresh)
        return Polled(Answer.DONE, session=session)
    is_early = (
        sign_in.polled_unix_us is not None
        and now_unix_us - sign_in.polled_unix_us < (sign_in.interval_seconds - 1) * 1_000_000
    )
    interval = sign_in.interval_seconds + (SLOWER_SECONDS if is_early else 0)
    values = {"polled_unix_us": now_unix_us, "interval_seconds": interval}
    await connection.execute(update(SIGN_INS).where(which).values(values))
    return Polled(Answer.SLOW_DOWN if is_early else Answer.PENDING, interval)


async def _session_of(connection: AsyncConnection, sign_in: StoredSignIn) -> StoredSession | None:
    query = select(SESSIONS).where(SESSIONS.c.id == sign_in.session_id)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else session_of(row)


async def _moved_on(
    connection: AsyncConnection, sign_in: StoredSignIn, values: Mapping[str, object]
) -> bool:
    which = and_(
        SIGN_INS.c.device_digest == sign_in.device_digest,
        SIGN_INS.c.state == SignInState.WAITING,
    )
    return (await connection.execute(update(SIGN_INS).where(which).values(values))).rowcount == 1


def _values(sign_in: StoredSignIn) -> Mapping[str, object]:
    return {
        "device_digest": sign_in.device_digest,
        "user_digest": sign_in.user_digest,
        "machine": sign_in.machine,
        "address": sign_in.address,
        "team": sign_in.team,
        "created_unix_us": sign_in.created_unix_us,
        "expires_unix_us": sign_in.expires_unix_us,
        "interval_seconds": sign_in.interval_seconds,
        "state": sign_in.state.value,
    }


def _sign_in(row: Mapping[Any, Any]) -> StoredSignIn:
    return StoredSignIn(
        device_digest=row["device_digest"],
        user_digest=row["user_digest"],
        machine=row["machine"],
        address=row["address"],
        team=row["team"],
        created_unix_us=row["created_unix_us"],
        expires_unix_us=row["expires_unix_us"],
        interval_seconds=row["interval_seconds"],
        state=SignInState(row["state"]),
        polled_unix_us=row["polled_unix_us"],
        session_id=row["session_id"],
    )
