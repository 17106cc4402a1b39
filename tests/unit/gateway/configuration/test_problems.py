"""A problem is one line, with its place, in the file's order."""

import pytest

from gateway.configuration.problems import (
    ConfigurationError,
    Place,
    Problem,
    dotted,
    suggestion,
)


def test_a_problem_says_file_line_column_path_and_what_to_do():
    problem = Problem(Place(9, 19), ("models", "coder", "targets", 0), "is wrong; mend it")
    assert problem.line_of("g.yaml") == "g.yaml:9:19: models.coder.targets.0: is wrong; mend it"


def test_a_problem_of_the_whole_file_has_no_place():
    assert Problem(Place(), (), "cannot be read").line_of("g.yaml") == "g.yaml: cannot be read"


@pytest.mark.parametrize("hostile", ["a\nb", "a\x1b[2Jb", "a\u202eb", "a\u2028b", "a\x00b"])
def test_nothing_written_in_a_file_breaks_or_colours_the_line(hostile):
    line = Problem(Place(1, 1), (hostile,), f"names {hostile}").line_of("g.yaml")
    assert line.isprintable()
    assert line.count("a\\") == 2


def test_a_line_has_a_length_that_can_be_read():
    assert len(Problem(Place(1, 1), ("x" * 9_000,), "y").line_of("g.yaml")) == 500


def test_problems_stand_in_the_files_order():
    late, early = Problem(Place(10, 1), (), "late"), Problem(Place(2, 7), ("a",), "early")
    beside = Problem(Place(2, 30), ("b",), "beside")
    error = ConfigurationError("g.yaml", [late, beside, early])
    assert [problem.message for problem in error.problems] == ["early", "beside", "late"]
    assert str(error).splitlines() == list(error.lines)


def test_a_problem_of_another_file_names_that_file():
    elsewhere = Problem(Place(2, 7), ("rules", 0), "is wrong", "policy/a.yaml")
    error = ConfigurationError("g.yaml", [elsewhere, Problem(Place(9, 1), (), "own")])
    assert error.lines == ("g.yaml:9:1: own", "policy/a.yaml:2:7: rules.0: is wrong")


def test_a_path_is_written_as_people_write_it():
    assert dotted(("teams", "web", "models", 1)) == "teams.web.models.1"


@pytest.mark.parametrize(
    ("name", "known", "told"),
    [
        ("codr", ["coder", "cheap"], "; did you mean `coder`?"),
        ("zzz", ["coder", "cheap"], "; known here: coder, cheap"),
        ("zzz", [], ""),
    ],
)
def test_a_close_name_is_suggested_else_all_are_listed(name, known, told):
    assert suggestion(name, known) == told


def test_an_endless_name_costs_no_endless_comparison():
    assert suggestion("coder" + "x" * 10_000_000, ["coder"]) == "; known here: coder"
