"""Only granted models pass, by their exact names."""

import pytest

from policy.rules.model_access import ModelAccess
from policy.types import Allow, Deny
from tests.fakes.policy_facts import a_question, a_team

RULE = ModelAccess.compile(a_team())


def test_a_granted_model_passes():
    assert isinstance(RULE.decide(a_question(model="coder")), Allow)


@pytest.mark.parametrize(
    "model", ["", "Coder", "coder ", "code\u200br", "co*", "../coder", "c\u043eder"]
)
def test_a_twin_of_a_granted_model_is_refused(model):
    assert isinstance(RULE.decide(a_question(model=model)), Deny)


def test_the_refusal_says_where_the_list_is():
    assert RULE.decide(a_question(model="gpt-9")) == Deny(
        "model_access",
        "model 'gpt-9' is not offered to team web",
        "GET /v1/models lists yours",
        "model_not_found",
    )


def test_a_hostile_model_name_is_escaped_and_cut():
    decision = RULE.decide(a_question(model="\n\x1b[31m\u202e" + "x" * 100_000))
    assert isinstance(decision, Deny)
    assert decision.reason.isprintable()
    assert len(decision.reason) < 200
