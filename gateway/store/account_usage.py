"""What accounts of caps have used, summed from the ledger by the quarter of an hour.

A rollup like that of the usage: nothing is summed until a cap asks, and the sums equal the ledger.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    TableValuedAlias,
    and_,
    bindparam,
    case,
    delete,
    func,
    select,
    true,
    union_all,
)
from sqlalchemy.exc import SQLAlchemyError

from gateway.caps.port import QUARTER_SECONDS, Ended, HistoryUnknown, Used
from gateway.polling import Polling
from gateway.store.database import Database
from gateway.store.rollup import Adding, Rollup, Sums, insert_of, on_postgres
from gateway.store.tables import ACCOUNT_QUARTERS, BODIES

log = logging.getLogger(__name__)

SINK: Final = "accounts"
LEVEL_SECONDS: Final = 60.0
LEVEL_ENOUGH_SECONDS: Final = 0.5
KEPT_SECONDS: Final = 40 * 86_400
"""No window is longer than 31 days."""

_QUARTER_US: Final = QUARTER_SECONDS * 1_000_000
_A: Final = ACCOUNT_QUARTERS.c
_ENDS: Final = ("completed", "unknown", "late")
_U: Final = BODIES.alias("estimated")
_SUMS: Final = ("requests", "tokens", "cost_nano_usd")


class AccountBook:
    """The `gateway.caps.port.History` of an installation.

    Once a cap has asked, here or before a restart, the sums are kept level with the ledger in the
    background, so that nobody who asks waits for long.
    """

    def __init__(
        self,
        database: Database,
        unix_s: Callable[[], int],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        self._level_at = -LEVEL_ENOUGH_SECONDS
        self._levelling = asyncio.Lock()
        self._unix_s = unix_s
        self._rollup = Rollup(database, Sums(SINK, ACCOUNT_QUARTERS, _summing))
        self._is_asked = False
        self._polling = Polling(
            "account-book", self._be_level_if_asked, seconds=LEVEL_SECONDS, sleep=sleep
        )

    async def start(self) -> None:
        """Sum what is new since the last run, if caps have ever asked. Raises `HistoryUnknown`."""
        with _known("everybody"):
            self._is_asked = await self._rollup.is_kept()
        if self._is_asked:
            await self.catch_up()
        self._polling.start()

    async def stop(self) -> None:
        """Stop keeping level. Safe to call twice."""
        await self._polling.stop()

    async def used(self, account: str, since_unix_s: int) -> Sequence[Used]:
        """What an account has used in the quarters that end after then. Raises `HistoryUnknown`."""
        query = (
            select(_A.quarter_unix_seconds, _A.requests, _A.tokens, _A.cost_nano_usd)
            .where(_A.account == account)
            .where(_A.quarter_unix_seconds > since_unix_s - QUARTER_SECONDS)
            .order_by(_A.quarter_unix_seconds)
        )
        self._is_asked = True
        with _known(account):
            await self._be_level()
            async with self._database.reading() as connection:
                found = (await connection.execute(query)).all()
        return [Used(*map(int, row)) for row in found]

    async def _be_level(self) -> None:
        """Sum what is new, unless that was done a moment ago: many may ask at once."""
        async with self._levelling:
            began = self._monotonic()
            if began - self._level_at >= LEVEL_ENOUGH_SECONDS:
                await self._rollup.catch_up()
                self._level_at = began

    async def ended(self, exchange_ids: Sequence[str]) -> Mapping[str, Ended]:
        """What those of the exchanges used that have their end. Raises `HistoryUnknown`."""
        query = select(
            BODIES.c.exchange_id,
            BODIES.c.kind,
            BODIES.c.total_tokens,
            BODIES.c.cost_nano_usd,
            BODIES.c.body,
        ).where(BODIES.c.exchange_id.in_(exchange_ids), BODIES.c.kind.in_(_ENDS))
        with _known("those exchanges"):
            async with self._database.reading() as connection:
                found = (await connection.execute(query)).all()
        ends: dict[str, Ended] = {}
        for exchange_id, kind, tokens, cost, raw in sorted(found, key=lambda row: row[1] == "late"):
            body = orjson.loads(raw)
            accounts = (f"team:{body.get('team')}", *body.get("charged", ()))
            requests = 1 if kind != "unknown" or body.get("attempts") else 0
            ends[exchange_id] = Ended(requests, int(tokens or 0), int(cost or 0), accounts)
        return ends

    async def catch_up(self) -> None:
        """Sum what is new, so that nobody who asks waits for it; and forget what is too old.

        Raises `HistoryUnknown`.
        """
        old = _A.quarter_unix_seconds < self._unix_s() - KEPT_SECONDS
        with _known("everybody"):
            await self._rollup.catch_up()
            async with self._database.writing() as connection:
                await connection.execute(delete(ACCOUNT_QUARTERS).where(old))

    async def _be_level_if_asked(self) -> None:
        if self._is_asked:
            try:
                await self.catch_up()
            except HistoryUnknown as error:
                log.warning("account_book_behind", extra={"error": str(error.__cause__)})


@contextmanager
def _known(account: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise HistoryUnknown(account) from error


@lru_cache(maxsize=2)
def _summing(dialect: str) -> Adding:
    """Sum a stretch of a lane: every end is its team's, and that of each account it names."""
    charged = _charged(dialect)
    of_teams = _ends("team:" + func.coalesce(BODIES.c.team, ""), BODIES)
    of_others = _ends(charged.c.value, BODIES.join(charged, true()))
    ends = union_all(of_teams, of_others).subquery("ends")
    summed = (
        select(
            ends.c.account,
            ends.c.quarter,
            func.sum(ends.c.requests),
            func.sum(ends.c.tokens),
            func.sum(ends.c.cost),
        )
        .where(true())  # else SQLite takes ON CONFLICT for the condition of a join
        .group_by(ends.c.account, ends.c.quarter)
    )
    names = ["account", "quarter_unix_seconds", *_SUMS]
    adding = insert_of(dialect, ACCOUNT_QUARTERS).from_select(names, summed)
    return adding.on_conflict_do_update(
        index_elements=[_A.account, _A.quarter_unix_seconds],
        set_={name: _A[name] + adding.excluded[name] for name in _SUMS},
    )


def _ends(account: ColumnElement[Any], rows: FromClause) -> Select[*tuple[Any, ...]]:
    """What each end adds. A late one takes the place of the estimate that was written before it."""
    is_late = BODIES.c.kind == "late"
    replaced = and_(is_late, _U.c.exchange_id == BODIES.c.exchange_id, _U.c.kind == "unknown")
    quarter = BODIES.c.time_unix_us // _QUARTER_US * QUARTER_SECONDS

    def added(name: str) -> ColumnElement[int]:
        return func.coalesce(BODIES.c[name], 0) - func.coalesce(_U.c[name], 0)

    return (
        select(
            account.label("account"),
            quarter.label("quarter"),
            case((is_late, 0), else_=1).label("requests"),
            added("total_tokens").label("tokens"),
            added("cost_nano_usd").label("cost"),
        )
        .select_from(rows.outerjoin(_U, replaced))
        .where(
            BODIES.c.lane == bindparam("lane"),
            BODIES.c.seq > bindparam("after"),
            BODIES.c.seq <= bindparam("upto"),
            BODIES.c.kind.in_(_ENDS),
        )
    )


def _charged(dialect: str) -> TableValuedAlias:
    """The accounts that a record names, each as a row."""
    if dialect == "sqlite":
        return func.json_each(BODIES.c.body, "$.charged").table_valued("value")
    named = on_postgres(BODIES.c.body)["charged"]
    return func.json_array_elements_text(named).table_valued("value")
