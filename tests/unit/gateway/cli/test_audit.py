"""The ledger is read from the command line: newest last, by id, by what it says."""

from typing import Any

import pytest

from gateway.audit.record import RecordBody
from gateway.cli.exits import Exit
from gateway.cli.lines import HEADING
from tests.fakes.ledger_stories import Stories
from tests.unit.gateway.cli.conftest import CommandLine


@pytest.fixture
def written(command_line: CommandLine) -> list[RecordBody]:
    """An answer, a denial and a fallback, in the ledger."""
    stories = Stories()
    bodies = [*stories.answered(), *stories.denied(), *stories.fell_back()]
    command_line.make_folder()
    command_line.record(*bodies)
    return bodies


def kinds(objects: list[dict[str, Any]]) -> list[str]:
    return [each["kind"] for each in objects]


def test_tail_prints_the_records_oldest_first(
    command_line: CommandLine, written: list[RecordBody]
) -> None:
    ran = command_line.run("audit", "tail", "--json")
    assert ran.code == Exit.OK
    assert [each["record_id"] for each in ran.objects] == [each["record_id"] for each in written]


def test_tail_prints_the_newest_fifty(command_line: CommandLine) -> None:
    stories = Stories()
    command_line.make_folder()
    bodies = [body for _ in range(60) for body in stories.denied()]
    command_line.record(*bodies)
    objects = command_line.run("audit", "tail", "--json").objects
    assert [each["record_id"] for each in objects] == [each["record_id"] for each in bodies[10:]]


def test_tail_prints_as_many_as_asked_for(
    command_line: CommandLine, written: list[RecordBody]
) -> None:
    assert kinds(command_line.run("audit", "tail", "-n", "2", "--json").objects) == [
        "attempted",
        "completed",
    ]


def test_tail_prints_one_line_a_record_to_stdout_and_the_heading_to_stderr(
    command_line: CommandLine, written: list[RecordBody]
) -> None:
    ran = command_line.run("audit", "tail")
    assert len(ran.out.splitlines()) == len(written)
    assert ran.err.startswith("TIME")


def test_an_empty_ledger_is_no_error(command_line: CommandLine) -> None:
    command_line.make_folder()
    ran = command_line.run("audit", "tail", "--json")
    assert (ran.code, ran.out) == (Exit.OK, "")


def test_show_tells_one_exchange(command_line: CommandLine, written: list[RecordBody]) -> None:
    audit_id = str(written[0]["exchange_id"])
    ran = command_line.run("audit", "show", audit_id)
    assert ran.code == Exit.OK
    assert ran.out.startswith(audit_id)
    assert "complete by house/qwen3-coder" in ran.out


def test_show_prints_the_records_of_one_exchange_as_json(
    command_line: CommandLine, written: list[RecordBody]
) -> None:
    audit_id = str(written[0]["exchange_id"])
    objects = command_line.run("audit", "show", audit_id, "--json").objects
    assert kinds(objects) == ["admitted", "attempted", "completed"]


def test_show_takes_an_unambiguous_beginning(
    command_line: CommandLine, written: list[RecordBody]
) -> None:
    beginning = str(written[3]["exchange_id"])[:-3].lower()
    assert kinds(command_line.run("audit", "show", beginning, "--json").objects) == ["denied"]


def test_show_of_an_ambiguous_beginning_names_candidates(
    command_line: CommandLine, written: list[RecordBody]
) -> None:
    ran = command_line.run("audit", "show", "gh-0")
    assert ran.code == Exit.NOT_FOUND
    assert str(written[0]["exchange_id"]) in ran.err


def test_show_of_an_unknown_id_says_so(
    command_line: CommandLine, written: list[RecordBody]
) -> None:
    ran = command_line.run("audit", "show", "gh-ZZZ")
    assert (ran.code, ran.out) == (Exit.NOT_FOUND, "")
    assert "nothing on record has the id 'gh-ZZZ'" in ran.err
    assert "(401) and not recorded" in ran.err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--kind", "denied"], ["denied"]),
        (["--kind", "attempted"], ["attempted"] * 3),
        (["--outcome", "complete"], ["completed"] * 2),
        (["--outcome", "model_access"], ["denied"]),
        (["--team", "nobody"], []),
        (["--model", "coder", "--kind", "completed"], ["completed"] * 2),
        (["--since", "2100-01-01"], []),
        (["--until", "2001-01-01"], []),
        (["--since", "2001-01-01", "--until", "2100-01-01", "--kind", "denied"], ["denied"]),
    ],
)
def test_search_finds_what_matches_everything_asked(
    command_line: CommandLine,
    written: list[RecordBody],
    options: list[str],
    expected: list[str],
) -> None:
    assert kinds(command_line.run("audit", "search", *options, "--json").objects) == expected


def test_a_kind_that_there_is_none_of_is_told_with_those_there_are(
    command_line: CommandLine,
) -> None:
    ran = command_line.run("audit", "search", "--kind", "foo")
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert ran.err.startswith("gatehouse: there is no kind 'foo'; there are: admitted, attempted,")
    assert len(ran.err.splitlines()) == 1


def test_search_finds_a_users_requests(
    command_line: CommandLine, written: list[RecordBody]
) -> None:
    subject = str(written[0]["subject"])
    objects = command_line.run("audit", "search", "--user", subject, "--json").objects
    assert kinds(objects) == ["admitted", "denied", "admitted"]


def test_search_says_when_there_may_be_more(
    command_line: CommandLine, written: list[RecordBody]
) -> None:
    ran = command_line.run("audit", "search", "--limit", "1", "--json")
    assert kinds(ran.objects) == ["completed"]
    assert "There may be more" in ran.err


@pytest.mark.parametrize("options", [["--kind", "nonsense"], ["--since", "soon"], ["--limit", "0"]])
def test_a_search_that_makes_no_sense_is_a_usage_error(
    command_line: CommandLine, written: list[RecordBody], options: list[str]
) -> None:
    ran = command_line.run("audit", "search", *options)
    assert (ran.code, ran.out) == (Exit.USAGE, "")


def test_tail_has_no_heading_where_there_is_nothing_to_read(command_line: CommandLine) -> None:
    ran = command_line.run("audit", "tail")
    assert ran.code == Exit.DATA
    assert ran.err.startswith("gatehouse: no gateway has run on the data folder")


def test_tail_has_its_heading_once_and_above_an_empty_ledger_too(
    command_line: CommandLine,
) -> None:
    command_line.make_folder()
    assert command_line.run("audit", "tail").err.split() == HEADING.split()
