"""The ledger of a data folder as it is durable now: what the database has, and the journal yet."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from gateway.audit.journal import FOLDER_NAME, Journal
from gateway.store.database import FILE_NAME


def exchange_records(data: Path) -> list[dict[str, Any]]:
    """The records of exchanges."""
    return [each for each in durable_records(data) if "exchange_id" in each]


def key_records(data: Path) -> list[dict[str, Any]]:
    """The records of changes of keys."""
    return [each for each in durable_records(data) if "key_id" in each]


def durable_records(data: Path) -> list[dict[str, Any]]:
    """Every record, lane by lane, each in order; read as a process beside the gateway would."""
    found = {(each["lane"], each["seq"]): each for each in _journaled(data)}
    # Read after the journal: what was filed meanwhile is found twice, and never missed.
    found |= {(each["lane"], each["seq"]): each for each in _filed(data)}
    return [found[place] for place in sorted(found)]


def _journaled(data: Path) -> list[dict[str, Any]]:
    journal = Journal(data / FOLDER_NAME)
    try:
        return [orjson.loads(raw) for raw in journal.records()]
    finally:
        journal.close()


def _filed(data: Path) -> list[dict[str, Any]]:
    uri = (data / FILE_NAME).as_uri() + "?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        rows = connection.execute("SELECT body FROM audit_body").fetchall()
    return [orjson.loads(row[0]) for row in rows]
