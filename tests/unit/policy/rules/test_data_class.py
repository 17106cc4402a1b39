"""Content stays on targets that are cleared for it."""

import pytest

from policy.question import Team
from policy.rules.data_class import DataClassClearance
from policy.types import Allow, DataClass, Deny, TargetFacts
from tests.fakes.policy_facts import DEEPSEEK, HOUSE, a_question, a_team, a_team_document


@pytest.mark.parametrize("clearance", DataClass)
@pytest.mark.parametrize("needed", DataClass)
def test_a_target_is_allowed_exactly_when_its_clearance_reaches_the_class(clearance, needed):
    target = TargetFacts("v/m", False, clearance)
    decision = DataClassClearance(a_team()).decide(a_question(target, data_class=needed))
    assert isinstance(decision, Allow) == (clearance >= needed)


def test_only_cleared_targets_are_left():
    rule = DataClassClearance.compile(a_team(data_class="confidential"))
    decision = rule.decide(a_question(data_class=DataClass.CONFIDENTIAL))
    assert decision == Allow((HOUSE.name,), DataClass.CONFIDENTIAL)


def test_the_refusal_names_the_vendor_and_what_stays_available():
    team = Team(
        "payments",
        a_team_document(("cheap", "coder"), "confidential"),
        {"cheap": (DEEPSEEK,), "coder": (HOUSE, DEEPSEEK)},
    )
    decision = DataClassClearance(team).decide(
        a_question(DEEPSEEK, model="cheap", data_class=DataClass.CONFIDENTIAL)
    )
    assert decision == Deny(
        "data_class",
        "team payments handles confidential code; vendor deepseek is cleared for internal only",
        "coder stays available on house/qwen3-coder",
    )


def test_the_refusal_says_when_a_label_raised_the_class():
    decision = DataClassClearance(a_team()).decide(
        a_question(DEEPSEEK, data_class=DataClass.RESTRICTED)
    )
    assert isinstance(decision, Deny)
    assert decision.reason.startswith("this content is labelled restricted")
