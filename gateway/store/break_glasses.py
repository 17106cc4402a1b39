"""Exceptions from policy in the database: proposed, opened, closed, ended, read by a gateway."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.break_glass_records import BreakGlassEvent, BreakGlassRecords
from gateway.store.change_lane import ChangeLane
from gateway.store.changes import GATEWAY, Actor
from gateway.store.database import Database
from gateway.store.stored_break_glass import BreakGlassState, StoredBreakGlass
from gateway.store.tables import BREAK_GLASSES
from policy.break_glass import Lifts
from policy.rulebook.document import MatchDocument

_TABLE = BREAK_GLASSES.c
_NOT_OVER = and_(
    _TABLE.until_unix_us.is_not(None),
    _TABLE.closed_unix_us.is_(None),
    _TABLE.ended_unix_us.is_(None),
)


class BreakGlassNotFound(LookupError):
    """No exception has this id."""


class BreakGlassStands(Exception):
    """It cannot become what was asked of it; the message says how it stands."""


class BreakGlasses:
    """All exceptions there have been. Every change is a record of the ledger, in the same
    transaction."""

    def __init__(
        self, database: Database, random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._database = database
        self._lane = ChangeLane(random_bytes)
        self._records = BreakGlassRecords(random_bytes)

    async def begin(self, glass: StoredBreakGlass) -> None:
        """Keep a new one: open, or proposed."""
        is_open = glass.opened_unix_us is not None
        event = BreakGlassEvent.OPENED if is_open else BreakGlassEvent.PROPOSED
        values = {"id": glass.id, **_made(glass), **_changing(glass)}
        async with self._database.writing() as connection:
            await connection.execute(insert(BREAK_GLASSES).values(values))
            await self._tell(connection, glass, glass.proposed_by, glass.proposed_unix_us, event)

    async def approve(self, glass_id: str, by: Actor, now_unix_us: int) -> StoredBreakGlass:
        """Open one that was proposed, and return it.

        Raises `BreakGlassNotFound`, or `BreakGlassStands` where it is no proposal any more.
        """
        async with self._database.writing() as connection:
            glass = await _find(connection, glass_id)
            state = glass.state(now_unix_us)
            if state is not BreakGlassState.PROPOSED:
                raise BreakGlassStands(f"{glass_id} is {state}: there is nothing to approve")
            glass = glass.opened(now_unix_us, by)
            await _update(connection, glass)
            events = (BreakGlassEvent.APPROVED, BreakGlassEvent.OPENED)
            await self._tell(connection, glass, by, now_unix_us, *events)
        return glass

    async def close(self, glass_id: str, by: Actor, now_unix_us: int) -> StoredBreakGlass:
        """End one that is open, or withdraw a proposal, and return it.

        Raises `BreakGlassNotFound`, or `BreakGlassStands` where it is over.
        """
        async with self._database.writing() as connection:
            glass = await _find(connection, glass_id)
            state = glass.state(now_unix_us)
            if state not in (BreakGlassState.PROPOSED, BreakGlassState.OPEN):
                raise BreakGlassStands(f"{glass_id} is {state} already")
            glass = replace(glass, closed_unix_us=now_unix_us, closed_by=by)
            await _update(connection, glass)
            await self._tell(connection, glass, by, now_unix_us, BreakGlassEvent.CLOSED)
        return glass

    async def end_due(self, now_unix_us: int) -> int:
        """Put on record which have come to their end; returns how many.

        Each is recorded once, whoever notices first.
        """
        over = and_(_NOT_OVER, _TABLE.until_unix_us <= now_unix_us)
        async with self._database.writing() as connection:
            ended = [
                replace(each, ended_unix_us=now_unix_us) for each in await _all(connection, over)
            ]
            for glass in ended:
                await _update(connection, glass)
                await self._tell(connection, glass, GATEWAY, now_unix_us, BreakGlassEvent.ENDED)
        return len(ended)

    async def refuse(
        self, glass: StoredBreakGlass, attempt: str, why: str, by: Actor, now_unix_us: int
    ) -> None:
        """Put on record what somebody tried with one, be it kept or not, and may not."""
        refused = self._records.refused(glass, attempt, why, by, now_unix_us)
        async with self._database.writing() as connection:
            await self._lane.append(connection, [refused], now_unix_us)

    async def find(self, glass_id: str) -> StoredBreakGlass:
        """The exception of this id. Raises `BreakGlassNotFound`."""
        async with self._database.reading() as connection:
            return await _find(connection, glass_id)

    async def list(self) -> Sequence[StoredBreakGlass]:
        """Every exception there has been, oldest first."""
        async with self._database.reading() as connection:
            return await _all(connection)

    async def not_over(self) -> Sequence[StoredBreakGlass]:
        """Those that were opened, and neither closed nor seen to end: one cheap query."""
        async with self._database.reading() as connection:
            return await _all(connection, _NOT_OVER)

    async def _tell(
        self,
        connection: AsyncConnection,
        glass: StoredBreakGlass,
        by: Actor,
        now_unix_us: int,
        *events: BreakGlassEvent,
    ) -> None:
        records = [self._records.tell(event, glass, by, now_unix_us) for event in events]
        await self._lane.append(connection, records, now_unix_us)


async def _all(connection: AsyncConnection, *which: ColumnElement[bool]) -> list[StoredBreakGlass]:
    query = select(BREAK_GLASSES).where(*which).order_by(_TABLE.proposed_unix_us, _TABLE.id)
    return [_stored(row) for row in (await connection.execute(query)).mappings()]


async def _find(connection: AsyncConnection, glass_id: str) -> StoredBreakGlass:
    found = await _all(connection, _TABLE.id == glass_id)
    if not found:
        raise BreakGlassNotFound(
            f"no break-glass has the id {glass_id!r}; `gatehouse break-glass list` shows them"
        )
    return found[0]


async def _update(connection: AsyncConnection, glass: StoredBreakGlass) -> None:
    await connection.execute(
        update(BREAK_GLASSES).where(_TABLE.id == glass.id).values(_changing(glass))
    )


def _made(glass: StoredBreakGlass) -> Mapping[str, object]:
    """What never changes of it."""
    return {
        "reason": glass.reason,
        "lifts": json.dumps(asdict(glass.lifts)),
        "scope": glass.match.model_dump_json(exclude_none=True),
        "for_seconds": glass.for_seconds,
        "proposed_unix_us": glass.proposed_unix_us,
        "proposed_by": _written(glass.proposed_by),
    }


def _changing(glass: StoredBreakGlass) -> Mapping[str, object]:
    """What may change of it after it was proposed."""
    return {
        "approved_by": _written(glass.approved_by),
        "opened_unix_us": glass.opened_unix_us,
        "until_unix_us": glass.until_unix_us,
        "closed_unix_us": glass.closed_unix_us,
        "closed_by": _written(glass.closed_by),
        "ended_unix_us": glass.ended_unix_us,
    }


def _stored(row: Mapping[Any, Any]) -> StoredBreakGlass:
    return StoredBreakGlass(
        id=row["id"],
        reason=row["reason"],
        lifts=_lifts(json.loads(row["lifts"])),
        match=MatchDocument.model_validate_json(row["scope"]),
        for_seconds=row["for_seconds"],
        proposed_unix_us=row["proposed_unix_us"],
        proposed_by=Actor(**json.loads(row["proposed_by"])),
        approved_by=_actor(row["approved_by"]),
        opened_unix_us=row["opened_unix_us"],
        until_unix_us=row["until_unix_us"],
        closed_unix_us=row["closed_unix_us"],
        closed_by=_actor(row["closed_by"]),
        ended_unix_us=row["ended_unix_us"],
    )


def _lifts(written: Mapping[str, Any]) -> Lifts:
    return Lifts(
        tuple(written["rules"]),
        tuple(written["vendors"]),
        tuple(written["assistants"]),
        written["extra_nano_usd"],
    )


def _written(actor: Actor | None) -> str | None:
    return None if actor is None else json.dumps(asdict(actor))


def _actor(written: str | None) -> Actor | None:
    return None if written is None else Actor(**json.loads(written))
