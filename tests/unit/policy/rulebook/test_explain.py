"""An explanation is the engine's own decision, and says of each rule what became of it."""

import pytest

from policy.lifting import lifted
from policy.rulebook.explain import Missed, Standing, explain
from policy.types import Identity
from tests.fakes.break_glass import DURING, a_glass
from tests.fakes.policy_facts import some_facts
from tests.fakes.rules import a_policy_of, a_rule, at, decided

NOW = at("2026-06-01T12:00")


def told(*rules, user: str = "ada", team: str = "web", now=NOW, **facts: object):
    identity = Identity(user, team, frozenset({"developer"}), "key-1")
    return explain(a_policy_of(*rules), identity, some_facts(**facts), now)


def standings(explanation) -> list[str]:
    return [each.standing.value for each in explanation.rules]


@pytest.mark.parametrize(
    ("written", "standing"),
    [
        ({}, Standing.DENIES),
        ({"vendors": ("anthropic",)}, Standing.NARROWS),
        ({"users": ("bob",)}, Standing.MISSED),
        ({"start": "2026-07-10"}, Standing.ASLEEP),
        ({"until": "2026-06-01"}, Standing.ASLEEP),
        ({"start": "2026-07-10", "warn_from": "2026-06-01"}, Standing.WARNS),
        ({"mode": "shadow"}, Standing.SHADOW),
        ({"mode": "shadow", "vendors": ("anthropic",)}, Standing.IDLE),
        ({"effect": "warn"}, Standing.WARNS),
        ({"effect": "cap", "cap": {"per": "user", "parallel": 1}}, Standing.CAPS),
        ({"vendors": ("house",), "in_house": False}, Standing.IDLE),
    ],
)
def test_what_became_of_a_rule(written, standing):
    effect = written.pop("effect", "deny")
    assert standings(told(a_rule("r", effect, **written))) == [standing]


def test_an_exception_and_what_it_exempts_from_name_each_other():
    explanation = told(a_rule("r"), a_rule("e", "allow", exempts=("r",), users=("ada",)))
    assert standings(explanation) == ["exempted", "exempts"]
    assert explanation.rules[0].exempted_by == ("e",)
    assert explanation.effect == "allow"


@pytest.mark.parametrize(
    ("written", "standing", "lifted_by"),
    [
        ({}, "lifted", ("bg_one",)),
        ({"vendors": ("anthropic",)}, "lifted", ("bg_one",)),
        ({"users": ("bob",)}, "missed", ()),
        ({"until": "2026-06-01"}, "asleep", ()),
        ({"effect": "warn"}, "warns", ()),
    ],
)
def test_a_rule_that_a_break_glass_lifts_says_by_which(written, standing, lifted_by):
    rule = a_rule("r", written.pop("effect", "deny"), **written)
    policy = lifted(a_policy_of(rule), [a_glass("r")])
    identity = Identity("ada", "web", frozenset({"developer"}), "key-1")
    (found,) = explain(policy, identity, some_facts(), at(DURING)).rules
    assert (found.standing.value, found.lifted_by) == (standing, lifted_by)


def test_the_decision_is_the_engines_own():
    rules = (a_rule("a", vendors=("anthropic",)), a_rule("w", "warn"))
    assert told(*rules).decision == decided(a_policy_of(*rules), now=NOW)
    assert told(*rules).speaking == ("w",)


def test_the_nearest_rule_missed_fewest_and_says_what():
    explanation = told(
        a_rule("far", users=("bob",), tools=("bash",), teams=("ops",)),
        a_rule("near", assistants=("claude-code < 2.1",), models=("c*",)),
        a_rule("warning", "warn", users=("bob",)),
        a_rule("to-come", users=("bob",), start="2027-01-01"),
    )
    assert explanation.nearest.rule.id == "near"
    assert explanation.nearest.missed == (
        Missed("assistants", "claude-code < 2.1", "claude-code 2.1.200"),
    )


def test_a_rule_for_other_teams_models_or_targets_says_so():
    explanation = told(a_rule("r", teams=("ops",), models=("qwen",), regions=("moon",)))
    missed = {each.field: each.seen for each in explanation.rules[0].missed}
    assert missed == {"teams": "web", "models": "coder"}
    explanation = told(a_rule("r", vendors=("openai",)))
    assert [each.seen for each in explanation.rules[0].missed] == ["house, anthropic, silent"]


def test_a_team_that_is_not_there_has_no_rules():
    explanation = told(a_rule("r"), team="ghosts")
    assert (explanation.effect, explanation.rules) == ("deny", ())
    assert explanation.nearest is None


def test_rules_beside_a_denial_by_the_document_do_nothing():
    explanation = told(a_rule("r"), model="gpt-9")
    assert explanation.speaking == ("model_access",)
    assert explanation.hits == frozenset()
