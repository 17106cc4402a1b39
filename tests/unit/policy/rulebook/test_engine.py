"""What policy allowed becomes less: a denial wins, an exception exempts from what it names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.rulebook.engine import TeamRules
from policy.rulebook.rule import CompiledRule
from policy.types import Allow, Deny, Notice, Unit
from tests.fakes.rules import (
    ALL,
    ANTHROPIC,
    HOUSE,
    SILENT,
    TARGETS,
    UNPRICED,
    a_policy_of,
    a_policy_with,
    a_rule,
    at,
    decided,
    targets_of,
)


def test_without_rules_the_teams_document_decides():
    assert a_policy_of().teams["web"].written is None
    assert targets_of(decided(a_policy_of())) == ALL


def test_a_denial_says_rule_reason_and_alternative():
    rule = a_rule("no-claude", assistants=("claude-code",), reason="It left.", alternative="qoder")
    assert decided(a_policy_of(rule)) == Deny("no-claude", "It left", "qoder")


def test_a_rule_that_misses_one_condition_does_nothing():
    rule = a_rule(assistants=("claude-code",), users=("bob",))
    assert targets_of(decided(a_policy_of(rule))) == ALL


def test_a_rule_for_another_team_or_model_does_nothing():
    policy = a_policy_of(a_rule("a", teams=("ops",)), a_rule("b", models=("claude-*",)))
    assert targets_of(decided(policy)) == ALL
    assert decided(policy, model="claude-opus") == Deny("b", "b says so")
    assert decided(policy, team="ops") == Deny("a", "a says so")


def test_a_condition_on_targets_leaves_the_others():
    policy = a_policy_of(a_rule(vendors=("anthropic",)))
    assert targets_of(decided(policy)) == (HOUSE.name, SILENT.name)


def test_the_rule_that_leaves_no_target_is_the_one_named():
    policy = a_policy_of(
        a_rule("first", vendors=("anthropic", "silent")), a_rule("second", in_house=True)
    )
    assert decided(policy) == Deny("second", "second says so")
    assert decided(policy, model="claude-opus") == Deny("first", "first says so")


def test_to_require_the_house_leaves_the_house_or_nothing():
    policy = a_policy_of(a_rule("home", "require_in_house", data_from="internal"))
    assert targets_of(decided(policy)) == (HOUSE.name,)
    assert isinstance(decided(policy, model="claude-opus"), Deny)


def test_an_exception_exempts_from_the_rules_it_names_only():
    exception = a_rule("e", "allow", exempts=("one",), users=("ada",))
    policy = a_policy_of(a_rule("one"), exception)
    assert targets_of(decided(policy)) == ALL
    assert isinstance(decided(policy, user="bob"), Deny)
    two = a_policy_of(a_rule("one"), a_rule("two"), exception)
    assert decided(two) == Deny("two", "two says so")


def test_an_exception_may_hold_for_some_targets():
    exception = a_rule("e", "allow", exempts=("one",), regions=("eu",))
    assert targets_of(decided(a_policy_of(a_rule("one"), exception))) == (HOUSE.name,)


def test_an_exception_ends_on_its_day():
    policy = a_policy_of(a_rule("one"), a_rule("e", "allow", exempts=("one",), until="2026-08-01"))
    assert targets_of(decided(policy, now=at("2026-07-31T23:59:59"))) == ALL
    assert isinstance(decided(policy, now=at("2026-08-01T00:00:00")), Deny)


def test_an_exception_gives_nothing_that_the_team_does_not_have():
    policy = a_policy_of(a_rule("e", "allow", exempts=("data_class",)), data_class="restricted")
    assert targets_of(decided(policy)) == (HOUSE.name,)


def test_a_warning_lets_the_request_pass():
    decision = decided(a_policy_of(a_rule("w", "warn", vendors=("anthropic",))))
    assert isinstance(decision, Allow)
    assert (decision.targets, decision.warnings) == (ALL, ("w says so (rule w)",))


def test_a_warning_is_shown_inside_where_its_rule_wants_that():
    rules = (a_rule("w", "warn"), a_rule("v", "warn", show="header"))
    decision = decided(a_policy_of(*rules))
    assert isinstance(decision, Allow)
    assert decision.warnings == ("w says so (rule w)", "v says so (rule v)")
    assert decision.notices == (Notice("w", "w says so"),)


def test_nobody_is_warned_of_a_target_that_may_not_be_tried():
    policy = a_policy_of(
        a_rule("w", "warn", vendors=("anthropic",)), a_rule("d", vendors=("anthropic",))
    )
    assert decided(policy).warnings == ()


def test_an_exception_silences_a_warning():
    policy = a_policy_of(a_rule("w", "warn"), a_rule("e", "allow", exempts=("w",)))
    assert decided(policy).warnings == ()


@pytest.mark.parametrize(
    ("written", "lasts"),
    [
        ({"assistants": ("claude-code",), "users": ("ada",), "start": "2026-01-01"}, True),
        ({"assistants": ("claude-code < 9",)}, True),
        ({"until": "2027-01-01"}, False),
        ({"tools": ("*",)}, False),
        ({"input_tokens_over": 0}, False),
        ({"networks": ("10.0.0.0/8",)}, False),
        ({"weekdays": ("mon",)}, False),
    ],
)
def test_a_denial_lasts_where_the_turn_asked_again_is_denied_again(written, lasts):
    assert decided(a_policy_of(a_rule(**written)), tools=("bash",)).lasts is lasts


@pytest.mark.parametrize(
    ("exception", "lasts"),
    [({"until": "2026-01-01"}, True), ({"start": "2027-01-01"}, False), ({"tools": ("x",)}, False)],
)
def test_a_denial_does_not_last_where_an_exception_may_begin(exception, lasts):
    policy = a_policy_of(a_rule("one"), a_rule("e", "allow", exempts=("one",), **exception))
    assert decided(policy, tools=("bash",)).lasts is lasts


def test_of_two_rules_that_deny_together_both_must_last():
    policy = a_policy_of(a_rule("one", vendors=("house",), hours=("00:00-24:00",)), a_rule("two"))
    assert decided(policy).lasts is False


def test_a_shadow_rule_denies_nothing_and_is_named():
    policy = a_policy_of(
        a_rule("all", mode="shadow"), a_rule("some", mode="shadow", vendors=("anthropic",))
    )
    assert decided(policy) == Allow(ALL, decided(policy).data_class, shadow=("all",))
    assert decided(policy, model="claude-opus").shadow == ("all", "some")


def test_a_cap_is_added_to_those_of_the_team():
    cap = {"per": "user", "requests_per_minute": 3}
    decision = decided(a_policy_of(a_rule("few", "cap", cap=cap)))
    assert [(each.account, each.unit) for each in decision.caps] == [
        ("user:ada (rule few)", Unit.REQUESTS)
    ]


def test_a_cap_on_some_targets_counts_what_these_answer():
    cap = {"per": "user", "requests_per_day": 3}
    policy = a_policy_of(a_rule("few", "cap", vendors=("anthropic",), cap=cap))
    assert decided(policy).caps[0].targets == (ANTHROPIC.name,)
    assert decided(policy, model="claude-opus").caps[0].targets == ()
    assert decided(policy, model="qwen").caps == ()


def test_an_exempted_target_is_not_counted():
    cap = {"per": "together", "requests_per_day": 3}
    policy = a_policy_of(
        a_rule("few", "cap", cap=cap),
        a_rule("free", "allow", exempts=("few",), vendors=("house",)),
    )
    assert decided(policy).caps[0].targets == (ANTHROPIC.name, SILENT.name)


def test_a_cap_on_money_lets_only_what_has_a_price_through():
    cap = {"per": "user", "usd_per_month": 3}
    policy = a_policy_with(UNPRICED, a_rule("budget-2", "cap", cap=cap))
    decision = decided(policy)
    assert decision.targets == (HOUSE.name,)
    assert decision.caps[0].targets == ()


def test_where_nothing_has_a_price_a_cap_on_money_denies():
    cap = {"per": "user", "usd_per_month": 3}
    match = {"vendors": ("new",), "reason": "Opus is dear."}
    deny = a_rule("home", "deny", vendors=("house",))
    policy = a_policy_with(UNPRICED, deny, a_rule("dear", "cap", cap=cap, **match))
    decision = decided(policy)
    assert isinstance(decision, Deny)
    assert (decision.rule, decision.lasts) == ("dear", True)
    assert decision.reason == (
        "Opus is dear: it limits what may be spent, and no price is known for new/model"
    )
    assert "prices" in str(decision.alternative)


def test_a_cap_on_requests_asks_for_no_price():
    cap = {"per": "user", "requests_per_day": 3}
    policy = a_policy_with(UNPRICED, a_rule("few", "cap", cap=cap))
    assert decided(policy).targets == (HOUSE.name, UNPRICED.name)


def test_a_denial_of_the_teams_document_comes_first():
    assert decided(a_policy_of(a_rule()), model="gpt-9").rule == "model_access"


some_match = st.fixed_dictionaries(
    {},
    optional={
        "teams": st.sampled_from([("web",), ("ops",), ("web", "ops")]),
        "assistants": st.sampled_from([("claude-code",), ("claude-code < 2",), ("codex",)]),
        "models": st.sampled_from([("*",), ("claude-*",), ("coder",), ("q?en",)]),
        "vendors": st.sampled_from([("anthropic",), ("house", "silent")]),
        "jurisdictions": st.sampled_from([("us",), ("de",)]),
        "in_house": st.booleans(),
        "data_from": st.sampled_from(["public", "confidential"]),
        "tools": st.sampled_from([("bash",), ("*",)]),
        "users": st.just(("ada",)),
    },
)
some_restriction = st.tuples(st.sampled_from(["deny", "require_in_house", "warn"]), some_match)
some_restrictions = st.lists(some_restriction, max_size=6)


def written(restrictions, exceptions=()):
    rules = [a_rule(f"r{at}", effect, **match) for at, (effect, match) in enumerate(restrictions)]
    names = tuple(f"r{at}" for at in range(len(restrictions)))
    return [
        *rules,
        *(a_rule(f"e{at}", "allow", exempts=names, **each) for at, each in enumerate(exceptions)),
    ]


@given(some_restrictions, st.lists(some_match, max_size=3), st.sampled_from(tuple(TARGETS)))
def test_no_rule_gives_a_target_that_the_document_did_not(restrictions, exceptions, model):
    rules = written(restrictions, exceptions if restrictions else ())
    allowed = targets_of(decided(a_policy_of(*rules), model=model, tools=("bash",)))
    assert set(allowed) <= set(targets_of(decided(a_policy_of(), model=model)))


@given(some_restrictions, some_restriction, st.sampled_from(tuple(TARGETS)))
def test_one_more_restriction_never_allows_more(restrictions, extra, model):
    before = decided(a_policy_of(*written(restrictions)), model=model, tools=("bash",))
    after = decided(a_policy_of(*written([*restrictions, extra])), model=model, tools=("bash",))
    assert set(targets_of(after)) <= set(targets_of(before))


@given(st.permutations(range(4)))
def test_the_order_of_rules_changes_who_is_named_and_not_what_is_allowed(order):
    rules = [
        a_rule("a", vendors=("anthropic",)),
        a_rule("b", "require_in_house", users=("bob",)),
        a_rule("c", "warn"),
        a_rule("d", "allow", exempts=("a",), users=("ada",)),
    ]
    decision = decided(a_policy_of(*(rules[at] for at in order)))
    assert (decision.targets, decision.warnings) == (ALL, ("c says so (rule c)",))


@pytest.mark.parametrize(
    "spelling",
    ["Coder", "coder ", "cod\u0435r", "ｃoder", "coder\u200b", "CODER"],  # noqa: RUF001
)
def test_an_odd_spelling_of_a_model_is_no_model(spelling):
    assert isinstance(decided(a_policy_of(a_rule(models=("coder",))), model=spelling), Deny)


def test_rules_left_out_are_as_if_they_were_not_written():
    rules = (a_rule("a", vendors=("anthropic",)), a_rule("b", models=("qwen",)))
    written = a_policy_of(*rules).teams["web"].written
    left = written.without(frozenset({"a"})).by_model
    assert {model: [each.rule.id for each in bound] for model, bound in left.items()} == {
        "coder": [],
        "claude-opus": [],
        "qwen": ["b"],
    }


def test_for_any_assistant_nothing_is_said_about_assistants():
    rules = (
        a_rule("codex", assistants=("codex",)),
        a_rule("but-codex"),
        a_rule("e", "allow", exempts=("but-codex",), assistants=("codex",)),
        a_rule("bob", users=("bob",)),
    )
    bound = TeamRules.bind("web", [CompiledRule.compile(each) for each in rules], TARGETS)
    left = bound.for_any_assistant().by_model["coder"]
    assert [each.rule.id for each in left] == ["bob"]
