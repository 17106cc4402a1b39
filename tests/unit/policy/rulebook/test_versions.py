"""Versions are compared as numbers, and what comes before a release is less than it."""

from itertools import pairwise

import pytest

from policy.rulebook.versions import AssistantBounds, NotABound, parse_bounds
from policy.versions import parse_range, parse_version

IN_ORDER = ["1.9", "2.0-beta.1", "2", "2.0.1", "2.1.199", "2.1.200-rc1", "v2.1.200", "2.1.200.1"]


def admits(bounds: AssistantBounds, text: str) -> bool:
    return bounds.admits(parse_version(text), restricting=True)


def exempts(bounds: AssistantBounds, text: str) -> bool:
    return bounds.admits(parse_version(text), restricting=False)


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
    releases = ["1.9", "2", "2.0.1", "2.1.199", "2.1.200", "2.1.200.1"]
    admitted = [each for each in releases if admits(bounds, each)]
    assert admitted == ["2", "2.0.1", "2.1.199"]
    assert [each for each in releases if exempts(bounds, each)] == admitted


@pytest.mark.parametrize(
    ("bound", "version", "restricted", "exempted"),
    [
        (">= 3.0", "3.0.0-rc.1", True, False),
        (">= 3.0", "2.9.9-rc.1", False, False),
        ("> 3.0", "3.0.0-rc.1", False, False),
        ("> 2.9", "3.0.0-rc.1", True, True),
        ("== 2.1.150", "2.1.150-dev", True, False),
        ("< 3", "3.0.0-rc.1", True, False),
        ("< 3", "3.0.1-rc.1", False, False),
        ("<= 3", "3.0.0-rc.1", True, True),
        (">= 2.0, < 3", "2.0.0-rc.1", True, False),
        (">= 2.0, < 3", "3.0.0-rc.1", True, False),
        (">= 2.0, < 3", "2.5.0-rc.1", True, True),
    ],
)
def test_a_pre_release_is_restricted_with_its_release_or_as_what_comes_before_it(
    bound, version, restricted, exempted
):
    bounds = parse_bounds(f"claude-code {bound}")
    assert (admits(bounds, version), exempts(bounds, version)) == (restricted, exempted)


@pytest.mark.parametrize("version", [*IN_ORDER, "3.0.0-rc.1", "3"])
@pytest.mark.parametrize("bound", ["< 2.1.200", "<= 3", "== 3", ">= 3", "> 2.1.200", ">= 2, < 3"])
def test_an_exception_holds_for_what_a_register_would_approve(bound, version):
    approved = parse_range(bound).admits(version)
    assert exempts(parse_bounds(f"claude-code {bound}"), version) is approved


@pytest.mark.parametrize(
    "text",
    ["", "Claude Code", "claude-code <", "claude-code 2.1", "claude-code < x", "claude-code =< 2",
     "claude-code < 2.1-beta", "claude-code <2,,>1", "claude-code < 1 < 2"],
)  # fmt: skip
def test_what_is_no_bound_is_refused_with_how_to_write_one(text):
    with pytest.raises(NotABound, match=r"claude-code|write"):
        parse_bounds(text)
