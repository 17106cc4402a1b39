"""Caps are counted by a gateway that runs: without one, that is said."""

from datetime import UTC, datetime

import pytest

from gateway.caps.port import AccountState
from gateway.cli import ports
from gateway.cli.exits import Exit
from gateway.cli.state import FolderState
from policy.types import Unit
from tests.unit.gateway.cli.conftest import CommandLine

USED_UP = AccountState(
    "team:web",
    Unit.NANO_USD,
    "month",
    5_000_000_000,
    4_900_000_000,
    200_000_000,
    resets_at=datetime(2026, 12, 1, tzinfo=UTC),
)
SLIDING = AccountState("user:ann (team web)", Unit.TOKENS, "minute", 2_000, 500)


class Counted:
    """Counters of which both are known."""

    def list(self, team: str | None, unit: str | None) -> list[AccountState]:
        return [USED_UP, SLIDING]


def test_without_a_gateway_nobody_counts(command_line: CommandLine) -> None:
    command_line.make_folder()
    ran = command_line.run("caps")
    assert (ran.code, ran.out) == (Exit.NOT_FOUND, "")
    assert "start one with gatehouse up, or name one with --server" in ran.err


def test_what_is_left_is_never_less_than_nothing(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted(_: FolderState) -> ports.Caps:
        return Counted()

    monkeypatch.setattr(FolderState, "caps", property(counted))
    first, second = command_line.run("caps").out.splitlines()[1:]
    expected = "team:web USD month $5.00 $4.90 $0.2000 $0 2026-12-01T00:00:00Z"
    assert " ".join(first.split()) == expected
    assert " ".join(second.split()) == "user:ann (team web) tokens minute 2,000 500 0 1,500"
    assert command_line.run("caps", "--json").objects[1]["resets"] is None
