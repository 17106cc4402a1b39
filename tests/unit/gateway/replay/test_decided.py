"""What is decided of a record is what was decided of the request, or it is said not to be known."""

import pytest
from hypothesis import given, settings

from gateway.replay import decided as module
from gateway.replay.decided import Decided, Verdict
from tests.fakes.recorded_traffic import a_request, some_asked
from tests.fakes.rules import ALL, a_policy_of, a_rule, targets_of
from tests.fakes.some_rules import some_rules


def by(*rules) -> Decided:
    return Decided(a_policy_of(*rules), lambda name: name)


@settings(max_examples=400)
@given(some_rules(), some_asked)
def test_a_verdict_is_what_was_really_decided_or_says_that_nobody_can_tell(rules, asked):
    policy = a_policy_of(*rules)
    really = asked.decided_by(policy)
    verdict = Decided(policy, lambda name: name).verdict_on(asked.recorded(really))
    if verdict.unknown is None:
        assert verdict.targets == targets_of(really)
    else:
        assert any(each.document.match.networks or each.document.match.tools for each in rules)


def test_a_denial_is_told_by_its_rule_and_a_permission_by_its_targets():
    assert by(a_rule("no")).verdict_on(a_request()) == Verdict(rule="no")
    assert by().verdict_on(a_request()) == Verdict(ALL)
    assert by(a_rule("r", "warn")).verdict_on(a_request()).warns


def test_where_the_caller_was_is_not_known():
    verdict = by(a_rule(networks=("10.0.0.0/8",))).verdict_on(a_request())
    assert verdict.unknown == "where the caller was is not on record"


def test_where_the_caller_was_counts_where_it_is_on_record():
    decided = by(a_rule("there", networks=("10.0.0.0/8",)))
    assert decided.verdict_on(a_request(address="10.1.2.3")) == Verdict(rule="there")
    assert decided.verdict_on(a_request(address="192.168.1.1")) == Verdict(ALL)


def test_what_another_rule_decides_anyway_is_known_all_the_same():
    denied = by(a_rule("net", networks=("10.0.0.0/8",)), a_rule("all"))
    assert denied.verdict_on(a_request()) == Verdict(rule="all")
    other = by(a_rule("net", networks=("10.0.0.0/8",), users=("bob",)))
    assert other.verdict_on(a_request()) == Verdict(ALL)


@pytest.mark.parametrize(
    ("tools", "omitted", "verdict"),
    [
        (("Read",), 0, Verdict(ALL)),
        (("bash",), 7, Verdict(rule="no-bash")),
        (("Read",), 7, Verdict(unknown="not all names of tools are on record")),
    ],
)
def test_tools_beyond_those_on_record_may_matter(tools, omitted, verdict):
    request = a_request(tool_names=tools, tool_names_omitted=omitted)
    assert by(a_rule("no-bash", tools=("bash",))).verdict_on(request) == verdict


def test_the_rules_that_took_targets_away_are_named():
    decided = by(a_rule("a", vendors=("anthropic",)), a_rule("b", vendors=("silent",)))
    assert decided.narrowing(a_request()) == ("a", "b")
    assert by().narrowing(a_request()) == ()


def test_so_many_kinds_are_remembered_and_then_forgotten(monkeypatch):
    monkeypatch.setattr(module, "MOST_KINDS", 2)
    decided = by(a_rule(users=("bob",)))
    subjects = ["ada", "bob", "eve", "ada", "bob"]
    verdicts = [decided.verdict_on(a_request(subject=each)).is_denied for each in subjects]
    assert verdicts == [False, True, False, False, True]
    assert [decided.narrowing(a_request(subject=each)) for each in subjects] == [
        (),
        ("r",),
        (),
        (),
        ("r",),
    ]
