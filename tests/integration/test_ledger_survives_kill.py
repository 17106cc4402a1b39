"""A gateway killed at any moment has lost nothing that it acknowledged, and leaves nothing open."""

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gateway.audit.chain import ChainHead, find_breaks
from gateway.audit.lock import DataFolderInUse, LedgerLock
from gateway.store.ledger import LedgerRow
from tests.fakes.ledger import Clock, LedgerFolder, a_ledger_in

ROOT = Path(__file__).parents[2]
FAR_IN_THE_FUTURE_US = 4_000_000_000_000_000


def start(folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.fakes.ledger_child", str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def record_ids_acknowledged_before_a_kill(folder: Path, after: int) -> list[str]:
    """Run a gateway, kill it once it has acknowledged so many records; all that it did."""
    with start(folder) as child:
        assert child.stdout is not None
        first = [child.stdout.readline() for _ in range(after)]
        child.kill()
        whole = [line for line in [*first, *child.stdout] if line.endswith(b"\n")]
    assert child.returncode == -9, "the child ended by itself"
    return [line.decode().strip() for line in whole]


async def all_rows(folder: LedgerFolder) -> list[LedgerRow]:
    rows, _ = await folder.ledger.after({}, 1_000_000)
    return rows


async def breaks(folder: LedgerFolder) -> list[object]:
    found: list[object] = []
    for lane in await folder.ledger.lanes():
        found += find_breaks(ChainHead.of_new(lane), await folder.chain(lane))
    return found


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_was_acknowledged_is_there_and_every_admitted_has_one_end(tmp_path, seed):
    kills = [random.Random(seed * 100 + turn).randint(1, 1500) for turn in range(3)]
    acknowledged = [
        record_id
        for after in kills
        for record_id in record_ids_acknowledged_before_a_kill(tmp_path, after)
    ]
    async with a_ledger_in(tmp_path, Clock(FAR_IN_THE_FUTURE_US)) as folder:
        await folder.lanes.end_unsettled(but_lane=folder.writer.lane)
        rows = await all_rows(folder)
        assert await breaks(folder) == []
    assert set(acknowledged) <= {row.body["record_id"] for row in rows}
    admitted = Counter(row.exchange_id for row in rows if row.kind == "admitted")
    ends = Counter(row.exchange_id for row in rows if row.kind in {"completed", "unknown"})
    assert ends == admitted
    assert set(ends.values()) == {1}


async def test_a_kill_leaves_exchanges_that_recovery_names_with_their_attempts(tmp_path):
    record_ids_acknowledged_before_a_kill(tmp_path, 200)
    async with a_ledger_in(tmp_path, Clock(FAR_IN_THE_FUTURE_US)) as folder:
        recovered = await folder.lanes.end_unsettled(but_lane=folder.writer.lane)
        rows = await all_rows(folder)
    unknown = [row for row in rows if row.kind == "unknown"]
    attempted = Counter(row.exchange_id for row in rows if row.kind == "attempted")
    assert len(unknown) == recovered
    assert len({row.lane for row in unknown}) <= 1
    assert [len(row.body["attempts"]) for row in unknown] == [
        attempted[row.exchange_id] for row in unknown
    ]


def test_a_second_gateway_beside_a_living_one_is_refused_and_after_its_death_is_not(tmp_path):
    lock = LedgerLock(tmp_path)
    with start(tmp_path) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(DataFolderInUse, match=f"process {child.pid}"):
            lock.acquire()
        child.kill()
    lock.acquire()
    lock.release()
