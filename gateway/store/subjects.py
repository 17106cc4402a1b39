"""Blocks and granted roles in the database: each change with its record, in one transaction."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, insert, literal, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.roles import Role, why_apart
from gateway.store.change_lane import ChangeLane
from gateway.store.changes import Actor
from gateway.store.database import Database
from gateway.store.revision import next_revision
from gateway.store.sessions import Sessions
from gateway.store.stored_key import check_name
from gateway.store.stored_subject import (
    GrantToOneself,
    RoleNotGranted,
    RolesStayApart,
    StoredSubject,
    SubjectBlocked,
)
from gateway.store.subject_records import SubjectEvent, SubjectRecords
from gateway.store.tables import KEYS, SUBJECTS

_IS_ANYTHING = or_(SUBJECTS.c.blocked_unix_us.is_not(None), SUBJECTS.c.roles != "")


class Subjects:
    """Everybody about whom something was decided. A running gateway notices each change as it
    does those of keys."""

    def __init__(
        self, database: Database, random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._database = database
        self._lane = ChangeLane(random_bytes)
        self._records = SubjectRecords(random_bytes)
        self._sessions = Sessions(database, random_bytes)

    async def block(
        self, subject: str, now_unix_us: int, by: Actor, *, is_service: bool = False
    ) -> StoredSubject:
        """Take nothing of theirs any more, and end their sessions.

        Who was blocked before stays so since then. Raises `ValueError` for what is no name.
        """
        check_name("service" if is_service else "user", subject)
        async with self._database.writing() as connection:
            stored = await read_subject(connection, subject, is_service)
            if stored.is_blocked:
                return stored
            blocked = replace(stored, blocked_unix_us=now_unix_us)
            await self._change(connection, SubjectEvent.BLOCKED, blocked, by, now_unix_us)
            if not is_service:
                await self._sessions.end_of_subject(connection, subject, by, now_unix_us)
        return blocked

    async def unblock(
        self, subject: str, now_unix_us: int, by: Actor, *, is_service: bool = False
    ) -> StoredSubject:
        """Take again what holds of theirs: what was revoked or ended stays so."""
        async with self._database.writing() as connection:
            stored = await read_subject(connection, subject, is_service)
            if not stored.is_blocked:
                return stored
            free = replace(stored, blocked_unix_us=None)
            await self._change(connection, SubjectEvent.UNBLOCKED, free, by, now_unix_us)
        return free

    async def grant(self, subject: str, role: Role, now_unix_us: int, by: Actor) -> StoredSubject:
        """Give a person a role, wherever they sign in from; returns them as they are then.

        Raises `RolesStayApart`, `GrantToOneself`, `SubjectBlocked`, or `ValueError` for what is no
        name.
        """
        check_name("user", subject)
        refuse_oneself(subject, by)
        async with self._database.writing() as connection:
            stored = await read_subject(connection, subject, False)
            if role in stored.roles:
                return stored
            if stored.is_blocked:
                raise SubjectBlocked(stored)
            granted = replace(stored, roles=stored.roles | {role.value})
            await refuse_apart(connection, subject, False, frozenset({role.value}), now_unix_us)
            await self._change(
                connection, SubjectEvent.GRANTED, granted, by, now_unix_us, role.value
            )
        return granted

    async def take_back(
        self, subject: str, role: Role, now_unix_us: int, by: Actor
    ) -> StoredSubject:
        """Take a granted role back. Raises `RoleNotGranted` or `GrantToOneself`."""
        refuse_oneself(subject, by)
        async with self._database.writing() as connection:
            stored = await read_subject(connection, subject, False)
            if role not in stored.roles:
                raise RoleNotGranted(
                    f"nobody granted {subject!r} the role {role.value}; roles of keys and of an "
                    "identity provider's groups are not taken back here"
                )
            less = replace(stored, roles=stored.roles - {role.value})
            await self._change(
                connection, SubjectEvent.TAKEN_BACK, less, by, now_unix_us, role.value
            )
        return less

    async def list(self) -> Sequence[StoredSubject]:
        """Everybody who is blocked or was granted a role, by name."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(SUBJECTS).where(_IS_ANYTHING))).mappings()
        return sorted(map(subject_of, rows), key=lambda each: (each.subject, each.is_service))

    async def page(
        self, limit: int, after: tuple[str | int, ...] | None = None
    ) -> Sequence[StoredSubject]:
        """The same as far as `limit`, behind `after`: a name, and whether it is a service's."""
        place = (SUBJECTS.c.subject, SUBJECTS.c.is_service)
        query = select(SUBJECTS).where(_IS_ANYTHING).order_by(*place).limit(limit)
        if after is not None:
            query = query.where(tuple_(*place) > tuple_(*map(literal, after)))
        async with self._database.reading() as connection:
            return [subject_of(row) for row in (await connection.execute(query)).mappings()]

    async def _change(
        self,
        connection: AsyncConnection,
        event: SubjectEvent,
        stored: StoredSubject,
        by: Actor,
        now_unix_us: int,
        role: str | None = None,
    ) -> None:
        values = {
            "roles": ",".join(sorted(stored.roles)),
            "blocked_unix_us": stored.blocked_unix_us,
            "changed_revision": await next_revision(connection),
        }
        which = _of(stored.subject, stored.is_service)
        done = await connection.execute(update(SUBJECTS).where(which).values(values))
        if done.rowcount == 0:
            names = {"subject": stored.subject, "is_service": stored.is_service}
            await connection.execute(insert(SUBJECTS).values({**names, **values}))
        record = self._records.tell(event, stored, by, now_unix_us, role)
        await self._lane.append(connection, [record], now_unix_us)


async def read_subject(
    connection: AsyncConnection, subject: str, is_service: bool
) -> StoredSubject:
    """What was decided about somebody; about most people nothing was."""
    query = select(SUBJECTS).where(_of(subject, is_service))
    row = (await connection.execute(query)).mappings().first()
    return StoredSubject(subject, is_service) if row is None else subject_of(row)


async def subjects_since(connection: AsyncConnection, revision: int) -> Sequence[StoredSubject]:
    """Standings that changed after this revision."""
    query = select(SUBJECTS).where(SUBJECTS.c.changed_revision > revision)
    return [subject_of(row) for row in (await connection.execute(query)).mappings()]


async def refuse_apart(
    connection: AsyncConnection,
    subject: str,
    is_service: bool,
    roles: frozenset[str],
    now_unix_us: int,
) -> None:
    """Raise `RolesStayApart` where these roles may not come to those that somebody has already,
    by grants and by keys that hold."""
    query = select(KEYS.c.roles).where(
        KEYS.c.subject == subject,
        KEYS.c.is_service == is_service,
        KEYS.c.revoked_unix_us.is_(None),
        or_(KEYS.c.expires_unix_us.is_(None), KEYS.c.expires_unix_us > now_unix_us),
    )
    by_keys = {role for row in await connection.execute(query) for role in row[0].split(",")}
    granted = (await read_subject(connection, subject, is_service)).roles
    for role in sorted(roles):
        for other in sorted(granted | by_keys):
            why = why_apart(frozenset({role, other}))
            if why is not None:
                raise RolesStayApart(f"{subject!r} has the role {other}, so not {role} too: {why}")


def refuse_oneself(subject: str, by: Actor) -> None:
    """Raise `GrantToOneself` where somebody known by a credential changes their own roles.

    Whoever has the data folder's account can change anything in it: that is recorded as what it is.
    """
    if by.kind != "os_user" and by.name == subject:
        raise GrantToOneself(f"{subject!r} cannot change their own roles: somebody else does that")


def subject_of(row: Mapping[Any, Any]) -> StoredSubject:
    """A row of the table."""
    roles = frozenset(row["roles"].split(",")) - {""}
    return StoredSubject(row["subject"], row["is_service"], roles, row["blocked_unix_us"])


def _of(subject: str, is_service: bool) -> ColumnElement[bool]:
    return and_(SUBJECTS.c.subject == subject, SUBJECTS.c.is_service == is_service)
