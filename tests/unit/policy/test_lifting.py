"""What is lifted is left out for whom it is lifted, while it is; nothing else changes."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.document import NANO_USD_PER_USD
from policy.engine import Policy
from policy.lifting import lifted
from policy.registers import Registers
from policy.types import Allow, Deny, Identity, Unit
from tests.fakes.break_glass import DURING, OPENED, OVER, a_glass, moment, some_glasses
from tests.fakes.policy_facts import a_team_document
from tests.fakes.registers import a_review, an_assistant
from tests.fakes.rules import (
    ALL,
    HOUSE,
    SILENT,
    TARGETS,
    a_policy_of,
    a_rule,
    at,
    decided,
    targets_of,
)
from tests.fakes.some_rules import some_rules

LAPSED = date(2026, 7, 9)
HOLDS = date(2026, 12, 31)
NOW = at(DURING)
SAID = "break-glass bg_one lifts rule r until 2026-07-10T11:00:00Z"


def after(policy: Policy, *opened, **asked: object):
    """What is decided while these are open, at ten on 10 July unless said otherwise."""
    return decided(lifted(policy, opened), **{"now": NOW, **asked})


def registered(registers: Registers, *rules, data_class: str = "internal") -> Policy:
    teams = {"web": a_team_document(tuple(TARGETS), data_class)}
    return Policy.compile(teams, TARGETS, rules, registers)


def test_a_policy_without_exceptions_is_the_same_policy():
    policy = a_policy_of(a_rule())
    assert lifted(policy, ()) is policy


def test_what_is_lifted_lets_pass_and_says_so():
    decision = after(a_policy_of(a_rule()), a_glass("r"))
    assert isinstance(decision, Allow)
    assert (decision.targets, decision.warnings, decision.exceptions) == (ALL, (SAID,), ("bg_one",))


def test_to_require_the_house_can_be_lifted():
    policy = a_policy_of(a_rule("r", "require_in_house"))
    assert targets_of(decided(policy)) == (HOUSE.name,)
    assert targets_of(after(policy, a_glass("r"))) == ALL


def test_a_cap_can_be_lifted():
    policy = a_policy_of(a_rule("r", "cap", cap={"per": "user", "requests_per_minute": 3}))
    assert decided(policy).caps
    decision = after(policy, a_glass("r"))
    assert (decision.caps, decision.exceptions) == ((), ("bg_one",))


@pytest.mark.parametrize("when", ["2026-07-10T08:59:59", OVER])
def test_before_and_after_it_the_rule_holds(when):
    denied = after(a_policy_of(a_rule()), a_glass("r"), now=at(when))
    assert denied.rule == "r"


@pytest.mark.parametrize("when", [OPENED, "2026-07-10T10:59:59"])
def test_in_its_first_and_last_second_the_rule_is_lifted(when):
    assert after(a_policy_of(a_rule()), a_glass("r"), now=at(when)).exceptions == ("bg_one",)


@pytest.mark.parametrize(
    "scope",
    [{"teams": ("ops",)}, {"users": ("bob",)}, {"models": ("qwen",)}, {"assistants": ("x",)}],
)
def test_whom_it_is_not_for_it_does_not_concern(scope):
    policy = a_policy_of(a_rule())
    assert after(policy, a_glass("r", **scope)) == decided(policy, now=NOW)


def test_a_team_it_is_not_for_keeps_its_own_rules():
    policy = a_policy_of(a_rule())
    assert lifted(policy, [a_glass("r", teams=("ops",))]).teams["web"] is policy.teams["web"]


def test_another_rule_still_denies():
    policy = a_policy_of(a_rule("r"), a_rule("other"))
    assert after(policy, a_glass("r")) == Deny("other", "other says so")


def test_what_another_rule_takes_away_as_well_is_not_said_to_be_lifted():
    policy = a_policy_of(a_rule("r", vendors=("anthropic",)), a_rule("s", vendors=("anthropic",)))
    assert after(policy, a_glass("r")) == decided(policy, now=NOW)


def test_a_rule_that_does_not_speak_of_the_request_is_not_said_to_be_lifted():
    policy = a_policy_of(a_rule("r", users=("bob",)))
    assert after(policy, a_glass("r")) == decided(policy, now=NOW)


def test_a_warning_of_what_is_to_come_is_kept():
    policy = a_policy_of(a_rule("r", start="2026-07-11", warn_from="2026-07-01"))
    assert after(policy, a_glass("r")) == decided(policy, now=NOW)
    assert decided(policy, now=NOW).warnings


@pytest.mark.parametrize("effect", ["warn", "shadow"])
def test_what_restricts_nothing_is_not_lifted(effect):
    written = {"mode": "shadow"} if effect == "shadow" else {}
    policy = a_policy_of(a_rule("r", "deny" if written else "warn", **written))
    assert after(policy, a_glass("r")) == decided(policy, now=NOW)


def test_two_that_lift_the_same_are_both_named():
    opened = (a_glass("r"), a_glass("r", name="bg_two"))
    assert after(a_policy_of(a_rule()), *opened).exceptions == ("bg_one", "bg_two")


def test_two_that_each_lift_one_of_two_rules_let_pass_together():
    policy = a_policy_of(a_rule("a"), a_rule("b"))
    one, two = a_glass("a"), a_glass("b", name="bg_two")
    assert isinstance(after(policy, one), Deny)
    assert after(policy, one, two).exceptions == ("bg_one", "bg_two")


def test_no_exception_gives_a_data_class_above_a_targets_clearance():
    policy = a_policy_of(a_rule("r", "require_in_house"), data_class="restricted")
    assert targets_of(after(policy, a_glass("r"))) == (HOUSE.name,)


@pytest.mark.parametrize("own", ["data_class", "model_access", "key_scope", "vendor_register"])
def test_the_gateways_own_rules_are_not_lifted_by_their_names(own):
    policy = registered(Registers({"anthropic": a_review(LAPSED)}))
    assert after(policy, a_glass(own)) == decided(policy, now=NOW)


def test_a_lapsed_review_of_a_vendor_can_be_lifted():
    kept = {name: a_review(LAPSED) for name in ("anthropic", "silent")}
    policy = registered(Registers(kept))
    assert targets_of(decided(policy, now=NOW)) == (HOUSE.name,)
    decision = after(policy, a_glass(reviews_of_vendors=("silent",)))
    assert decision.targets == (HOUSE.name, SILENT.name)
    assert decision.warnings[-1] == (
        "break-glass bg_one lifts the lapsed review of vendor silent until 2026-07-10T11:00:00Z"
    )


def test_a_vendor_that_was_never_reviewed_stays_out():
    policy = registered(Registers({"anthropic": a_review(HOLDS)}))
    assert after(policy, a_glass(reviews_of_vendors=("silent",))) == decided(policy, now=NOW)


def test_a_review_that_holds_is_as_without_the_exception():
    policy = registered(Registers({"anthropic": a_review(date(2026, 7, 20)), "silent": a_review()}))
    assert decided(policy, now=NOW).warnings
    opened = a_glass(reviews_of_vendors=("anthropic", "silent"))
    assert after(policy, opened) == decided(policy, now=NOW)


def test_a_lapsed_review_of_an_assistant_can_be_lifted_and_its_versions_cannot():
    kept = Registers(assistants={"claude-code": an_assistant(">= 2.1.100", LAPSED)})
    policy = registered(kept)
    assert isinstance(decided(policy, now=NOW), Deny)
    opened = a_glass(reviews_of_assistants=("claude-code",))
    assert after(policy, opened).exceptions == ("bg_one",)
    assert "not approved" in after(policy, opened, now=at(DURING, version="2.0.0")).reason


def with_a_budget(**limits: object) -> Policy:
    return Policy.compile({"web": a_team_document(tuple(TARGETS), **limits)}, TARGETS)


def test_a_budget_can_be_raised_and_says_so():
    policy = with_a_budget(usd_per_month=100, parallel=3)
    decision = after(policy, a_glass(extra_usd=50), a_glass(extra_usd=25, name="bg_two"))
    amounts = {each.unit: each.amount for each in decision.caps}
    assert amounts == {Unit.NANO_USD: 175 * NANO_USD_PER_USD, Unit.PARALLEL: 3}
    assert decision.exceptions == ("bg_one", "bg_two")
    assert "lifts the budget by 50 USD until" in decision.warnings[0]


def test_a_team_without_a_budget_is_not_told_that_one_is_raised():
    policy = with_a_budget(parallel=3)
    assert after(policy, a_glass(extra_usd=50)) == decided(policy, now=NOW)


def test_a_denial_does_not_last_while_an_exception_is_still_to_begin():
    policy = a_policy_of(a_rule("r"), a_rule("s"))
    early, during = at("2026-07-10T08:00:00"), at(DURING)
    assert after(policy, a_glass("r"), now=early).lasts is False
    assert after(policy, a_glass("r"), now=during).lasts is True


def test_what_is_remembered_of_exceptions_does_not_grow_for_ever():
    rules = [a_rule(f"r{number}") for number in range(8)]
    opened = [a_glass(f"r{number}", users=(f"u{number}", "ada")) for number in range(8)]
    policy = lifted(a_policy_of(*rules), opened)
    for second in range(8):
        decided(policy, now=NOW, user=f"u{second}")
    assert 0 < len(policy.teams["web"].without) <= 64


def offered(policy: Policy, *opened, user: str = "ada", assistant: str = "unrecognised"):
    """The models that a caller is listed, at ten on 10 July."""
    caller = Identity(user, "web", frozenset({"developer"}), "key-1")
    return list(lifted(policy, opened).offered_to(caller, at(DURING, assistant, None)))


def test_the_model_list_has_what_is_lifted_for_this_caller():
    policy = a_policy_of(a_rule("r", models=("claude-*",)))
    assert offered(policy) == ["coder", "qwen"]
    assert offered(policy, a_glass("r")) == ["coder", "claude-opus", "qwen"]
    assert offered(policy, a_glass("r", users=("bob",))) == ["coder", "qwen"]
    assert offered(policy, a_glass("r"), assistant="codex") == ["coder", "claude-opus", "qwen"]


def test_the_model_list_has_what_a_lapsed_review_kept_out():
    policy = registered(Registers({"anthropic": a_review(LAPSED)}))
    assert offered(policy) == ["coder", "qwen"]
    glass = a_glass(reviews_of_vendors=("anthropic",))
    assert offered(policy, glass) == ["coder", "claude-opus", "qwen"]
    over = a_glass(reviews_of_vendors=("anthropic",), ends=DURING)
    assert offered(policy, over) == ["coder", "qwen"]


@given(
    some_rules(), some_glasses(), st.sampled_from(tuple(TARGETS)), st.sampled_from(["web", "ops"])
)
def test_no_exception_gives_a_target_that_the_teams_document_does_not(rules, opened, model, team):
    asked = {"model": model, "team": team, "now": NOW, "tools": ("bash",)}
    allowed = targets_of(after(a_policy_of(*rules, data_class="confidential"), *opened, **asked))
    given_by_document = decided(a_policy_of(data_class="confidential"), **asked)
    assert set(allowed) <= set(targets_of(given_by_document))


@given(
    some_rules(),
    some_glasses(),
    st.sampled_from(tuple(TARGETS)),
    st.sampled_from(["2026-06-01T12:00:00", "2026-07-09T23:59:58", OVER, "2026-08-01T00:00:00"]),
)
def test_outside_its_interval_every_decision_is_that_without_it(rules, opened, model, when):
    policy = a_policy_of(*rules)
    plain = decided(policy, model=model, now=at(when))
    told = after(policy, *opened, model=model, now=at(when))
    assert (type(told), targets_of(told), getattr(told, "rule", "")) == (
        type(plain),
        targets_of(plain),
        getattr(plain, "rule", ""),
    )
    assert moment(when) < moment(OPENED) or told == plain


@given(
    some_rules(), some_glasses(), st.sampled_from(tuple(TARGETS)), st.sampled_from(["ada", "bob"])
)
def test_what_passes_as_without_it_names_none_and_what_does_not_names_one(
    rules, opened, model, user
):
    policy = a_policy_of(*rules)
    plain = decided(policy, model=model, user=user, now=NOW)
    told = after(policy, *opened, model=model, user=user)
    assert set(targets_of(plain)) <= set(targets_of(told))
    if isinstance(told, Allow):
        assert bool(told.exceptions) is (targets_of(told) != targets_of(plain))
        assert len(told.warnings) == len(getattr(plain, "warnings", ())) + len(told.exceptions)
