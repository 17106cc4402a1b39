"""`/admin/v1/ledger`: find records of the ledger, and read all of one exchange."""

from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Final, cast

from fastapi import FastAPI, Path, Query
from pydantic import Field

from gateway.admin.access import Asking
from gateway.admin.desk import Desk
from gateway.admin.forms import (
    EPOCH,
    Moment,
    Queried,
    Text,
    TimeTold,
    Told,
    parse_moment,
    time_told,
)
from gateway.admin.guard import ROOT
from gateway.admin.paging import Cursor, Limit, NextCursor, cursor_of, position_of
from gateway.admin.problems import Flaw, Problem
from gateway.roles import Permission
from gateway.store.ledger import (
    AmbiguousAuditId,
    ExchangeNotFound,
    LedgerRow,
    Place,
    Search,
)

MOST_DAYS: Final = 31
_MICROSECOND: Final = timedelta(microseconds=1)


class RecordTold(Told):
    """One record, and its hash in its lane's chain."""

    id: str = Field(description="Of the exchange, the key, or what else it tells of.")
    kind: str
    time: TimeTold
    time_unix_us: int
    lane: str
    seq: int
    record_hash: str
    record: dict[str, Any] = Field(description="The record as it was hashed; docs/cli.md has it.")


class RecordsTold(Told):
    """A page of records, the newest first."""

    since: TimeTold
    until: TimeTold
    records: tuple[RecordTold, ...]
    next_cursor: NextCursor


class StoryTold(Told):
    """All records of one exchange, or of the changes of one key, in their order."""

    id: str
    records: tuple[RecordTold, ...]


class RecordsQuery(Queried):
    """Which records."""

    team: Text | None = None
    user: Text | None = None
    model: Text | None = None
    kind: Annotated[
        str | None, Field(pattern="^[a-z_]{1,32}$", description="admitted, denied, completed, ...")
    ] = None
    outcome: Annotated[
        Text | None, Field(description="complete, failed, cut, ...; for a denial, its rule.")
    ] = None
    turn: Annotated[
        str | None,
        Field(pattern="^[0-9a-f]{4,64}$", description="Every try of this turn: of its beginning."),
    ] = None
    exception: Annotated[
        str | None,
        Field(pattern="^bg_[a-z0-9]{1,20}$", description="What passed because of a break-glass."),
    ] = None
    since: Annotated[
        Moment | None, Field(description="Default: a day before until; at most 31.")
    ] = None
    until: Annotated[Moment | None, Field(description="Default: now.")] = None
    limit: Limit = 100
    cursor: Cursor | None = None


class LedgerResource:
    """Reads the ledger; nothing here writes to it. It holds no content of prompts."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def declare(self, app: FastAPI) -> None:
        """Add its paths."""
        add = partial(app.add_api_route, tags=["ledger"], methods=["GET"])
        add(f"{ROOT}/ledger", self.search, operation_id="search_ledger")
        add(f"{ROOT}/ledger/{{record_id}}", self.story, operation_id="story")

    async def search(self, caller: Asking, query: Annotated[RecordsQuery, Query()]) -> RecordsTold:
        """Records of a time, the newest first, by whatever is known of them."""
        caller.must(Permission.READ_LEDGER)
        since_us, until_us = self._time(query)
        before = position_of(query.cursor, (int, str, int))
        search = Search(
            query.team,
            query.user,
            query.model,
            query.kind,
            query.outcome,
            query.turn,
            query.exception,
            since_unix_us=since_us,
            until_unix_us=until_us,
        )
        async with self._desk.reads.turn():
            found = await self._desk.ledger.newest(
                query.limit + 1, search, before=None if before is None else cast(Place, before)
            )
        rows = found[::-1]
        shown = rows[: query.limit]
        return RecordsTold(
            since=time_told(since_us),
            until=time_told(until_us),
            records=tuple(map(_told, shown)),
            next_cursor=cursor_of(shown[-1].place) if len(rows) > len(shown) else None,
        )

    async def story(
        self,
        caller: Asking,
        record_id: Annotated[str, Path(pattern="^[A-Za-z0-9_-]{4,40}$", examples=["gh-01M7ZS1Z"])],
    ) -> StoryTold:
        """An exchange by its audit id, or what was done to a key by its id; a beginning will do."""
        caller.must(Permission.READ_LEDGER)
        try:
            async with self._desk.reads.turn():
                rows = await self._desk.ledger.exchange(record_id)
        except ExchangeNotFound as error:
            raise Problem(404, "unknown_record", str(error)) from error
        except AmbiguousAuditId as error:
            flaw = Flaw(where="path.record_id", message=str(error))
            raise Problem(422, "ambiguous_id", str(error), [flaw]) from error
        return StoryTold(id=rows[0].exchange_id, records=tuple(map(_told, rows)))

    def _time(self, query: RecordsQuery) -> tuple[int, int]:
        now = EPOCH + timedelta(microseconds=self._desk.unix_us())
        until = now if query.until is None else parse_moment(query.until)
        day_before = max(EPOCH, until - timedelta(days=1))
        since = day_before if query.since is None else parse_moment(query.since)
        if not EPOCH <= since < until or until - since > timedelta(days=MOST_DAYS):
            told = f"is not before until, or more than {MOST_DAYS} days before"
            flaw = Flaw(where="query.since", message=told)
            raise Problem(422, "invalid_request", f"query.since: {told}", [flaw])
        return (since - EPOCH) // _MICROSECOND, (until - EPOCH) // _MICROSECOND


def _told(row: LedgerRow) -> RecordTold:
    return RecordTold(
        id=row.exchange_id,
        kind=row.kind,
        time=time_told(row.time_unix_us),
        time_unix_us=row.time_unix_us,
        lane=row.lane,
        seq=row.seq,
        record_hash=row.record_hash,
        record=row.body,
    )
