"""A rule that is told to do nothing does nothing: taken away, every decision stays what it was."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.engine import Policy
from policy.rulebook.idle import Why, idle_rules
from policy.rulebook.rule import Does, Placed
from policy.types import Allow, Decision, Deny
from tests.fakes.recorded_traffic import some_asked
from tests.fakes.rules import a_policy_of, a_rule
from tests.fakes.some_rules import some_dates, some_match

RATE = {"per": "user", "requests_per_minute": 1}
OUT = a_rule("out", vendors=("anthropic",))
JULY = a_rule("july", start="2026-07-10")
TWIN = a_rule("twin", reason="in other words", users=("bob", "ada"))


def told(*rules: Placed) -> list[tuple[str, Why, str | None]]:
    return [
        (each.rule.id, each.why, each.other.id if each.other else None)
        for each in idle_rules(a_policy_of(*rules))
    ]


def essence(decision: Decision) -> object:
    """What comes of a request, but for how long a denial is held."""
    if isinstance(decision, Deny):
        return decision.rule
    assert isinstance(decision, Allow)
    return decision.targets, decision.warnings, decision.caps, decision.shadow


@st.composite
def many_rules(draw: st.DrawFn) -> tuple[Placed, ...]:
    """Rules of every kind, among them twins and rules within others."""
    effects = st.sampled_from(("deny", "deny", "require_in_house", "warn", "cap", "shadow"))
    rules, matches = [], [draw(some_match)]
    for at in range(draw(st.integers(2, 5))):
        match = dict(draw(st.sampled_from(matches)) if draw(st.booleans()) else {})
        match |= draw(some_match) if draw(st.booleans()) else {}
        matches.append(match)
        effect = draw(effects)
        more = {"shadow": {"mode": "shadow"}, "cap": {"cap": RATE}}.get(effect, {})
        dates = draw(some_dates)
        name = "deny" if effect == "shadow" else effect
        rules.append(a_rule(f"r{at}", name, **match, **dates, **more))
    names = tuple(each.document.id for each in rules)
    for at in range(draw(st.integers(0, 2))):
        exempts = draw(st.lists(st.sampled_from(names), min_size=1, unique=True).map(tuple))
        match = {**draw(st.sampled_from(matches)), **draw(some_match)}
        rules.append(a_rule(f"e{at}", "allow", exempts=exempts, **match, **draw(some_dates)))
    return tuple(rules)


def without(rules: tuple[Placed, ...], rule: str, other: str | None, why: Why) -> Policy:
    """The rules without the one that is said to do nothing, or without the name it never meets."""
    if why is not Why.NEVER_MEETS:
        return a_policy_of(*(each for each in rules if each.document.id != rule))
    kept = []
    for each in rules:
        document = each.document
        if document.id == rule:
            left = tuple(name for name in document.exempts or () if name != other)
            document = document.model_copy(update={"exempts": left})
        kept.append(replace(each, document=document))
    return a_policy_of(*kept)


@settings(max_examples=150, deadline=None)
@given(many_rules(), st.lists(some_asked, min_size=2, max_size=8))
def test_what_is_said_to_do_nothing_can_be_taken_away(rules, asked):
    policy = a_policy_of(*rules)
    for each in idle_rules(policy):
        if each.why is Why.TWIN and each.rule.does in (Does.WARN, Does.CAP, Does.SHADOW):
            continue  # it says the same once more
        other = each.other.id if each.other else None
        less = without(rules, each.rule.id, other, each.why)
        for one in asked:
            assert essence(one.decided_by(policy)) == essence(one.decided_by(less))


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ((a_rule("a"), a_rule("b", users=("ada",))), [("b", Why.COVERED, "a")]),
        ((a_rule("b", users=("ada",)), a_rule("a")), []),
        ((a_rule("b", "warn", users=("ada",)), a_rule("a")), [("b", Why.COVERED, "a")]),
        ((a_rule("a"), a_rule("b", "cap", cap=RATE)), [("b", Why.COVERED, "a")]),
        ((a_rule("a", mode="shadow"), a_rule("b", users=("ada",))), []),
        ((OUT, a_rule("b", users=("ada",))), []),
        ((OUT, a_rule("b", vendors=("anthropic",), users=("ada",))), [("b", Why.COVERED, "out")]),
        ((JULY, a_rule("b", users=("ada",))), []),
        ((JULY, a_rule("b", start="2026-07-11", users=("ada",))), [("b", Why.COVERED, "july")]),
        ((a_rule("a", until="2026-07-10"), a_rule("b", users=("ada",))), []),
        ((a_rule("a", users=("ada", "bob")), TWIN), [("twin", Why.TWIN, "a")]),
        ((a_rule("a", data_up_to="public"),), [("a", Why.CLASS, None)]),
        ((a_rule("a", request_bytes_over=32 * 1024 * 1024),), [("a", Why.SIZE, None)]),
        ((a_rule("a", request_bytes_over=32 * 1024 * 1024 - 1),), []),
    ],
)  # fmt: skip
def test_each_way_to_do_nothing_is_told(rules, expected):
    assert told(*rules) == expected


def test_a_rule_that_an_exception_lifts_covers_nothing_but_what_is_lifted_with_it():
    wide, narrow = a_rule("a"), a_rule("b", users=("ada",))
    lifted = a_rule("e", "allow", exempts=("a",), teams=("web",))
    assert told(wide, narrow, lifted) == []
    both = a_rule("e", "allow", exempts=("a", "b"), teams=("web",))
    assert told(wide, narrow, both) == [("b", Why.COVERED, "a")]


def test_a_twin_that_is_exempted_otherwise_is_none():
    one, other = a_rule("a", users=("ada",)), a_rule("b", users=("ada",))
    assert told(one, other, a_rule("e", "allow", exempts=("a",))) == []


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        ({"users": ("bob",)}, [("e", Why.NEVER_MEETS, "r")]),
        ({"users": ("ada",)}, []),
        ({"until": "2026-07-10"}, [("e", Why.NEVER_MEETS, "r")]),
        ({"vendors": ("house",)}, [("e", Why.NEVER_MEETS, "r")]),
        ({"assistants": ("codex >= 2, < 1",)}, [("e", Why.VERSIONS, None)]),
    ],
)
def test_an_exception_that_never_meets_a_rule_it_names_is_told(exception, expected):
    rule = a_rule("r", users=("ada",), vendors=("anthropic",), start="2026-07-10")
    other = a_rule("s", "warn")
    assert told(rule, other, a_rule("e", "allow", exempts=("r", "s"), **exception)) == expected
