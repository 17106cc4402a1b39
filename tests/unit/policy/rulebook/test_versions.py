"""Versions are compared as numbers, and what comes before a release is less than it."""

from itertools import pairwise

import pytest

from policy.rulebook.versions import NotABound, parse_bounds, parse_version

IN_ORDER = ["1.9", "2.0-beta.1", "2", "2.0.1", "2.1.199", "2.1.200-rc1", "v2.1.200", "2.1.200.1"]


@pytest.mark.parametrize(("less", "more"), list(pairwise(IN_ORDER)))
def test_versions_stand_in_their_order(less, more):
    assert parse_version(less) < parse_version(more)


def test_trailing_zeros_and_builds_make_no_other_version():
    assert parse_version("2.1.0+build.7") == parse_version("2.1")


@pytest.mark.parametrize("text", [None, "", "dev", "2..1", "2.", "\u0662.\u0661", "1" * 30])
def test_what_is_no_version_is_not_known(text):
    assert parse_version(text) is None


def test_all_bounds_must_hold():
    bounds = parse_bounds("claude-code >= 2.0, < 2.1.200")
    admitted = [each for each in IN_ORDER if bounds.admits(parse_version(each))]
    assert admitted == ["2", "2.0.1", "2.1.199", "2.1.200-rc1"]


@pytest.mark.parametrize(
    "text",
    ["", "Claude Code", "claude-code <", "claude-code 2.1", "claude-code < x", "claude-code =< 2",
     "claude-code < 2.1-beta", "claude-code <2,,>1", "claude-code < 1 < 2"],
)  # fmt: skip
def test_what_is_no_bound_is_refused_with_how_to_write_one(text):
    with pytest.raises(NotABound, match=r"claude-code|write"):
        parse_bounds(text)
