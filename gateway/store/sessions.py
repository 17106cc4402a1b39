"""Sessions and their tokens in the database: shared by replicas, ended with a record."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.change_lane import ChangeLane
from gateway.store.changes import GATEWAY, Actor
from gateway.store.database import Database
from gateway.store.revision import next_revision
from gateway.store.session_records import SessionRecords
from gateway.store.session_tables import SESSION_TOKENS, SESSIONS
from gateway.store.stored_session import End, NewTokens, ProviderSession, StoredSession

ACCESS: Final = "access"
REFRESH: Final = "refresh"
LOST_ANSWER_US: Final = 60_000_000
"""How long a refresh token may be used again, as long as its successor never was."""

_DAY_US: Final = 86_400_000_000


class Rotation(Enum):
    """What became of a refresh token that was shown."""

    DONE = "done"
    UNKNOWN = "unknown"
    OVER = "over"  # its session ended, or its time
    REUSED = "reused"  # and so its session ends


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A token by its digest, and its session."""

    expires_unix_us: int
    session: StoredSession


class Sessions:
    """All sessions. What ends one moves the revision by which running gateways notice."""

    def __init__(
        self, database: Database, random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._database = database
        self._lane = ChangeLane(random_bytes)
        self._records = SessionRecords(random_bytes)

    async def find_token(self, digest: bytes, kind: str) -> FoundToken | None:
        """A token and its session, whether or not they still hold."""
        query = (
            select(SESSION_TOKENS.c.expires_unix_us.label("token_expires"), *SESSIONS.c)
            .join(SESSIONS, SESSIONS.c.id == SESSION_TOKENS.c.session_id)
            .where(SESSION_TOKENS.c.digest == digest, SESSION_TOKENS.c.kind == kind)
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else FoundToken(row["token_expires"], session_of(row))

    async def find(self, session_id: str) -> StoredSession | None:
        """A session by its id."""
        async with self._database.reading() as connection:
            return await _session(connection, session_id)

    async def rotate(
        self, digest: bytes, fresh: NewTokens, now_unix_us: int
    ) -> tuple[Rotation, StoredSession | None]:
        """Put new tokens in the place of a refresh token, which is used up by that.

        One that was used before ends its session: two hold it, and one of them stole it. But for a
        minute, and while the successor was never used, its answer may have been lost on the way:
        then the successor is given up in its stead.
        """
        async with self._database.writing() as connection:
            token = await _refresh_token(connection, digest)
            session = None if token is None else await _session(connection, token["session_id"])
            if token is None or session is None:
                return Rotation.UNKNOWN, None
            if not session.is_open(now_unix_us) or token["expires_unix_us"] <= now_unix_us:
                return Rotation.OVER, session
            if token["replaced_unix_us"] is not None:
                if not await _was_lost(connection, token, now_unix_us):
                    ended = await self._end(connection, session, End.REUSED, GATEWAY, now_unix_us)
                    return Rotation.REUSED, ended
                gone = SESSION_TOKENS.c.digest == token["successor"]
                done = {"replaced_unix_us": 0, "successor": fresh.refresh}  # never to be used
                await connection.execute(update(SESSION_TOKENS).where(gone).values(done))
            which = SESSION_TOKENS.c.digest == digest
            used = {"replaced_unix_us": now_unix_us, "successor": fresh.refresh}
            await connection.execute(update(SESSION_TOKENS).where(which).values(used))
            await insert_tokens(connection, session, fresh)
        return Rotation.DONE, session

    async def end(
        self, session_id: str, why: End, now_unix_us: int, by: Actor
    ) -> StoredSession | None:
        """End a session; one that ended before keeps its first time. None where there is none."""
        async with self._database.writing() as connection:
            session = await _session(connection, session_id)
            if session is None or session.ended_unix_us is not None:
                return session
            return await self._end(connection, session, why, by, now_unix_us)

    async def end_of_provider(
        self, issuer: str, ended: ProviderSession, told_unix_us: int, now_unix_us: int
    ) -> Sequence[StoredSession]:
        """End what the provider has said is over, but for what began after it said so.

        Where it names person and session, a session whose name it never told us ends too.
        """
        sub, provider_session = ended.sub, ended.name
        of_person = SESSIONS.c.provider_sub == sub
        which: ColumnElement[bool] = of_person
        if provider_session is not None:
            which = SESSIONS.c.provider_session == provider_session
            if sub is not None:
                which = and_(of_person, or_(which, SESSIONS.c.provider_session.is_(None)))
        async with self._database.writing() as connection:
            meant = and_(
                SESSIONS.c.issuer == issuer, SESSIONS.c.created_unix_us <= told_unix_us, which
            )
            why = End.SIGNED_OUT_THERE
            return await self._end_all(connection, meant, why, GATEWAY, now_unix_us)

    async def end_of_subject(
        self, connection: AsyncConnection, subject: str, by: Actor, now_unix_us: int
    ) -> Sequence[StoredSession]:
        """End all of somebody who is blocked, in the transaction of the block."""
        which = SESSIONS.c.subject == subject
        return await self._end_all(connection, which, End.BLOCKED, by, now_unix_us)

    async def claim_check(
        self, session_id: str, due_unix_us: int, stale_unix_us: int, now: int
    ) -> bool:
        """Whether it is us who ask the provider now: nobody has since `due_unix_us`, and nobody
        has begun to since `stale_unix_us`."""
        is_free = or_(
            SESSIONS.c.claimed_unix_us.is_(None), SESSIONS.c.claimed_unix_us <= stale_unix_us
        )
        which = and_(
            SESSIONS.c.id == session_id,
            SESSIONS.c.ended_unix_us.is_(None),
            SESSIONS.c.checked_unix_us <= due_unix_us,
            is_free,
        )
        claim = update(SESSIONS).where(which).values(claimed_unix_us=now)
        async with self._database.writing() as connection:
            return (await connection.execute(claim)).rowcount == 1

    async def note_checked(
        self, session_id: str, now_unix_us: int, groups: Sequence[str], secret: bytes | None
    ) -> bool:
        """The provider still knows them: in these groups, and asked with this the next time.

        Whether the session holds: it may have ended meanwhile.
        """
        values = {
            "checked_unix_us": now_unix_us,
            "claimed_unix_us": None,
            "groups": orjson.dumps(list(groups)).decode(),
            "provider_secret": secret,
        }
        which = and_(SESSIONS.c.id == session_id, SESSIONS.c.ended_unix_us.is_(None))
        noted = update(SESSIONS).where(which).values(values)
        async with self._database.writing() as connection:
            return (await connection.execute(noted)).rowcount == 1

    async def release(self, session_id: str) -> None:
        """The provider gave no answer: whoever comes next may ask it."""
        freed = update(SESSIONS).where(SESSIONS.c.id == session_id).values(claimed_unix_us=None)
        async with self._database.writing() as connection:
            await connection.execute(freed)

    async def sweep(self, now_unix_us: int) -> None:
        """Forget the tokens of sessions that are over since a day, and what was sealed for them."""
        ago = now_unix_us - _DAY_US
        is_over = or_(SESSIONS.c.ended_unix_us <= ago, SESSIONS.c.expires_unix_us <= ago)
        over = select(SESSIONS.c.id).where(is_over)
        async with self._database.writing() as connection:
            await connection.execute(
                delete(SESSION_TOKENS).where(SESSION_TOKENS.c.session_id.in_(over))
            )
            kept = and_(is_over, SESSIONS.c.provider_secret.is_not(None))
            await connection.execute(update(SESSIONS).where(kept).values(provider_secret=None))

    async def _end_all(
        self,
        connection: AsyncConnection,
        which: ColumnElement[bool],
        why: End,
        by: Actor,
        now_unix_us: int,
    ) -> Sequence[StoredSession]:
        open_ones = select(SESSIONS).where(which, _is_open(now_unix_us))
        rows = (await connection.execute(open_ones)).mappings().all()
        return [await self._end(connection, session_of(row), why, by, now_unix_us) for row in rows]

    async def _end(
        self,
        connection: AsyncConnection,
        session: StoredSession,
        why: End,
        by: Actor,
        now_unix_us: int,
    ) -> StoredSession:
        ended = replace(
            session, ended_unix_us=now_unix_us, ended_reason=why.value, provider_secret=None
        )
        values = {
            "ended_unix_us": now_unix_us,
            "ended_reason": why.value,
            "provider_secret": None,
            "changed_revision": await next_revision(connection),
        }
        which = SESSIONS.c.id == session.id
        await connection.execute(update(SESSIONS).where(which).values(values))
        await self._lane.append(
            connection, [self._records.ended(ended, by, now_unix_us)], now_unix_us
        )
        return ended


async def insert_session(connection: AsyncConnection, session: StoredSession) -> None:
    """Keep a new session."""
    values = {
        "id": session.id,
        "issuer": session.issuer,
        "provider_sub": session.provider_sub,
        "provider_subject": session.provider_subject,
        "provider_session": session.provider_session,
        "subject": session.subject,
        "groups": orjson.dumps(session.groups).decode(),
        "team": session.team,
        "machine": session.machine,
        "created_unix_us": session.created_unix_us,
        "expires_unix_us": session.expires_unix_us,
        "checked_unix_us": session.checked_unix_us,
        "provider_secret": session.provider_secret,
    }
    await connection.execute(insert(SESSIONS).values(values))


async def insert_tokens(
    connection: AsyncConnection, session: StoredSession, fresh: NewTokens
) -> None:
    """Keep the digests of a session's newest tokens; the refresh token holds as long as it."""
    kinds = (
        (ACCESS, fresh.access, min(fresh.access_expires_unix_us, session.expires_unix_us)),
        (REFRESH, fresh.refresh, session.expires_unix_us),
    )
    rows = [
        {"digest": digest, "session_id": session.id, "kind": kind, "expires_unix_us": expires}
        for kind, digest, expires in kinds
    ]
    await connection.execute(insert(SESSION_TOKENS), rows)


async def ended_since(connection: AsyncConnection, revision: int) -> frozenset[str]:
    """The sessions that ended after this revision; at a start (0) nothing runs under any."""
    if revision == 0:
        return frozenset()
    query = select(SESSIONS.c.id).where(SESSIONS.c.changed_revision > revision)
    return frozenset((await connection.scalars(query)).all())


def session_of(row: Mapping[Any, Any]) -> StoredSession:
    """A row of the table."""
    return StoredSession(
        id=row["id"],
        issuer=row["issuer"],
        provider_sub=row["provider_sub"],
        provider_subject=row["provider_subject"],
        subject=row["subject"],
        groups=tuple(orjson.loads(row["groups"])),
        team=row["team"],
        machine=row["machine"],
        created_unix_us=row["created_unix_us"],
        expires_unix_us=row["expires_unix_us"],
        checked_unix_us=row["checked_unix_us"],
        provider_secret=row["provider_secret"],
        provider_session=row["provider_session"],
        ended_unix_us=row["ended_unix_us"],
        ended_reason=row["ended_reason"],
    )


def _is_open(now_unix_us: int) -> ColumnElement[bool]:
    return and_(SESSIONS.c.ended_unix_us.is_(None), SESSIONS.c.expires_unix_us > now_unix_us)


async def _session(connection: AsyncConnection, session_id: str) -> StoredSession | None:
    query = select(SESSIONS).where(SESSIONS.c.id == session_id)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else session_of(row)


async def _refresh_token(connection: AsyncConnection, digest: bytes) -> Mapping[Any, Any] | None:
    which = and_(SESSION_TOKENS.c.digest == digest, SESSION_TOKENS.c.kind == REFRESH)
    query = select(SESSION_TOKENS).where(which)
    return (await connection.execute(query)).mappings().first()


async def _was_lost(
    connection: AsyncConnection, token: Mapping[Any, Any], now_unix_us: int
) -> bool:
    """Whether the answer to its first use may have been lost on the way."""
    if now_unix_us - token["replaced_unix_us"] > LOST_ANSWER_US:
        return False
    successor = await _refresh_token(connection, token["successor"])
    return successor is not None and successor["replaced_unix_us"] is None
