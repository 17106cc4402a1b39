"""Records as PostgreSQL takes them: whole batches as arrays, one statement for all their rows."""

from collections.abc import Iterable, Iterator, Sequence

import asyncpg

from gateway.audit.batch import BodyRow, Rows
from gateway.store.postgres import without_nul
from gateway.store.tables import BODIES

_KIND = BODIES.c.keys().index("kind")
_EXCHANGE_ID = BODIES.c.keys().index("exchange_id")
# Others than ours may have chosen these: a record that is never taken would hold up all after it.
_NAMES = ("team", "subject", "model", "outcome", "response_id")
_TEXTS = tuple(BODIES.c.keys().index(name) for name in _NAMES)
_ENDS = ("completed", "unknown")

# A transaction of its own, and one round trip. The lane's row is held so that whoever recovers the
# lane, believing its writer dead, does so before this or after; after that nothing is written so.
_INSERT = """
WITH mine AS MATERIALIZED (
    SELECT lane FROM audit_lane WHERE lane = $1 AND ($2 OR recovered_seq IS NULL) FOR SHARE
), leaf AS (
    INSERT INTO audit_leaf (lane, seq, record_id, record_hash, prev_hash, time_unix_us)
    SELECT mine.lane, leaf.* FROM mine,
        unnest($3::bigint[], $4::text[], $5::bytea[], $6::bytea[], $7::bigint[]) AS leaf
), body AS (
    INSERT INTO audit_body (lane, seq, exchange_id, kind, time_unix_us, team, subject, model,
        outcome, cost_nano_usd, total_tokens, response_id, body)
    SELECT mine.lane, body.* FROM mine,
        unnest($8::bigint[], $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[],
            $14::text[], $15::text[], $16::bigint[], $17::bigint[], $18::text[], $19::text[])
        AS body
)
SELECT count(*) FROM mine
"""
# Who holds a lane and stands still is disconnected: nobody can wait for its writer for ever.
_LOCK = """
SELECT recovered_seq, set_config('idle_in_transaction_session_timeout', '10s', true)
FROM audit_lane WHERE lane = $1 FOR UPDATE
"""
_HEAD = "SELECT seq, record_hash FROM audit_leaf WHERE lane = $1 ORDER BY seq DESC LIMIT 1"
_ENDED = """
SELECT DISTINCT exchange_id FROM audit_body
WHERE exchange_id = ANY($1) AND kind IN ('completed', 'unknown')
"""


async def lock_lane(connection: asyncpg.Connection, lane: str) -> bool:
    """Keep everybody else from this lane until the transaction ends.

    Waits for a write that is under way, also for that of a connection we have given up. True
    where another process has ended what the lane had left open.
    """
    found = await connection.fetchrow(_LOCK, lane)
    return found is not None and found["recovered_seq"] is not None


async def head_of(connection: asyncpg.Connection, lane: str) -> tuple[int, bytes] | None:
    """Number and hash of the lane's last record."""
    found = await connection.fetchrow(_HEAD, lane)
    return None if found is None else (found["seq"], found["record_hash"])


async def insert(connection: asyncpg.Connection, lane: str, rows: Rows) -> bool:
    """Write rows, all or none; False, and nothing, where another process recovered the lane."""
    return bool(await connection.fetchval(_INSERT, lane, False, *_columns(rows)))


async def insert_recovered(connection: asyncpg.Connection, lane: str, rows: Rows) -> None:
    """Write rows of a lane that is locked; what ends an exchange a second time is `late`."""
    rows = await _with_late_ends(connection, rows)
    await connection.execute(_INSERT, lane, True, *_columns(rows))


def _columns(rows: Rows) -> list[Sequence[object]]:
    """The rows' columns but the lane, one array each. There must be rows."""
    leaves, bodies = list(zip(*rows.leaves, strict=True)), list(zip(*rows.bodies, strict=True))
    for column in _TEXTS:
        bodies[column] = tuple(map(without_nul, bodies[column]))
    return [*leaves[1:], *bodies[1:]]


async def _with_late_ends(connection: asyncpg.Connection, rows: Rows) -> Rows:
    """The record stays what it is, and keeps its place; it only counts for nothing but its cost."""
    ends = [row[_EXCHANGE_ID] for row in rows.bodies if row[_KIND] in _ENDS]
    if not ends:
        return rows
    ended = {row["exchange_id"] for row in await connection.fetch(_ENDED, ends)}
    marked = Rows(rows.leaves, [])
    for row in rows.bodies:
        is_late = row[_KIND] in _ENDS and row[_EXCHANGE_ID] in ended
        marked.bodies.append(_late(row) if is_late else row)
    return marked


def _late(row: BodyRow) -> BodyRow:
    lane, seq, *values = row
    values[_KIND - 2] = "late"
    return (lane, seq, *values)


def in_pages(journaled: Iterable[bytes], records: int) -> Iterator[dict[str, Rows]]:
    """What a journal holds, so many records at a time, by lane."""
    page: dict[str, Rows] = {}
    for taken, raw in enumerate(journaled, 1):
        rows = Rows()
        rows.add_raw(raw)
        page.setdefault(rows.leaves[0][0], Rows()).extend(rows)
        if taken % records == 0:
            yield page
            page = {}
    if page:
        yield page
