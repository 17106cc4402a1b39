"""Patterns know `*` and `?` only, and letters in any case or Unicode form are the same letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.rulebook.patterns import compile_globs, folded, is_pattern


@pytest.mark.parametrize("name", ["mcp__db__query", "MCP__DB__Query", "ｍcp__db__x", "mcp__db__"])  # noqa: RUF001
def test_a_pattern_covers_its_names_in_every_spelling(name):
    assert compile_globs(["mcp__db__*"]).fullmatch(folded(name))


@pytest.mark.parametrize("name", ["mcp__db", "xmcp__db__query", "mcp.db.query"])
def test_a_pattern_covers_nothing_else(name):
    assert compile_globs(["mcp__db__*", "b?sh"]).fullmatch(folded(name)) is None


def test_only_star_and_question_mark_are_special():
    covers = compile_globs(["a.c", "[x]", "b?sh"])
    assert [
        name for name in ("abc", "a.c", "x", "[x]", "bash", "bsh") if covers.fullmatch(name)
    ] == [
        "a.c",
        "[x]",
        "bash",
    ]


@given(st.text())
def test_folding_twice_changes_nothing(text):
    assert folded(folded(text)) == folded(text)


def test_many_stars_cost_no_more_than_one():
    covers = compile_globs(["*" * 60 + "b"])
    assert covers.fullmatch("a" * 5000) is None


def test_a_plain_name_is_no_pattern():
    assert not is_pattern("claude-opus")
    assert is_pattern("claude-*")


def test_a_name_that_nearly_matches_many_stars_is_told_at_once():
    covers = compile_globs(["*a*a*a*a*a*a*a*b"]).fullmatch
    assert covers("a" * 256) is None
    assert covers("a" * 256 + "b") is not None
    assert compile_globs(["x*ab?*b"]).fullmatch("xaabcabb") is not None
