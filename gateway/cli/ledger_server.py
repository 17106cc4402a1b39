"""The ledger of a gateway elsewhere, over its admin API, which tells it a month at a time."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from gateway.cli.output import note
from gateway.cli.server import PAGE, AdminServer, part_of_path
from gateway.cli.times import unix_us

if TYPE_CHECKING:
    from gateway.cli.ports import Told
    from gateway.store.ledger import LedgerRow, Search

POLL_SECONDS: Final = 2.0
_SECOND_US: Final = 1_000_000
_MONTH_US: Final = 31 * 86_400 * _SECOND_US
_LATE_US: Final = 10 * _SECOND_US
"""So long after its own time a record may get into the ledger and be told while following."""

_NO_END: Final = 1 << 62


class ServerLedger:
    """As `gateway.cli.ports.Records` says. What is now, the gateway's clock says."""

    def __init__(self, server: AdminServer) -> None:
        self._server = server

    def newest(self, count: int, search: "Search") -> "Sequence[LedgerRow]":
        """The newest that match, oldest of them first; of the last month unless `search` begins
        somewhere."""
        if search.since_unix_us is None:
            note("Of 31 days; --since asks for more.")
        with self._server.understood():
            return self._newest(count, search)

    def story(self, audit_id: str) -> "Sequence[LedgerRow]":
        """Every record of one exchange, or of what became of a key or an exception."""
        told = self._server.get(f"/ledger/{part_of_path(audit_id, 'record with the id')}")
        with self._server.understood():
            return [_row(each) for each in told["records"]]

    def tail(self, count: int, told: "Told", *, is_followed: bool) -> None:
        """Tell the newest, and then, where it is followed, for ever what comes."""
        from gateway.store.ledger import Search

        with self._server.understood():
            since = self._now() - _LATE_US
            known = {row.place for row in self._window(Search(), _NO_END, since, None)}
            rows = self._newest(count, Search())
        told(rows)
        known |= {row.place for row in rows}
        while is_followed:
            self._server.sleep(POLL_SECONDS)
            with self._server.understood():
                found = list(self._window(Search(), _NO_END, since, None))
            told(sorted((row for row in found if row.place not in known), key=_place_of))
            known |= {row.place for row in found}
            since = max(since, max((row.time_unix_us for row in found), default=0) - _LATE_US)
            known = {place for place in known if place[0] >= since}

    def _newest(self, count: int, search: "Search") -> "list[LedgerRow]":
        until = self._now() if search.until_unix_us is None else search.until_unix_us
        first = until - _MONTH_US if search.since_unix_us is None else search.since_unix_us
        rows: list[LedgerRow] = []
        while len(rows) < count and until > first:
            since = max(first, until - _MONTH_US)
            rows += self._window(search, count - len(rows), since, until)
            until = since
        return rows[::-1]

    def _window(
        self, search: "Search", count: int, since_us: int, until_us: int | None
    ) -> "Iterator[LedgerRow]":
        """Of at most a month, the newest first."""
        cursor: object = None
        while count > 0:
            page = self._server.get(
                "/ledger",
                limit=min(count, PAGE),
                cursor=cursor,
                since=_exact(since_us),
                until=None if until_us is None else _exact(until_us),
                **_query(search),
            )
            yield from map(_row, page["records"])
            count -= len(page["records"])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _now(self) -> int:
        """The gateway's time, in UTC microseconds, and as much as it takes to include it."""
        until = datetime.fromisoformat(self._server.get("/ledger", limit=1)["until"])
        return unix_us(until) + 1


def _query(search: "Search") -> Mapping[str, object]:
    return {
        "team": search.team,
        "user": search.subject,
        "model": search.model,
        "kind": search.kind,
        "outcome": search.outcome,
        "turn": search.turn_id,
        "exception": search.exception,
    }


def _exact(unix_us: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=max(0, unix_us))
    return moment.isoformat()


def _place_of(row: "LedgerRow") -> tuple[int, str, int]:
    return row.place


def _row(told: Mapping[str, Any]) -> "LedgerRow":
    from gateway.store.ledger import LedgerRow

    return LedgerRow(
        lane=told["lane"],
        seq=told["seq"],
        exchange_id=told["id"],
        kind=told["kind"],
        time_unix_us=told["time_unix_us"],
        record_hash=told["record_hash"],
        raw_body=json.dumps(told["record"]),
    )
