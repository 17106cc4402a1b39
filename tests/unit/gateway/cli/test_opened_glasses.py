"""What a data folder knows to be open is part of what a command explains."""

import asyncio
from pathlib import Path

from gateway.cli.opened_glasses import known_glasses, policy_at
from gateway.store.break_glasses import BreakGlasses
from gateway.store.database import open_database
from gateway.store.stored_break_glass import StoredBreakGlass
from tests.fakes.break_glass import (
    BEN,
    DURING,
    OVER,
    PROPOSED_US,
    SECOND_US,
    a_stored_glass,
    moment,
)
from tests.fakes.rules import a_policy_of, a_rule


async def _kept(folder: Path, *glasses: StoredBreakGlass) -> None:
    database = open_database(folder)
    kept = BreakGlasses(database)
    for each in glasses:
        await kept.begin(each)
    await kept.close(glasses[-1].id, BEN, PROPOSED_US + 60 * SECOND_US)
    await database.close()


def test_where_no_gateway_has_run_nothing_is_open_and_nothing_is_made(tmp_path):
    policy = a_policy_of(a_rule())
    assert known_glasses(tmp_path / "data") == ()
    assert policy_at(policy, tmp_path / "data", moment(DURING)) is policy
    assert not (tmp_path / "data").exists()


def test_what_was_open_at_the_moment_counts(tmp_path):
    glasses = (a_stored_glass(1), a_stored_glass(2, is_open=False), a_stored_glass(3))
    asyncio.run(_kept(tmp_path, *glasses))
    policy = a_policy_of(a_rule())

    def open_at(unix_seconds: int) -> list[str]:
        team = policy_at(policy, tmp_path, unix_seconds).teams["web"]
        return [each.glass.id[-1] for each in getattr(team, "opened", ())]

    assert open_at(PROPOSED_US // SECOND_US) == ["1", "3"]
    assert open_at(moment(DURING)) == ["1"]
    assert open_at(moment(OVER)) == []


def test_a_command_goes_on_where_it_is_not_known_what_is_open(tmp_path, capsys):
    (tmp_path / "gatehouse.db").write_bytes(b"a letter to grandmother " * 100)
    policy = a_policy_of(a_rule())
    assert policy_at(policy, tmp_path, moment(DURING)) is policy
    assert "Whether a break-glass is open is not known" in capsys.readouterr().err
