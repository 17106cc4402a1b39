"""The ledger as it is read: by the command line, the telemetry shipper, and a gateway."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from gateway.audit.chain import ChainedRecord
from gateway.continuation import Origin
from gateway.errors import LedgerUnavailable
from gateway.store.database import Database
from gateway.store.passed import admitted_under
from gateway.store.tables import BODIES, CURSORS, LANES, LEAVES
from gateway.store.traffic import TrafficRow, traffic

Place = tuple[int, str, int]
"""Where a record stands in time: its microsecond, lane and number."""

Position = Mapping[str, int]
"""How far somebody has read: the last number seen of each lane."""

_KEY_COLUMNS = (BODIES.c.lane, BODIES.c.seq)


class ExchangeNotFound(LookupError):
    """No exchange has this audit id, or one that begins so."""


class AmbiguousAuditId(LookupError):
    """More than one exchange's audit id begins so; `candidates` are some of them."""

    def __init__(self, prefix: str, candidates: Sequence[str]) -> None:
        super().__init__(f"{prefix!r} begins several audit ids: {', '.join(candidates)}, ...")
        self.candidates = tuple(candidates)


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One record as it stands in the ledger. `raw_body` is the canonical JSON that was hashed."""

    lane: str
    seq: int
    exchange_id: str
    kind: str
    time_unix_us: int
    record_hash: str
    raw_body: str

    @property
    def place(self) -> Place:
        """Where it stands in time."""
        return self.time_unix_us, self.lane, self.seq

    @property
    def body(self) -> dict[str, Any]:
        """The record, decoded anew at each call."""
        decoded: dict[str, Any] = orjson.loads(self.raw_body)
        return decoded

    @property
    def told(self) -> dict[str, Any]:
        """The record as people are told it: under its kind here, which may be `late`."""
        return {**self.body, "kind": self.kind}


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for; what is None does not matter. Times are UTC microseconds.

    `outcome` is a completed record's outcome, a denied record's rule, or `unknown`. `since` is
    inclusive, `until` is not. `turn_id` may be the beginning of one: all records of its exchanges;
    `exception` is a break-glass: all records of exchanges admitted because of it. These two have no
    index, so every record that else would match is looked into.
    """

    team: str | None = None
    subject: str | None = None
    model: str | None = None
    kind: str | None = None
    outcome: str | None = None
    turn_id: str | None = None
    exception: str | None = None
    since_unix_us: int | None = None
    until_unix_us: int | None = None


class Ledger:
    """Questions to the ledger. Nothing here writes to it; only cursors are moved."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def origin_of(self, response_id: str) -> Origin | None:
        """Who was given the answer of this id, and by which target (`continuation.Origins`).

        Raises `LedgerUnavailable` when the database does not answer.
        """
        admitted = BODIES.alias("admitted")
        same = and_(admitted.c.exchange_id == BODIES.c.exchange_id, admitted.c.kind == "admitted")
        query = (
            select(admitted.c.subject, admitted.c.team, BODIES.c.total_tokens, BODIES.c.body)
            .join_from(BODIES, admitted, same)
            .where(BODIES.c.response_id == response_id)
            .order_by(BODIES.c.time_unix_us.desc())
            .limit(1)
        )
        try:
            async with self._database.reading() as connection:
                found = (await connection.execute(query)).first()
        except (SQLAlchemyError, OSError) as error:
            raise LedgerUnavailable(
                "the answer that this request goes on from cannot be looked up now; try again"
            ) from error
        if found is None:
            return None
        subject, team, tokens, body = found
        target = orjson.loads(body).get("target")
        return None if target is None else Origin(subject, team, target, tokens or 0)

    async def newest(
        self, count: int, search: Search | None = None, *, before: Place | None = None
    ) -> list[LedgerRow]:
        """The newest `count` records that match, oldest of them first; all before a place."""
        columns = (BODIES.c.time_unix_us, BODIES.c.lane, BODIES.c.seq)
        query = (
            _rows()
            .where(*_conditions(search or Search()))
            .order_by(*[each.desc() for each in columns])
            .limit(count)
        )
        if before is not None:
            query = query.where(tuple_(*columns) < tuple_(*map(literal, before)))
        return (await self._fetch(query))[::-1]

    async def end(self) -> Position:
        """The position after everything that is there now."""
        last = select(func.max(BODIES.c.seq)).where(BODIES.c.lane == LANES.c.lane)
        async with self._database.reading() as connection:
            found = await connection.execute(select(LANES.c.lane, last.scalar_subquery()))
            return {lane: seq or 0 for lane, seq in found}

    async def after(
        self, position: Position, limit: int, search: Search | None = None
    ) -> tuple[list[LedgerRow], Position]:
        """Records beyond `position` that match, and the position after them.

        Lane by lane, each in order; nothing is skipped, whatever lane it is written to later.
        """
        conditions = _conditions(search or Search())
        reached, rows = dict(position), list[LedgerRow]()
        for lane, last_seq in sorted((await self.end()).items()):
            seen = position.get(lane, 0)
            if last_seq <= seen:
                continue
            query = _rows().where(BODIES.c.lane == lane, BODIES.c.seq > seen, *conditions)
            found = await self._fetch(query.order_by(BODIES.c.seq).limit(limit - len(rows)))
            rows += found
            if len(rows) == limit:
                return rows, _furthest(reached, found)
            reached = _furthest({**reached, lane: last_seq}, found)
        return rows, reached

    async def exchange(self, audit_id: str) -> list[LedgerRow]:
        """Every record of one exchange, or of what became of a key or an exception, in order.

        A prefix will do when it is unambiguous.

        Raises `ExchangeNotFound` or `AmbiguousAuditId`.
        """
        prefix = _normalised(audit_id)
        column = BODIES.c.exchange_id
        # A range instead of LIKE: it can use the index, and knows no wildcards.
        candidates = select(column).where(column >= prefix, column < prefix + "~").distinct()
        async with self._database.reading() as connection:
            found = (await connection.scalars(candidates.order_by(column).limit(3))).all()
        if not found:
            raise ExchangeNotFound(
                f"nothing on record has the id {audit_id!r}; a caller without a key or token that "
                "is known here is turned away (401) and not recorded"
            )
        if len(found) > 1 and found[0] != prefix:
            raise AmbiguousAuditId(audit_id, found)
        query = _rows().where(column == found[0])
        return await self._fetch(query.order_by(BODIES.c.time_unix_us, *_KEY_COLUMNS))

    async def pending(self, sink: str, limit: int) -> list[LedgerRow]:
        """Records that `sink` has not taken yet, in order of lane and number."""
        taken = select(CURSORS.c.lane, CURSORS.c.seq).where(CURSORS.c.sink == sink)
        async with self._database.reading() as connection:
            position = dict((await connection.execute(taken)).all())
        rows, _ = await self.after(position, limit)
        return rows

    async def advance(self, sink: str, rows: Sequence[LedgerRow]) -> None:
        """Note that `sink` has taken these rows, and so all before them in their lanes.

        A cursor never moves back.
        """
        async with self._database.writing() as connection:
            for lane, seq in _furthest({}, rows).items():
                here = and_(CURSORS.c.sink == sink, CURSORS.c.lane == lane)
                known = await connection.scalar(select(CURSORS.c.seq).where(here))
                if known is None:
                    values = {"sink": sink, "lane": lane, "seq": seq}
                    await connection.execute(insert(CURSORS).values(values))
                elif known < seq:
                    await connection.execute(update(CURSORS).where(here).values(seq=seq))

    def traffic(
        self, since_unix_us: int, until_unix_us: int
    ) -> AsyncIterator[Sequence[TrafficRow]]:
        """Pages of the records of requests and their ends (`gateway.store.traffic`)."""
        return traffic(self._database, since_unix_us, until_unix_us)

    async def lanes(self) -> list[str]:
        """Every lane, oldest first."""
        query = select(LANES.c.lane).order_by(LANES.c.opened_unix_us, LANES.c.lane)
        async with self._database.reading() as connection:
            return list((await connection.scalars(query)).all())

    async def chain(self, lane: str, *, after_seq: int, limit: int) -> list[ChainedRecord]:
        """A run of a lane, for `gateway.audit.chain.find_breaks`."""
        columns = (LEAVES.c.lane, LEAVES.c.seq, LEAVES.c.record_hash, LEAVES.c.prev_hash)
        same = and_(BODIES.c.lane == LEAVES.c.lane, BODIES.c.seq == LEAVES.c.seq)
        query = (
            select(*columns, BODIES.c.body)
            .outerjoin_from(LEAVES, BODIES, same)
            .where(LEAVES.c.lane == lane, LEAVES.c.seq > after_seq)
            .order_by(LEAVES.c.seq)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            found = (await connection.execute(query)).all()
        return [
            ChainedRecord(
                row[0], row[1], row[2], row[3], None if row[4] is None else row[4].encode()
            )
            for row in found
        ]

    async def _fetch(self, query: Select[*tuple[Any, ...]]) -> list[LedgerRow]:
        async with self._database.reading() as connection:
            return [_row(found) for found in await connection.execute(query)]


def _rows() -> Select[*tuple[Any, ...]]:
    same = and_(LEAVES.c.lane == BODIES.c.lane, LEAVES.c.seq == BODIES.c.seq)
    return select(
        BODIES.c.lane,
        BODIES.c.seq,
        BODIES.c.exchange_id,
        BODIES.c.kind,
        BODIES.c.time_unix_us,
        LEAVES.c.record_hash,
        BODIES.c.body,
    ).join_from(BODIES, LEAVES, same)


def _row(found: Row[*tuple[Any, ...]]) -> LedgerRow:
    lane, seq, exchange_id, kind, time_unix_us, record_hash, body = found
    return LedgerRow(lane, seq, exchange_id, kind, time_unix_us, record_hash.hex(), body)


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    wanted = {
        BODIES.c.team: search.team,
        BODIES.c.subject: search.subject,
        BODIES.c.model: search.model,
        BODIES.c.kind: search.kind,
        BODIES.c.outcome: search.outcome,
    }
    conditions = [column == value for column, value in wanted.items() if value is not None]
    if search.since_unix_us is not None:
        conditions.append(BODIES.c.time_unix_us >= search.since_unix_us)
    if search.until_unix_us is not None:
        conditions.append(BODIES.c.time_unix_us < search.until_unix_us)
    if search.turn_id is not None:
        conditions.append(BODIES.c.exchange_id.in_(_of_turn(search.turn_id)))
    if search.exception is not None:
        conditions.append(BODIES.c.exchange_id.in_(_under(search.exception)))
    return conditions


def _under(exception: str) -> Select[str]:
    """The exchanges that were admitted because of a break-glass."""
    opening = BODIES.alias("opening")
    return select(opening.c.exchange_id).where(*admitted_under(opening, exception))


def _of_turn(turn_id: str) -> Select[str]:
    """The exchanges of a turn. Within a text of the canonical JSON the quotes would be escaped."""
    opening = BODIES.alias("opening")
    return select(opening.c.exchange_id).where(
        opening.c.kind.in_(("admitted", "denied")),
        opening.c.body.contains(f'"turn_id":"{turn_id}', autoescape=True),
    )


def _furthest(position: Position, rows: Sequence[LedgerRow]) -> dict[str, int]:
    reached = dict(position)
    for row in rows:
        reached[row.lane] = max(row.seq, reached.get(row.lane, 0))
    return reached


def _normalised(audit_id: str) -> str:
    """An id as it is stored: that of what was changed (`key_...`, `cfg_...`, `bg_...`), or an audit
    id typed in any case, with or without `gh-`."""
    if "_" in audit_id:  # which no ULID has
        return audit_id.strip().lower()
    return "gh-" + audit_id.strip().upper().removeprefix("GH-")
