"""The rollup: what the ledger's exchanges used, summed by the hour in the database itself.

No figure is summed where it is recorded: a cursor per lane says how far the ledger has been
summed, and each step sums what lies beyond it in one statement, which moves no row through this
process. So the rollup costs nothing until somebody asks, equals the ledger, and can be made anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    literal,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.database import Database
from gateway.store.tables import BODIES, CURSORS, LANES, USAGE_HOURS

SINK: Final = "usage"
"""By this name the rollup's cursors stand beside those of the telemetry."""

STEP_RECORDS: Final = 3000
"""Some 40 ms of the write lock on a laptop; the ledger's own thread waits that long."""

LONGEST_NAME: Final = 128
"""Characters kept of a model's name: a denied request may have named anything."""

_HOUR_US: Final = 3_600_000_000
_FAILED: Final = ("failed", "cut", "unknown")
_E: Final = BODIES.alias("ended")
_A: Final = BODIES.alias("admitted")
_U: Final = BODIES.alias("estimated")
_NUMBERS: Final = (
    "requests",
    "denied",
    "failed",
    "unpriced",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "cost_nano_usd",
)

Adding = sqlite.Insert | postgresql.Insert
Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Records of one lane that are not summed yet: behind `after`, up to `upto`."""

    lane: str
    after: int
    upto: int

    def first(self, records: int) -> "_Stretch":
        """The beginning of it."""
        return _Stretch(self.lane, self.after, min(self.upto, self.after + records))


@dataclass(frozen=True, slots=True)
class Sums:
    """What is summed: into which table, by which statement of a dialect, under whose cursors.

    The statement has the parameters `lane`, `after` and `upto`.
    """

    sink: str
    table: Table
    summing: Callable[[str], Adding]


class Rollup:
    """Keeps sums level with the ledger: those of `usage_hour`, or others. Several processes may do
    so at once: each stretch of the ledger is counted once.
    """

    def __init__(
        self,
        database: Database,
        sums: Sums | None = None,
        *,
        step_records: int = STEP_RECORDS,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._database = database
        self._sums = sums or Sums(SINK, USAGE_HOURS, _summing)
        self._step_records = step_records
        self._sleep = sleep
        self._turn = asyncio.Lock()

    async def behind(self) -> int:
        """How many records of the ledger are not summed yet."""
        return sum(each.upto - each.after for each in await self._stretches())

    async def is_kept(self) -> bool:
        """Whether somebody has ever asked for it here: then it is worth keeping level."""
        kept = select(CURSORS.c.lane).where(CURSORS.c.sink == self._sums.sink).limit(1)
        async with self._database.reading() as connection:
            return await connection.scalar(kept) is not None

    async def catch_up(self) -> None:
        """Return once all that was in the ledger at the call is summed."""
        async with self._turn:
            for stretch in await self._stretches():
                await self._sum_all(stretch)

    async def rebuild(self) -> None:
        """Forget every sum, and sum the whole ledger anew."""
        async with self._turn, self._database.writing() as connection:
            await connection.execute(delete(self._sums.table))
            await connection.execute(delete(CURSORS).where(CURSORS.c.sink == self._sums.sink))
        await self.catch_up()

    async def _sum_all(self, stretch: _Stretch) -> None:
        clock = asyncio.get_running_loop().time
        while stretch.after < stretch.upto:
            began = clock()
            step = stretch.first(self._step_records)
            async with self._database.writing() as connection:
                if await _advance(connection, self._sums.sink, step):
                    summing = self._sums.summing(connection.dialect.name)
                    await connection.execute(summing, _bound(step))
                    summed = step.upto
                else:  # another process has summed some of this lane
                    summed = await _cursor(connection, self._sums.sink, stretch.lane)
            stretch = _Stretch(stretch.lane, summed, stretch.upto)
            # The ledger's own writer must find the lock free in between.
            await self._sleep((clock() - began) / 2)

    async def _stretches(self) -> list[_Stretch]:
        last = select(func.max(BODIES.c.seq)).where(BODIES.c.lane == LANES.c.lane)
        here = and_(CURSORS.c.sink == self._sums.sink, CURSORS.c.lane == LANES.c.lane)
        query = (
            select(LANES.c.lane, func.coalesce(CURSORS.c.seq, 0), last.scalar_subquery())
            .outerjoin_from(LANES, CURSORS, here)
            .order_by(LANES.c.opened_unix_us, LANES.c.lane)
        )
        async with self._database.reading() as connection:
            found = (await connection.execute(query)).all()
        return [_Stretch(lane, seen, upto) for lane, seen, upto in found if (upto or 0) > seen]


async def _advance(connection: AsyncConnection, sink: str, step: _Stretch) -> bool:
    """Move the lane's cursor over the step; False where it is not at the step's beginning."""
    if step.after == 0:
        begun = insert_of(connection.dialect.name, CURSORS)
        values = {"sink": sink, "lane": step.lane, "seq": step.upto}
        done = await connection.execute(begun.values(values).on_conflict_do_nothing())
    else:
        here = and_(
            CURSORS.c.sink == sink, CURSORS.c.lane == step.lane, CURSORS.c.seq == step.after
        )
        done = await connection.execute(update(CURSORS).where(here).values(seq=step.upto))
    return done.rowcount == 1


async def _cursor(connection: AsyncConnection, sink: str, lane: str) -> int:
    here = and_(CURSORS.c.sink == sink, CURSORS.c.lane == lane)
    return await connection.scalar(select(CURSORS.c.seq).where(here)) or 0


def _bound(step: _Stretch) -> Mapping[str, Any]:
    return {"lane": step.lane, "after": step.after, "upto": step.upto}


def insert_of(dialect: str, table: Table) -> Adding:
    """An insert that knows what to do where the row is there."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


@lru_cache(maxsize=2)
def _summing(dialect: str) -> Adding:
    """Sum a stretch of a lane, and add the sums to those that are there."""
    rows = union_all(_told(dialect), _withdrawn(dialect)).subquery("rows")
    key = [each.name for each in USAGE_HOURS.c if each.name not in _NUMBERS]
    summed = (
        select(*[rows.c[name] for name in key], *[func.sum(rows.c[name]) for name in _NUMBERS])
        .where(true())  # else SQLite takes ON CONFLICT for the condition of a join
        .group_by(*[rows.c[name] for name in key])
    )
    adding = insert_of(dialect, USAGE_HOURS).from_select([*key, *_NUMBERS], summed)
    return adding.on_conflict_do_update(
        index_elements=[USAGE_HOURS.c[name] for name in key],
        set_={name: USAGE_HOURS.c[name] + adding.excluded[name] for name in _NUMBERS},
    )


def _told(dialect: str) -> Select[*tuple[Any, ...]]:
    """What each end of a stretch adds."""
    columns = _key(dialect, _E) | _counts(dialect) | _used(dialect, _E)
    return (
        select(*[each.label(name) for name, each in columns.items()])
        .outerjoin_from(_E, _A, _opening_of(_E))
        .where(*_in_stretch(_E), _E.c.kind.in_(("completed", "unknown", "denied", "late")))
    )


def _withdrawn(dialect: str) -> Select[*tuple[Any, ...]]:
    """What was estimated of exchanges whose own ends have come late: those say what it was."""
    columns: dict[str, ColumnElement[Any]] = {**_key(dialect, _U)}
    columns |= {name: literal(0) for name in _counts(dialect)}
    columns |= {name: -each for name, each in _used(dialect, _U).items()}
    estimated = and_(_U.c.exchange_id == _E.c.exchange_id, _U.c.kind == "unknown")
    return (
        select(*[each.label(name) for name, each in columns.items()])
        .select_from(_E.join(_U, estimated).outerjoin(_A, _opening_of(_U)))
        .where(*_in_stretch(_E), _E.c.kind == "late")
    )


def _in_stretch(rows: FromClause) -> list[ColumnElement[bool]]:
    seq = rows.c.seq
    return [rows.c.lane == bindparam("lane"), seq > bindparam("after"), seq <= bindparam("upto")]


def _opening_of(end: FromClause) -> ColumnElement[bool]:
    return and_(_A.c.exchange_id == end.c.exchange_id, _A.c.kind == "admitted")


def _key(dialect: str, end: FromClause) -> dict[str, ColumnElement[Any]]:
    # A denial is its own beginning; of what was admitted the beginning says who asked.
    opening = func.coalesce(_A.c.body, end.c.body)
    kind = member(dialect, opening, "identity_kind")
    return {
        "hour_unix_seconds": end.c.time_unix_us // _HOUR_US * 3600,
        "team": func.coalesce(_A.c.team, end.c.team, ""),
        "subject": func.coalesce(_A.c.subject, end.c.subject, ""),
        "is_service": func.coalesce(kind, "") == "service",
        "model": func.substr(func.coalesce(_A.c.model, end.c.model, ""), 1, LONGEST_NAME),
        "assistant": func.coalesce(member(dialect, opening, "assistant", "name"), ""),
        "target": func.coalesce(member(dialect, end.c.body, "target"), ""),
    }


def _counts(dialect: str) -> dict[str, ColumnElement[Any]]:
    def counted(condition: ColumnElement[bool]) -> ColumnElement[Any]:
        return case((condition, 1), else_=0)

    # Of a `late` end the exchange counts already, as unknown; only what it used is told by it.
    once = _E.c.kind != "late"
    # `price_known` is said only where it is false; of a lost exchange nobody saw the
    # cost; it is estimated where a cap had it reserved.
    unseen = (_E.c.kind == "unknown") & _E.c.cost_nano_usd.is_(None)
    unpriced = member(dialect, _E.c.body, "price_known").is_not(None) | unseen
    return {
        "requests": counted(once),
        "denied": counted(_E.c.kind == "denied"),
        "failed": counted(once & (_E.c.kind != "denied") & _E.c.outcome.in_(_FAILED)),
        "unpriced": counted(once & unpriced),
    }


def _used(dialect: str, end: FromClause) -> dict[str, ColumnElement[Any]]:
    def used(*names: str) -> ColumnElement[Any]:
        parts = [_number(member(dialect, end.c.body, "usage", name)) for name in names]
        return sum(parts[1:], parts[0])

    return {
        "input_tokens": used("input_tokens"),
        "cache_read_tokens": used("cache_read_tokens"),
        "cache_write_tokens": used("cache_write_5m_tokens", "cache_write_1h_tokens"),
        "output_tokens": used("output_tokens"),
        "cost_nano_usd": func.coalesce(end.c.cost_nano_usd, 0),
    }


def member(dialect: str, body: ColumnElement[Any], *path: str) -> ColumnElement[Any]:
    """A member of a record's canonical JSON; null where it is not there.

    Text on PostgreSQL; on SQLite what the JSON has.
    """
    if dialect == "sqlite":
        return func.json_extract(body, literal("$." + ".".join(path)))
    found: ColumnElement[Any] = on_postgres(body)[path].astext
    return found


def on_postgres(body: ColumnElement[Any]) -> ColumnElement[Any]:
    """A record's JSON as PostgreSQL can look into it."""
    # Its text holds no NUL, which a client may have named in any text of the record.
    sound = func.replace(body, literal("\\u0000"), literal("\\ufffd"))
    return cast(sound, postgresql.JSON)


def _number(value: ColumnElement[Any]) -> ColumnElement[int]:
    return func.coalesce(cast(value, BigInteger), 0)
