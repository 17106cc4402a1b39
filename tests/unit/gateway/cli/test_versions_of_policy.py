"""Two versions of a policy differ in rules, fields, and in what becomes of the tests."""

from gateway.cli.versions_of_policy import ChangedRule, changes_of_rules, flips_of_cases
from tests.fakes.policy_files import loaded
from tests.fakes.rules import a_policy_of, a_rule

RULE = "rules:\n  - { id: r, effect: deny, reason: x, match: { users: [%s] } }\n"
CASE = """\
tests:
  - name: Bob asks
    request: { team: web, model: coder, user: bob }
    expect: { effect: deny }
"""


def test_rules_are_added_removed_and_changed_field_by_field():
    old = a_policy_of(a_rule("a"), a_rule("b", users=("ada",)), a_rule("c"))
    new = a_policy_of(a_rule("b", users=("bob",), start="2026-07-10"), a_rule("c"), a_rule("d"))
    assert list(changes_of_rules(old, new)) == [
        ChangedRule("removed", "a"),
        ChangedRule("changed", "b", ("from", "match.users")),
        ChangedRule("added", "d"),
    ]


def test_a_policy_does_not_differ_from_itself(tmp_path):
    one = loaded(tmp_path, RULE % "bob" + CASE)
    assert list(changes_of_rules(one.policy, one.policy)) == []
    assert list(flips_of_cases(one, one, 0)) == []


def test_tests_that_are_decided_otherwise_are_told(tmp_path):
    one, other = loaded(tmp_path, RULE % "bob" + CASE), loaded(tmp_path, RULE % "ada")
    (flip,) = flips_of_cases(one, other, 0)
    assert (flip.name, flip.old) == ("Bob asks", "deny by r")
    assert flip.new.startswith("allow to house/")
