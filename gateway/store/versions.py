"""Configurations as they come into force: kept by their digests, put on record, found again.

Beside them stand the orders: a stored version that somebody wants in force, and its end.
"""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.audit.record import RecordBody
from gateway.configuration.build import Configuration
from gateway.configuration.differences import FileChanges
from gateway.configuration.orders import Order, StandingOrders, VersionNotFound
from gateway.configuration.stored import Origin, StoredConfiguration
from gateway.store.change_lane import ChangeLane
from gateway.store.changes import GATEWAY, Actor
from gateway.store.database import Database
from gateway.store.proposal_records import ProposalRecords
from gateway.store.proposal_rows import settle
from gateway.store.tables import CONFIGURATION, ORDERS, VERSIONS
from gateway.store.version_records import Changed, VersionRecords, actor_of, changed, summary_of
from gateway.store.version_rows import in_force, reading, state_of, stored_version, writing

KEPT: Final = 500
"""So many versions are kept, the newest in force first; the ledger keeps its records for ever."""

_SHORTEST_PREFIX = 4


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """A configuration that was in force. `changes` is what it changed when it first was."""

    digest: str
    first_unix_us: int
    last_unix_us: int
    source: str | None
    file_count: int
    size_bytes: int
    changes: dict[str, Any]


class Versions:
    """All versions and orders. Everything that changes what is in force is a record of the ledger,
    in the same transaction. Each method raises `OrdersUnavailable` when the database is away."""

    def __init__(
        self,
        database: Database,
        *,
        unix_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._database = database
        self._unix_us = unix_us
        self._lane = ChangeLane(random_bytes)
        self._records = VersionRecords(random_bytes)
        self._proposals = ProposalRecords(random_bytes)

    async def enter(self, configuration: Configuration, order: Order | None = None) -> None:
        """Keep the configuration that comes into force now, and put on record what that changes.

        `order` is the one that this carries out. Nothing is written where nothing changes. Raises
        `NotApproved` where people have to approve it first.
        """
        stored = configuration.stored or StoredConfiguration(configuration.digest, None, ())
        while True:
            before = await self.in_force()
            change = await asyncio.to_thread(_change, before, configuration, stored)
            async with writing(self._database) as connection:
                state = await state_of(connection)
                if state["digest"] != (None if before is None else before.digest):
                    continue  # another gateway was quicker: compare with what it put in force
                is_new = (state["digest"], state["origin"]) != (change.digest, change.origin.value)
                if is_new or order is not None:
                    await self._enter(connection, change, stored, order, is_new)
                if is_new:
                    needed = _needed(configuration, state["approvers"])
                    await connection.execute(update(CONFIGURATION).values(approvers=needed))
                return

    async def refused(self, digest: str, problems: Sequence[str]) -> None:
        """Put on record that files are refused, once for the same contents (named by `digest`)."""
        async with writing(self._database) as connection:
            if (await state_of(connection))["refused"] == digest:
                return
            await connection.execute(update(CONFIGURATION).values(refused=digest))
            now = self._unix_us()
            await self._lane.append(connection, [self._records.refused(digest, problems, now)], now)

    async def order(self, digest: str | None, reason: str, by: Actor) -> Order:
        """Ask for a version, or (None) for the files; a running gateway carries it out."""
        async with writing(self._database) as connection:
            return await self._order(connection, digest, reason, by, "asked")

    async def order_at_once(self, digest: str | None, reason: str, by: Actor) -> Order:
        """The same where no gateway runs: it holds from the next start on."""
        async with writing(self._database) as connection:
            pinned = (await _standing(connection)).pin
            order = await self._order(connection, digest, reason, by, "taken")
            record = self._records.ordered(order, _version_of(order, pinned), order.asked_unix_us)
            await self._lane.append(connection, [record], order.asked_unix_us)
            return order

    async def answer_to(self, order: Order) -> tuple[str, str | None]:
        """What became of an order: `asked`, `taken` or `refused`, and then why."""
        query = select(ORDERS.c.state, ORDERS.c.answer).where(ORDERS.c.number == order.number)
        async with reading(self._database) as connection:
            state, answer = (await connection.execute(query)).one()
        return str(state), answer

    async def refuse(self, order: Order, problem: str) -> None:
        """As `gateway.configuration.orders.Orders` says."""
        async with writing(self._database) as connection:
            if not await _settle(connection, order, "refused", problem):
                return
            pinned = (await _standing(connection)).pin
            now = self._unix_us()
            record = self._records.order_refused(order, _version_of(order, pinned), problem, now)
            await self._lane.append(connection, [record], now)

    async def standing(self) -> StandingOrders:
        """As `gateway.configuration.orders.Orders` says."""
        async with reading(self._database) as connection:
            return await _standing(connection)

    async def in_force(self) -> StoredConfiguration | None:
        """What came into force last; None before the first start."""
        async with reading(self._database) as connection:
            return await in_force(connection)

    async def stored(self, digest: str) -> StoredConfiguration:
        """As `gateway.configuration.orders.Orders` says; the beginning of a digest will do."""
        async with reading(self._database) as connection:
            return await stored_version(connection, await _whole_digest(connection, digest))

    async def previous(self) -> StoredConfiguration:
        """The version that was in force before the one that is. Raises `VersionNotFound`."""
        async with reading(self._database) as connection:
            now = (await state_of(connection))["digest"]
            query = select(VERSIONS.c.digest).where(VERSIONS.c.digest != now)
            found = await connection.scalar(query.order_by(VERSIONS.c.last_unix_us.desc()).limit(1))
            if found is None:
                raise VersionNotFound("no version was in force before this one")
            return await stored_version(connection, found)

    async def list(self) -> Sequence[KnownVersion]:
        """Every version that is kept, the one that came into force last first."""
        columns = [each for each in VERSIONS.c if each is not VERSIONS.c.files]
        query = select(*columns).order_by(VERSIONS.c.last_unix_us.desc(), VERSIONS.c.digest)
        async with reading(self._database) as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [KnownVersion(**{**row, "changes": orjson.loads(row["changes"])}) for row in rows]

    async def _enter(
        self,
        connection: AsyncConnection,
        change: Changed,
        stored: StoredConfiguration,
        order: Order | None,
        is_new: bool,
    ) -> None:
        now = self._unix_us()
        records: list[RecordBody] = []
        if order is not None:
            pinned = (await _standing(connection)).pin
            if await _settle(connection, order, "taken", None):
                records.append(self._records.ordered(order, _version_of(order, pinned), now))
        if is_new:
            by = GATEWAY if order is None else actor_of(order)
            taken, over = await settle(connection, change.digest, change.is_of_policy, now)
            records += [self._proposals.dismissed(each, now) for each in over]
            records.append(self._records.changed(change, by, now, taken))
            await _keep(connection, change, stored, now)
            values = {"digest": change.digest, "origin": change.origin.value, "refused": None}
            await connection.execute(update(CONFIGURATION).values(values))
        if records:
            await self._lane.append(connection, records, now)

    async def _order(
        self, connection: AsyncConnection, digest: str | None, reason: str, by: Actor, state: str
    ) -> Order:
        newest = await connection.scalar(select(func.max(ORDERS.c.number)))
        number, now = (newest or 0) + 1, self._unix_us()
        order = Order(number, digest, reason, by.kind, by.name, now, by.credential_id)
        values = {
            "number": order.number,
            "digest": digest,
            "reason": reason,
            "actor_kind": by.kind,
            "actor_name": by.name,
            "actor_credential_id": by.credential_id,
            "asked_unix_us": order.asked_unix_us,
            "state": state,
        }
        await connection.execute(insert(ORDERS).values(values))
        return order


def _change(
    before: StoredConfiguration | None, now: Configuration, stored: StoredConfiguration
) -> Changed:
    if before is None:
        return Changed(now.digest, now.origin, None, FileChanges(), (), is_of_policy=False)
    return changed(before, stored, now.origin)


def _version_of(order: Order, pinned: Order | None) -> str:
    """The version that an order is about: the one it pins, or the one it frees."""
    if order.digest is not None:
        return order.digest
    return pinned.digest if pinned is not None and pinned.digest is not None else ""


def _needed(configuration: Configuration, until_now: int) -> int:
    """How many people a change of policy takes from now on. Only files, which went through what
    held until now, may ask for fewer: not what a pin or a start brings back."""
    needed = configuration.policy_approvers
    return needed if configuration.origin is Origin.FILES else max(needed, until_now)


async def _standing(connection: AsyncConnection) -> StandingOrders:
    taken = select(func.max(ORDERS.c.number)).where(ORDERS.c.state == "taken").scalar_subquery()
    # One that nobody carried out before a later one was is overtaken.
    waiting = (ORDERS.c.state == "asked", ORDERS.c.number > func.coalesce(taken, 0))
    asked = select(func.min(ORDERS.c.number)).where(*waiting).scalar_subquery()
    query = select(ORDERS).where(ORDERS.c.number.in_((taken, asked)))
    found = (await connection.execute(query)).mappings().all()
    by_state = {row["state"]: _order_of(row) for row in found}
    holding = by_state.get("taken")
    pin = holding if holding is not None and holding.digest is not None else None
    return StandingOrders(pin, by_state.get("asked"))


def _order_of(row: RowMapping) -> Order:
    return Order(**{name: row[name] for name in Order.__slots__})


async def _settle(
    connection: AsyncConnection, order: Order, state: str, answer: str | None
) -> bool:
    """Mark an order that waited as done. False when another gateway has."""
    waiting = (ORDERS.c.number == order.number, ORDERS.c.state == "asked")
    done = await connection.execute(
        update(ORDERS).where(*waiting).values(state=state, answer=answer)
    )
    return bool(done.rowcount)


async def _whole_digest(connection: AsyncConnection, prefix: str) -> str:
    wanted = prefix.strip().lower()
    if len(wanted) < _SHORTEST_PREFIX:
        raise VersionNotFound(f"{prefix!r} is too short: give {_SHORTEST_PREFIX} digits at least")
    column = VERSIONS.c.digest
    # A range instead of LIKE: it knows no wildcards.
    query = select(column).where(column >= wanted, column < wanted + "~").limit(2)
    found = (await connection.scalars(query)).all()
    if not found:
        raise VersionNotFound(
            f"no version is {prefix!r}; `gatehouse policy versions` shows those that are kept"
        )
    if len(found) > 1:
        raise VersionNotFound(f"{prefix!r} begins several digests; give more of it")
    return str(found[0])


async def _keep(
    connection: AsyncConnection, change: Changed, stored: StoredConfiguration, now_unix_us: int
) -> None:
    here = VERSIONS.c.digest == change.digest
    done = await connection.execute(update(VERSIONS).where(here).values(last_unix_us=now_unix_us))
    if not done.rowcount:
        values = {
            "digest": change.digest,
            "first_unix_us": now_unix_us,
            "last_unix_us": now_unix_us,
            "source": stored.source,
            "file_count": len(stored.files),
            "size_bytes": stored.size_bytes,
            "files": stored.packed(),
            "changes": orjson.dumps(summary_of(change)).decode(),
        }
        await connection.execute(insert(VERSIONS).values(values))
    newest = select(VERSIONS.c.last_unix_us).order_by(VERSIONS.c.last_unix_us.desc())
    oldest = await connection.scalar(newest.offset(KEPT - 1).limit(1))
    if oldest is not None:
        pinned = (await _standing(connection)).pin
        held = "" if pinned is None or pinned.digest is None else pinned.digest
        old = (VERSIONS.c.last_unix_us < oldest, VERSIONS.c.digest != held)
        await connection.execute(delete(VERSIONS).where(*old))
