"""A test of a policy passes when all it expects came, and says what came instead."""

import pytest

from policy.rulebook.cases import PlacedCase, posed, run, unhit
from policy.rulebook.document import CaseDocument, RequestDocument
from policy.types import DataClass
from tests.fakes.rules import HOUSE, a_policy_of, a_rule, at

NOW = at("2026-06-01T12:00").unix_seconds
POLICY = a_policy_of(
    a_rule("gone", assistants=("claude-code",), start="2026-07-10", warn_from="2026-06-20"),
    a_rule("home", "require_in_house", data_from="confidential"),
    a_rule("tools", mode="shadow", tools=("bash",)),
)


def a_case(expect: dict, **request: object) -> PlacedCase:
    asked = {"team": "web", "model": "coder", **request}
    case = CaseDocument.model_validate({"name": "n", "request": asked, "expect": expect})
    return PlacedCase(case, "policy/a.yaml", 9)


def missed(expect: dict, **request: object) -> tuple[str, ...]:
    (outcome,) = run(POLICY, [a_case(expect, **request)], str, NOW)
    assert outcome.passed is not bool(outcome.missed)
    return outcome.missed


CLAUDE = {"assistant": "claude-code 2.1.200"}


@pytest.mark.parametrize(
    ("expect", "request_"),
    [
        ({"effect": "allow"}, {}),
        ({"effect": "allow"}, CLAUDE),
        ({"effect": "warn", "rule": "gone"}, {**CLAUDE, "at": "2026-06-20"}),
        ({"effect": "deny", "rule": "gone"}, {**CLAUDE, "at": "2026-07-10T00:00:00Z"}),
        ({"effect": "warn"}, {**CLAUDE, "at": "2026-07-10T00:00:00+08:00"}),
        ({"effect": "allow", "targets": (HOUSE.name,)}, {"data": "restricted"}),
        ({"effect": "allow", "shadow": ("tools",)}, {"tools": ("bash",)}),
        ({"effect": "deny", "rule": "model_access"}, {"model": "gpt-9"}),
    ],
)
def test_a_case_passes_when_all_came_true(expect, request_):
    assert missed(expect, **request_) == ()


@pytest.mark.parametrize(
    ("expect", "request_", "told"),
    [
        ({"effect": "deny"}, {}, ("expected deny, got allow",)),
        (
            {"effect": "allow"},
            {**CLAUDE, "at": "2026-07-10"},
            ("expected allow, got deny by gone",),
        ),
        (
            {"effect": "warn", "rule": "home"},
            {**CLAUDE, "at": "2026-07-01"},
            ("expected rule home, got gone",),
        ),
        (
            {"effect": "allow", "targets": (), "shadow": ("tools",)},
            {"data": "restricted"},
            (f"expected targets none, got {HOUSE.name}", "expected shadow tools, got none"),
        ),
    ],
)
def test_a_case_that_fails_says_what_came_instead(expect, request_, told):
    assert missed(expect, **request_) == told


def test_rules_that_no_case_hits_are_known():
    outcomes = run(POLICY, [a_case({"effect": "allow"}, data="restricted")], str, NOW)
    assert unhit(POLICY, outcomes) == ("gone", "tools")


def test_a_request_is_posed_as_policy_sees_requests():
    request = RequestDocument.model_validate(
        {"team": "web", "model": "quick", "assistant": "codex 1.2", "data": "public"}
    )
    asked = posed(request, {"quick": "coder"}.__getitem__, NOW)
    assert asked.facts.model == "coder"
    assert (asked.circumstances.assistant, asked.circumstances.assistant_version) == (
        "codex",
        "1.2",
    )
    assert asked.circumstances.unix_seconds == NOW
    assert asked.label is DataClass.PUBLIC
