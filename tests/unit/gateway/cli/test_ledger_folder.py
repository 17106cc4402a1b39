"""The ledger of a folder is followed from where it was read to, and nothing is told twice."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.cli import ledger_folder
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.ledger_folder import FolderLedger
from gateway.store.database import open_database
from gateway.store.ledger import LedgerRow, Search
from tests.fakes.used import file_uses, file_uses_in, some_uses


class Enough(Exception):
    """The test has seen what it waits for."""


def test_the_newest_are_told_oldest_first(tmp_path: Path) -> None:
    file_uses(tmp_path, some_uses(5))
    told: list[Sequence[LedgerRow]] = []
    ledger = FolderLedger(tmp_path)
    ledger.tail(4, told.append, is_followed=False)
    assert told == [ledger.newest(4, Search())]


def test_what_comes_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file_uses(tmp_path, some_uses(5))
    told: list[Sequence[LedgerRow]] = []

    async def wait(_: float) -> None:
        if len(told) > 2:
            raise Enough
        database = open_database(tmp_path)
        await file_uses_in(database, some_uses(1))
        await database.close()

    monkeypatch.setattr(ledger_folder.asyncio, "sleep", wait)
    with pytest.raises(Enough):
        FolderLedger(tmp_path).tail(2, told.append, is_followed=True)
    first, before, after = told
    assert (len(first), before) == (2, [])
    assert {row.lane for row in after}.isdisjoint(row.lane for row in first)
    assert after


def test_what_is_not_on_record_is_not_found(tmp_path: Path) -> None:
    asyncio.run(open_database(tmp_path).close())
    with pytest.raises(CommandFailed, match="nothing on record") as failed:
        FolderLedger(tmp_path).story("gh-01ZZZZ")
    assert failed.value.code is Exit.NOT_FOUND
