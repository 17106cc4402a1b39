"""`gatehouse usage` tells what the ledger holds, for eyes, for scripts and for finance."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from gateway.cli.usage import dimensions
from gateway.usage import Dimension
from tests.fakes.used import DAY, NOON, Use, file_uses
from tests.unit.gateway.cli.conftest import CommandLine

SINCE = ("--since", "2026-09-01", "--until", "2026-10-01")
USES = [
    Use(team="web", user="ann", cost_nano_usd=3 * 10**9),
    Use(team="web", user="bob", model="small", outcome="denied"),
    Use(team="data", user="ci", is_service=True, assistant="aider", price_known=False),
]


@pytest.fixture
def used(command_line: CommandLine) -> CommandLine:
    file_uses(command_line.data, USES)
    return command_line


def test_alone_it_is_an_overview(used: CommandLine) -> None:
    ran = used.run("usage", *SINCE)
    assert ran.code == Exit.OK
    assert ran.out.startswith("3 requests, 1 denied, 0 failed, 350 tokens, $4.50")
    for title in ("TEAM", "USER", "MODEL", "ASSISTANT", "ci (service)", "aider"):
        assert title in ran.out
    assert "from 2026-09-01T00:00:00Z until 2026-10-01T00:00:00Z" in ran.err


def test_by_one_thing_it_is_a_table(used: CommandLine) -> None:
    ran = used.run("usage", "--by", "team", *SINCE)
    heading, web, data, total = ran.out.splitlines()
    assert heading.startswith("TEAM")
    assert (web.split()[0], data.split()[0]) == ("web", "data")
    assert total.startswith("3 requests")


def test_a_long_table_says_how_much_is_left_out(used: CommandLine) -> None:
    short = used.run("usage", "--by", "user", "--limit", "1", *SINCE)
    whole = used.run("usage", "--by", "user", "--limit", "0", *SINCE)
    assert "and 2 more" in short.out
    assert "more" not in whole.out
    assert short.out.splitlines()[-1] == whole.out.splitlines()[-1]


def test_as_json_each_group_is_an_object(used: CommandLine) -> None:
    objects = used.run("usage", "--by", "vendor,user", "--json", *SINCE).objects
    assert [(each["user"], each["kind"], each["vendor"]) for each in objects] == [
        ("ann", "person", "house"),
        ("ci", "service", "house"),
        ("bob", "person", None),
    ]
    assert objects[0]["cost_nano_usd"] == 3 * 10**9
    assert objects[0]["total_tokens"] == 175
    assert objects[1]["unpriced"] == 1


def test_scripts_get_teams_unless_they_say_otherwise(used: CommandLine) -> None:
    assert {each["team"] for each in used.run("usage", "--json", *SINCE).objects} == {"web", "data"}


def test_csv_goes_to_stdout_or_to_a_file(used: CommandLine) -> None:
    printed = used.run("usage", "--by", "user", "--csv", "-", *SINCE)
    ran = used.run("usage", "--by", "user", "--csv", "spend.csv", *SINCE)
    file = (used.working / "spend.csv").read_bytes().decode()
    assert printed.out == file
    assert ran.out == ""
    assert [row["user"] for row in csv.DictReader(io.StringIO(file))] == ["ann", "ci", "bob"]


def test_a_team_a_user_and_a_model_can_be_asked_about(used: CommandLine) -> None:
    by_team = used.run("usage", "--team", "data", "--by", "user", "--json", *SINCE)
    by_user = used.run("usage", "--user", "bob", "--json", *SINCE)
    by_model = used.run("usage", "--model", "small", "--by", "user", "--json", *SINCE)
    assert [each["user"] for each in by_team.objects] == ["ci"]
    assert [each["denied"] for each in by_user.objects] == [1]
    assert [each["user"] for each in by_model.objects] == ["bob"]


def test_what_came_since_is_summed_too(used: CommandLine) -> None:
    used.run("usage", *SINCE)
    file_uses(used.data, [Use(team="late")], seed=9)
    assert "late" in used.run("usage", "--by", "team", *SINCE).out


def test_it_is_the_same_made_anew(used: CommandLine) -> None:
    before = used.run("usage", *SINCE)
    assert used.run("usage", "--rebuild", *SINCE).out == before.out


def test_days_ago_begin_with_their_day(command_line: CommandLine) -> None:
    now = datetime.now(UTC)
    midnight = int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
    times = (midnight - 2 * DAY - 1, midnight - 2 * DAY, midnight)
    file_uses(command_line.data, [Use(unix_seconds=each) for each in times])
    (row,) = command_line.run("usage", "--since", "2d", "--json").objects
    assert row["requests"] == 2


def test_nothing_used_is_said(command_line: CommandLine) -> None:
    command_line.make_folder()
    ran = command_line.run("usage")
    assert (ran.code, ran.out) == (Exit.OK, "")
    assert "Nothing was used from" in ran.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--by", "colour"], "not grouped by 'colour'; by: day, team"),
        (["--since", "soon"], "not a time"),
        (["--since", "1h", "--until", "2h"], "--since is not before --until"),
        (["--json", "--csv", "-"], "one of --csv and --json"),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error(
    used: CommandLine, words: list[str], told: str
) -> None:
    ran = used.run("usage", *words)
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert told in ran.err


def test_a_folder_without_a_ledger_is_said(command_line: CommandLine) -> None:
    ran = command_line.run("usage")
    assert ran.code == Exit.DATA
    assert "no gateway has run" in ran.err


def test_a_file_that_cannot_be_written_is_said(used: CommandLine, tmp_path: Path) -> None:
    ran = used.run("usage", "--csv", str(tmp_path / "no" / "where.csv"), *SINCE)
    assert ran.code == Exit.FAILED
    assert "where.csv" in ran.err


def test_dimensions_come_in_their_own_order() -> None:
    assert dimensions("model, day") == (Dimension.DAY, Dimension.MODEL)
    assert NOON % DAY == DAY / 2
