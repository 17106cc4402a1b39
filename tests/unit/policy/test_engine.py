"""The engine's semantics: default deny, a denial wins, targets are intersected."""

import timeit
from dataclasses import dataclass
from typing import ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.engine import Policy, combine
from policy.question import Question, Team
from policy.registers import Registers
from policy.rulebook.rule import Placed
from policy.rules import RULES
from policy.types import (
    Allow,
    Cap,
    Circumstances,
    DataClass,
    Decision,
    Deny,
    Scope,
    TargetFacts,
    Unit,
    Window,
)
from tests.fakes.policy_facts import (
    DEEPSEEK,
    HOUSE,
    NOON,
    a_policy,
    a_question,
    a_team_document,
    an_identity,
    some_facts,
)
from tests.fakes.rules import a_policy_of, a_rule, at

NAMES = ("a/1", "b/2", "c/3")
TARGETS = tuple(TargetFacts(name, False, DataClass.PUBLIC) for name in NAMES)


@dataclass(frozen=True, slots=True)
class Says:
    """A rule that always says the same."""

    decision: Decision
    name: ClassVar[str] = "says"
    is_standing: ClassVar[bool] = False

    @classmethod
    def compile(cls, team: Team) -> "Says":
        raise NotImplementedError

    def decide(self, question: Question) -> Decision:
        return self.decision


def allows(*targets: str, caps: tuple[Cap, ...] = (), warnings: tuple[str, ...] = ()) -> Says:
    return Says(Allow(targets, DataClass.PUBLIC, caps, warnings))


def permitted(decision: Decision) -> set[str]:
    return set(decision.targets) if isinstance(decision, Allow) else set()


some_allow = st.lists(st.sampled_from((*NAMES, "foreign/9")), unique=True).map(
    lambda names: allows(*names)
)
some_deny = st.just(Says(Deny("no", "because")))
some_rules = st.lists(st.one_of(some_allow, some_allow, some_deny), max_size=5).map(tuple)


def test_nothing_is_allowed_when_no_rule_speaks():
    decision = combine(a_question(*TARGETS), ())
    assert isinstance(decision, Deny)


def test_the_first_denial_is_the_answer():
    first, second = Deny("first", "one"), Deny("second", "two")
    assert combine(a_question(*TARGETS), (allows(*NAMES), Says(first), Says(second))) == first


def test_targets_are_intersected_in_the_order_of_the_question():
    decision = combine(a_question(*TARGETS), (allows("c/3", "a/1"), allows("b/2", "c/3", "a/1")))
    assert isinstance(decision, Allow)
    assert decision.targets == ("a/1", "c/3")


def test_caps_and_warnings_are_added_up():
    one = Cap("team:web", Unit.REQUESTS, 5, Window.MINUTE)
    two = Cap("team:web", Unit.PARALLEL, 2, Window.NOW)
    rules = (allows(*NAMES, caps=(one,), warnings=("w1",)), allows(*NAMES, caps=(two,)))
    decision = combine(a_question(*TARGETS), rules)
    assert decision == Allow(NAMES, DataClass.INTERNAL, (one, two), ("w1",))


def test_rules_that_leave_no_common_target_are_a_denial():
    decision = combine(a_question(*TARGETS), (allows("a/1"), allows("b/2")))
    assert isinstance(decision, Deny)
    assert decision.rule == "no_target"


@given(some_rules)
def test_no_rule_can_bring_in_a_target_that_was_not_asked_about(rules):
    assert permitted(combine(a_question(*TARGETS), rules)) <= set(NAMES)


@given(some_rules, st.one_of(some_allow, some_deny), st.integers(0, 5))
def test_one_more_rule_never_allows_more(rules, extra, position):
    if not rules:
        return
    more = (*rules[:position], extra, *rules[position:])
    question = a_question(*TARGETS)
    assert permitted(combine(question, more)) <= permitted(combine(question, rules))


@given(st.permutations(["web", "payments", "ops"]), st.sampled_from(["web", "payments", "ops"]))
def test_the_order_of_teams_does_not_matter(order, asking):
    documents = {
        "web": a_team_document(("coder", "cheap"), requests_per_minute=5),
        "payments": a_team_document(("coder",), "confidential"),
        "ops": a_team_document(("cheap",), "public", parallel=1),
    }
    shuffled = a_policy(**{name: documents[name] for name in order})
    identity, facts = an_identity(asking), some_facts("coder")
    assert shuffled.decide(identity, facts, NOON) == a_policy(**documents).decide(
        identity, facts, NOON
    )


def test_an_unknown_team_is_denied_with_what_to_do():
    decision = a_policy(web=a_team_document()).decide(an_identity("ghosts"), some_facts(), NOON)
    assert isinstance(decision, Deny)
    assert "'ghosts'" in decision.reason
    assert "operator" in str(decision.alternative)


def test_a_team_without_a_name_is_denied():
    assert isinstance(
        a_policy(web=a_team_document()).decide(an_identity(""), some_facts(), NOON), Deny
    )


def test_an_unknown_model_and_one_not_granted_get_the_same_answer():
    policy = a_policy(web=a_team_document(("coder",)))
    unknown = policy.decide(an_identity(), some_facts("nothing"), NOON)
    hidden = policy.decide(an_identity(), some_facts("cheap"), NOON)
    assert isinstance(unknown, Deny)
    assert isinstance(hidden, Deny)
    assert unknown.reason.replace("nothing", "cheap") == hidden.reason
    assert (unknown.rule, unknown.code, unknown.alternative) == (
        hidden.rule,
        "model_not_found",
        hidden.alternative,
    )


def test_the_teams_data_class_narrows_the_targets():
    policy = a_policy(payments=a_team_document(("coder",), "confidential"))
    decision = policy.decide(an_identity("payments"), some_facts(), NOON)
    assert decision == Allow((HOUSE.name,), DataClass.CONFIDENTIAL)


def test_a_label_on_the_content_raises_the_data_class_and_never_lowers_it():
    policy = a_policy(web=a_team_document())
    raised = policy.decide(an_identity(), some_facts(), NOON, DataClass.RESTRICTED)
    lowered = policy.decide(an_identity(), some_facts(), NOON, DataClass.PUBLIC)
    assert raised == Allow((HOUSE.name,), DataClass.RESTRICTED)
    assert lowered == Allow((HOUSE.name, DEEPSEEK.name), DataClass.INTERNAL)


def test_restricted_code_never_reaches_a_vendor_without_clearance():
    bare = TargetFacts("vendor/x", False, DataClass.PUBLIC)
    policy = Policy.compile({"web": a_team_document(("m",), "restricted")}, {"m": (bare,)})
    assert isinstance(policy.decide(an_identity(), some_facts("m"), NOON), Deny)


def test_all_limits_of_a_team_become_caps():
    policy = a_policy(
        web=a_team_document(
            requests_per_minute=600, tokens_per_minute=2_000_000, parallel=40, usd_per_month=5_000
        )
    )
    decision = policy.decide(an_identity(), some_facts(), NOON)
    assert isinstance(decision, Allow)
    assert decision.caps == (
        Cap("team:web", Unit.REQUESTS, 600, Window.MINUTE),
        Cap("team:web", Unit.TOKENS, 2_000_000, Window.MINUTE),
        Cap("team:web", Unit.PARALLEL, 40, Window.NOW),
        Cap("team:web", Unit.NANO_USD, 5_000_000_000_000, Window.CALENDAR_MONTH_UTC),
    )


def test_a_team_sees_only_the_models_it_can_reach():
    policy = a_policy(
        web=a_team_document(("cheap", "coder")),
        payments=a_team_document(("cheap", "coder"), "confidential"),
    )
    assert policy.models_for("web", NOON.unix_seconds) == ("cheap", "coder")
    assert policy.models_for("payments", NOON.unix_seconds) == ("coder",)
    assert policy.models_for("ghosts", NOON.unix_seconds) == ()


def test_a_model_that_nobody_offers_is_left_out():
    policy = Policy.compile({"web": a_team_document(("gone",))}, {"gone": ()})
    assert policy.models_for("web", NOON.unix_seconds) == ()
    assert isinstance(policy.decide(an_identity(), some_facts("gone"), NOON), Deny)


def test_the_largest_request_of_any_team_is_known():
    policy = a_policy(a=a_team_document(max_request_bytes=10), b=a_team_document())
    assert policy.max_request_bytes == 33_554_432


@pytest.mark.parametrize(
    ("rule", "shows"),
    [
        (a_rule("w", "warn"), True),
        (a_rule("w", "warn", show="header"), False),
        (a_rule("d", warn_from="2026-06-20", start="2026-07-10"), True),
        (a_rule("d", start="2026-07-10"), False),
        (a_rule("c", "cap", cap={"per": "user", "parallel": 2}), False),
    ],
)
def test_a_policy_knows_whether_it_may_warn_inside_the_assistants(rule, shows):
    assert a_policy_of(rule).shows_notices is shows


def test_rules_stand_in_their_order():
    names = [rule.name for rule in RULES]
    assert names == [
        "key_scope",
        "request_size",
        "assistant_register",
        "model_access",
        "data_class",
        "vendor_register",
        "own_limits",
        "rates",
        "parallel",
        "budget",
    ]


def test_a_remembered_answer_is_the_first_answer():
    policy = a_policy(web=a_team_document(parallel=3), payments=a_team_document((), "restricted"))
    first = [policy.decide(an_identity(team), some_facts(), NOON) for team in ("web", "payments")]
    again = [policy.decide(an_identity(team), some_facts(), NOON) for team in ("web", "payments")]
    assert first == again


def test_a_remembered_answer_does_not_let_a_large_request_pass():
    policy = a_policy(web=a_team_document(max_request_bytes=10))
    small = policy.decide(an_identity(), some_facts(body_bytes=10), NOON)
    large = policy.decide(an_identity(), some_facts(body_bytes=11), NOON)
    assert isinstance(small, Allow)
    assert isinstance(large, Deny)


def test_unknown_models_are_not_remembered():
    policy = a_policy(web=a_team_document())
    policy.decide(an_identity(), some_facts("made-up"), NOON)
    assert policy.teams["web"].remembered == {}


def test_a_decision_costs_microseconds():
    policy = a_policy(web=a_team_document(requests_per_minute=1, parallel=1, usd_per_month=1))
    identity, facts = an_identity(), some_facts()
    best = (
        min(timeit.repeat(lambda: policy.decide(identity, facts, NOON), number=500, repeat=9)) / 500
    )
    assert best < 100e-6


EVERY = {"coder": "house/qwen3", "claude-opus": "anthropic/claude", "qwen": "house/qwen3"}


def offered(*rules: Placed, now: Circumstances | None = None, **key: object) -> dict[str, str]:
    identity = msgspec.structs.replace(an_identity(), **key)
    policy = a_policy_of(*rules)
    return dict(policy.offered_to(identity, now or at("2026-06-01T12:00")))


def test_without_rules_a_team_is_offered_all_it_can_reach_in_its_order():
    assert list(offered().items()) == list(EVERY.items())
    assert offered(team="ghosts") == {}


@pytest.mark.parametrize(
    "written",
    [
        {"models": ("claude-*",)},
        {"in_house": False, "models": ("claude-*",)},
        {"models": ("claude-*",), "assistants": ("claude-code < 3",)},
        {"models": ("claude-*",), "networks": ("10.0.0.0/8",)},
        {"models": ("claude-*",), "users": ("ada",), "weekdays": ("mon",)},
    ],
)
def test_a_model_that_rules_deny_this_caller_is_not_offered(written):
    now = at("2026-06-01T12:00", address="10.1.2.3")
    assert list(offered(a_rule(**written), now=now)) == ["coder", "qwen"]


@pytest.mark.parametrize(
    "written",
    [
        {"tools": ("*",)},
        {"request_bytes_over": 0},
        {"input_tokens_over": 0},
        {"operations": ("chat", "text_completion")},
        {"hours": ("22:00-06:00",)},
        {"mode": "shadow"},
        {"warn_from": "2026-05-01", "start": "2026-07-10"},
        {"assistants": ("codex",)},
        {"users": ("bob",)},
    ],
)
def test_a_model_is_offered_where_rules_deny_some_requests_only(written):
    assert offered(a_rule(**written, models=("claude-*",))) == EVERY


def test_a_model_is_offered_with_the_target_that_rules_leave():
    assert offered(a_rule(vendors=("house",), models=("coder",)))["coder"] == "anthropic/claude"


def test_an_exempted_caller_is_offered_what_others_are_not():
    rules = a_rule(models=("qwen",)), a_rule("e", "allow", exempts=("r",), users=("ada",))
    assert offered(*rules) == EVERY
    assert "qwen" not in offered(*rules, subject="bob")


def test_whom_everything_is_denied_sees_the_list_and_reads_why_in_an_answer():
    rules = a_rule(assistants=("claude-code",)), a_rule("q", models=("qwen",))
    assert offered(*rules) == EVERY
    assert offered(*rules, scope=Scope(models=("qwen",))) == {"qwen": "house/qwen3"}
    assert "qwen" not in offered(*rules, now=at("2026-06-01T12:00", "codex"))


@pytest.mark.parametrize(
    "rules",
    [
        (a_rule(models=("qwen",), assistants=("unrecognised",)),),
        (
            a_rule(models=("qwen",)),
            a_rule("e", "allow", exempts=("r",), assistants=("codex",)),
        ),
    ],
)
def test_who_cannot_be_told_may_ask_for_any_assistant(rules):
    assert offered(*rules, now=at("2026-06-01T12:00", "unrecognised", None)) == EVERY


def test_no_register_of_assistants_hides_a_model_from_who_cannot_be_told():
    team, kept = a_team_document(("cheap", "coder")), Registers(assistants={})
    targets = {"coder": (HOUSE, DEEPSEEK), "cheap": (DEEPSEEK,)}
    policy = Policy.compile({"web": team}, targets, [a_rule(models=("cheap",))], kept)
    assert list(policy.offered_to(an_identity(), NOON)) == ["coder"]


def test_a_key_is_offered_what_it_is_for():
    scope = Scope(models=("qwen", "gone"))
    assert offered(scope=scope) == {"qwen": "house/qwen3"}
    assert offered(scope=Scope(models=("gone",))) == {}
