"""The ledger of a data folder as it is durable now: what the database has, and the journal yet."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import orjson

from gateway.audit.journal import FOLDER_NAME, Journal
from gateway.store.database import FILE_NAME

NONE: Mapping[str, int] = {}

_Place = tuple[str, int]


def exchange_records(data: Path, earlier: Mapping[str, int] = NONE) -> list[dict[str, Any]]:
    """The records of exchanges, without those up to a number of their lane."""
    return [each for each in durable_records(data, earlier) if "exchange_id" in each]


def key_records(data: Path) -> list[dict[str, Any]]:
    """The records of changes of keys."""
    return [each for each in durable_records(data) if "key_id" in each]


def durable_records(data: Path, earlier: Mapping[str, int] = NONE) -> list[dict[str, Any]]:
    """Every record, lane by lane, each in order; read as a process beside the gateway would.

    `earlier` are numbers by lane: records up to these are left out.
    """
    found: dict[_Place, str | bytes] = dict(_journaled(data))
    # Read after the journal: what was filed meanwhile is found twice, and never missed.
    found |= _filed(data)
    return [orjson.loads(found[at]) for at in sorted(found) if at[1] > earlier.get(at[0], 0)]


class _Placed(msgspec.Struct):
    lane: str
    seq: int


_place_in = msgspec.json.Decoder(_Placed).decode


def _journaled(data: Path) -> Iterator[tuple[_Place, bytes]]:
    journal = Journal(data / FOLDER_NAME)
    try:
        for raw in journal.records():
            placed = _place_in(raw)
            yield (placed.lane, placed.seq), raw
    finally:
        journal.close()


def _filed(data: Path) -> dict[_Place, str]:
    uri = (data / FILE_NAME).as_uri() + "?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        rows = connection.execute("SELECT lane, seq, body FROM audit_body").fetchall()
    return {(lane, seq): body for lane, seq, body in rows}
