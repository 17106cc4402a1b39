"""The benchmark of decisions measures an engine that decides as a plain scan does."""

import random

import pytest

from benchmarks import policy


def test_engine_and_scan_agree_and_each_is_timed():
    found = policy.measure(40, 120)
    assert set(found) == {"no rules", "the engine", "a plain scan"}
    assert all(0 < each.median <= each.p99 for each in found.values())


def test_an_engine_that_decides_otherwise_is_not_timed(monkeypatch):
    monkeypatch.setattr(policy, "targets_left", lambda *_: ("nowhere/else",))
    with pytest.raises(RuntimeError, match="decide otherwise"):
        policy.measure(10, 5)


def test_the_figures_are_ratios_to_the_engine():
    times = {"the engine": policy.Times(10, 20), "a plain scan": policy.Times(50, 60)}
    assert policy.table(times).splitlines()[-1].split()[-1] == "5.00"


def test_the_rules_are_as_many_as_asked_for_and_of_every_effect():
    made = [each.document.effect for each in policy.rules(200, random.Random(10))]
    assert len(made) == 200
    assert set(made) == {"deny", "allow", "require_in_house", "warn"}
