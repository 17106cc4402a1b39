"""Versions as assistants tell theirs are compared, and ranges of them read as people write them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.versions import NotARange, parse_range, parse_version

IN_ORDER = (
    "0.9",
    "0.169.0-alpha.1",
    "0.169.0-alpha.2",
    "0.169.0-alpha.10",
    "0.169.0-beta",
    "0.169.0-rc1",
    "0.169.0-rc10",
    "0.169.0",
    "1.104.3-insider",
    "1.104.3",
    "2.0.0rc1",
    "2",
    "2.0.1",
    "2.1.99",
    "2.1.200",
)

numbers = st.lists(st.integers(0, 300), min_size=1, max_size=4)
suffixes = st.sampled_from(("", "-alpha.1", "-beta", "-rc.2", "rc1", "+build.7"))
versions = st.builds(lambda n, s: ".".join(map(str, n)) + s, numbers, suffixes)


@pytest.mark.parametrize(("less", "more"), list(pairwise(IN_ORDER)))
def test_versions_have_their_order(less, more):
    smaller, larger = parse_version(less), parse_version(more)
    assert smaller is not None
    assert larger is not None
    assert smaller < larger


@pytest.mark.parametrize(
    ("one", "other"),
    [("2", "2.0.0"), ("v2.1", "2.1"), ("1.2.3+linux", "1.2.3"), ("2.0.0rc1", "2.0.0-rc.1")],
)
def test_what_is_written_differently_may_be_one_version(one, other):
    assert parse_version(one) == parse_version(other)


@pytest.mark.parametrize(
    "text", [None, "", "dev", "2.x", "2..1", "1.2.3 (external)", "²", "1" * 10, "1.2.3-", "1.2.3~b"]
)
def test_what_is_no_version_cannot_be_compared(text):
    assert parse_version(text) is None


@pytest.mark.parametrize(
    ("written", "inside", "outside"),
    [
        (">= 2.1.200, < 3", ("2.1.200", "2.99", "2.2.0-beta.1"), ("2.1.199", "3.0.0", "4")),
        (">=0.169.0-alpha.1", ("0.169.0-alpha.1", "0.169.0", "1"), ("0.168.9", "0.169.0-a")),
        ("== 0.169.0-alpha.1", ("0.169.0-alpha.1",), ("0.169.0-alpha.2", "0.169.0")),
        ("2.1.200", ("2.1.200", "2.1.200.0"), ("2.1.201",)),
        ("> 1, <= 2", ("1.0.1", "2", "2.0.0-rc1"), ("1", "2.0.1")),
        ("<3.0.0-beta.2", ("3.0.0-beta.1",), ("3.0.0-beta.2", "3.0.0")),
    ],
)
def test_a_range_holds_what_is_within_all_its_bounds(written, inside, outside):
    chosen = parse_range(written)
    assert [each for each in inside if not chosen.admits(each)] == []
    assert [each for each in outside if chosen.admits(each)] == []


def test_a_pre_release_of_what_is_excluded_is_excluded_too():
    assert not parse_range("< 3").admits("3.0.0-beta.1")


def test_a_version_that_cannot_be_told_is_in_no_range_but_any():
    assert not parse_range(">= 0").admits(None)
    assert not parse_range(">= 0").admits("dev")
    assert parse_range("any").admits(None)
    assert parse_range("any").admits("dev")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "any, or bounds in quotes"),
        ("latest", "`latest` is no bound"),
        (">= 2.1.200 < 3", "commas between bounds"),
        ("=> 2", "`=> 2` is no bound"),
        ("~2.1", "`~2.1` is no bound"),
        ("2.*", "`2.*` is no bound"),
        (">= 2,", "`` is no bound"),
        ("any, < 3", "`any` is no bound"),
        ("> 2" + "0" * 300, "any, or bounds"),
    ],
)
def test_what_is_no_range_says_how_one_is_written(written, told):
    with pytest.raises(NotARange) as caught:
        parse_range(written)
    assert told in str(caught.value)


@given(versions, versions)
def test_of_two_versions_exactly_one_comparison_holds(one, other):
    holding = [sign for sign in ("<", "==", ">") if parse_range(f"{sign} {other}").admits(one)]
    left, right = parse_version(one), parse_version(other)
    assert left is not None
    assert right is not None
    assert holding == ([] if left.precedes_release(right) else holding[:1])


@given(versions)
def test_every_version_is_within_itself(version):
    assert parse_range(f">= {version}, <= {version}").admits(version)
