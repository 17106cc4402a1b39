"""Whether requests would be served, and why not, in words that a stranger may read."""

import pytest

from gateway.audit.writer import SilentMeter
from gateway.caps.port import CountersHealth
from gateway.configuration.watch import Standing
from gateway.status import LedgerHealth, Status

IN_PROCESS = CountersHealth("in_process", 0)


class Meter:
    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def records_written(self, records: int, seconds: float) -> None:
        self.told.append(("written", records, seconds))

    def records_failed(self, records: int, cause: str) -> None:
        self.told.append(("failed", records, cause))


def status(
    standing: Standing = Standing.IN_FORCE,
    counters: CountersHealth = IN_PROCESS,
    open_exceptions: int = 0,
) -> Status:
    return Status(
        LedgerHealth(SilentMeter()), lambda: standing, lambda: counters, lambda: open_exceptions
    )


def test_a_gateway_that_takes_rows_is_ready():
    assert status().report() == {
        "ready": True,
        "ledger": "accepting",
        "configuration": "in_force",
        "counters": "in_process",
        "break_glass": "none",
        "draining": False,
    }


def test_a_gateway_goes_on_while_the_counters_store_is_away_and_says_so():
    report = status(counters=CountersHealth("away", 0, 3)).report()
    assert (report["ready"], report["counters"]) == (True, "away")


@pytest.mark.parametrize("cause", ["database", "too_slow", "queue_full", "closed"])
def test_a_ledger_that_refuses_makes_it_unready_until_the_next_commit(cause):
    asked = status()
    asked.ledger.records_failed(1, cause)
    assert (asked.report()["ready"], asked.report()["ledger"]) == (False, "refusing")
    asked.ledger.records_written(1, 0.001)
    assert (asked.report()["ready"], asked.report()["ledger"]) == (True, "accepting")


@pytest.mark.parametrize("cause", ["not_open", "not_json"])
def test_a_record_that_was_itself_wrong_says_nothing_of_the_ledger(cause):
    asked = status()
    asked.ledger.records_failed(1, cause)
    assert asked.report()["ready"] is True


def test_what_the_writer_tells_reaches_the_metrics_too():
    meter = Meter()
    health = LedgerHealth(meter)
    health.records_written(3, 0.004)
    health.records_failed(2, "too_slow")
    assert meter.told == [("written", 3, 0.004), ("failed", 2, "too_slow")]


def test_a_draining_gateway_wants_no_more_requests():
    asked = status()
    asked.is_draining = True
    assert (asked.report()["ready"], asked.report()["draining"]) == (False, True)


@pytest.mark.parametrize("standing", [each for each in Standing if each != "in_force"])
def test_what_is_not_what_the_files_say_is_told_and_goes_on(standing):
    report = status(standing).report()
    assert report["configuration"] == standing.value
    assert report["ready"] is True


def test_that_an_exception_is_open_is_told_and_not_which():
    assert status(open_exceptions=2).report()["break_glass"] == "open"
