"""Two gateways never write the ledger of one data folder."""

import os
import subprocess
import sys
import threading

import pytest

from gateway.audit.lock import DataFolderInUse, LedgerLock


def test_a_second_gateway_is_refused_and_told_who_was_first(tmp_path):
    first = LedgerLock(tmp_path)
    first.acquire()
    with pytest.raises(DataFolderInUse, match=rf"process {os.getpid()}\).*--data"):
        LedgerLock(tmp_path).acquire()
    first.release()


def test_a_released_lock_can_be_taken(tmp_path):
    first, second = LedgerLock(tmp_path), LedgerLock(tmp_path)
    first.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()


def test_the_file_left_by_a_dead_gateway_does_not_lock_the_next_one_out(tmp_path):
    (tmp_path / "ledger.lock").write_text("999999999\n")
    lock = LedgerLock(tmp_path)
    lock.acquire()
    assert (tmp_path / "ledger.lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_folders_do_not_share_a_lock(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    locks = [LedgerLock(tmp_path / "a"), LedgerLock(tmp_path / "b")]
    for lock in locks:
        lock.acquire()
    for lock in locks:
        lock.release()


def test_a_program_that_outlives_its_gateway_does_not_keep_the_lock(tmp_path):
    first, second = LedgerLock(tmp_path), LedgerLock(tmp_path)
    first.acquire()
    program = [sys.executable, "-c", "print(flush=True); input()"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(program, close_fds=False, **pipes) as outliving:
        assert outliving.stdout is not None
        outliving.stdout.readline()
        first.release()
        second.acquire()
        outliving.communicate(b"\n")
    second.release()


def test_a_lock_that_is_held_for_a_moment_is_waited_for(tmp_path):
    first, second = LedgerLock(tmp_path), LedgerLock(tmp_path)
    first.acquire()
    letting_go = threading.Timer(0.1, first.release)
    letting_go.start()
    second.acquire(patience_seconds=20)
    letting_go.join()
    second.release()
