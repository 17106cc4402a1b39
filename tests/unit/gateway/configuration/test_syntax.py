"""A file that is no YAML is told by line, with what to do there, and without what stands there."""

import pytest
import yaml

from gateway.configuration.problems import Place, Problem
from gateway.configuration.syntax import syntax_problem


def told_of(text: str) -> Problem:
    with pytest.raises(yaml.YAMLError) as caught:
        list(yaml.parse(text, Loader=yaml.CSafeLoader))
    return syntax_problem(caught.value, text)


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("a:\n\tb: 1\n", 2, "indent with spaces, not with a tab"),
        ("a:\n  b:\t1\n\tc: 2\n", 3, "indent with spaces, not with a tab"),
        ("a:\n    b: 1\n   c: 2\n", 3, "indent it like the lines it belongs to"),
        ("a:\n  - 1\n b: 2\n", 3, "indent it like the lines it belongs to"),
        ("a: {b: 1\nc: 2\n", 2, "a { opened in line 1 is not closed"),
        ("a: [1, 2\nc: 2\n", 2, "a [ opened in line 1 is not closed"),
        ('a: "b\nc: 2\n', 3, "quotes opened in line 1 are not closed"),
        ("a: b: c\n", 1, "put quotes around a text with ': ' in it"),
        ("a: @b\n", 1, "put quotes around it"),
        ("a: 'it's'\n", 1, "put quotes around the whole of it"),
        ("a: 1\nb\n", 3, "line 2 has no colon"),
        ("- a\nb: 1\n", 2, "indent it like the lines it belongs to"),
        ('a: "\\d"\n', 1, "put it in single quotes"),
        ("a: {b: 1\n\tc: 2\n", 2, "with spaces, not with a tab"),
        ("a: {b: ${X}}\n", 1, 'write "${NAME}" in quotes'),
        ("a: >= 2.1\n", 1, "put quotes around what begins with >"),
    ],
)
def test_what_is_no_yaml_is_told_with_what_to_do(text, line, told):
    problem = told_of(text)
    assert problem.place.line == line
    assert told in problem.message


def test_what_stands_there_is_not_told():
    assert "canary" not in told_of('key: "sk-canary\nb: 1\n').message


def test_what_has_no_place_is_of_the_whole_file():
    assert told_of("a: \x01\n").place in (Place(), Place(1, 4))
