"""An explanation in lines, rows and one object."""

from gateway.cli.reasons import lines_of, object_of, rows_of
from policy.rulebook.explain import Explanation, explain
from policy.types import Identity
from tests.fakes.policy_facts import some_facts
from tests.fakes.rules import a_policy_of, a_rule, at


def told(*rules, model: str = "coder") -> Explanation:
    identity = Identity("ada", "web", frozenset({"developer"}), "key-1")
    return explain(a_policy_of(*rules), identity, some_facts(model), at("2026-06-01T12:00"))


def test_an_allowance_tells_warnings_caps_and_shadows():
    cap = {"per": "user", "parallel": 2}
    lines = list(
        lines_of(told(a_rule("w", "warn"), a_rule("c", "cap", cap=cap), a_rule("s", mode="shadow")))
    )
    assert lines[1:] == [
        "  warned: w says so (rule w)",
        "  shown inside the assistant, once a session: w",
        "  within 2 parallel (now) of user:ada (rule c)",
        "  would be denied, were they enforced, by s",
    ]


def test_a_denial_by_the_document_says_where_that_stands():
    lines = list(lines_of(told(model="gpt-9")))
    assert lines[0] == "denied by model_access (the team's document in gatehouse.yaml)"
    assert object_of(told(model="gpt-9"))["place"] == "the team's document in gatehouse.yaml"


def test_each_rule_has_its_row_with_the_reason():
    rows = list(
        rows_of(
            told(
                a_rule("a", start="2026-07-10", until="2026-08-01"),
                a_rule("b"),
                a_rule("c", "allow", exempts=("b",)),
                a_rule("d", users=("bob",)),
            )
        )
    )
    assert [row[2:] for row in rows] == [
        ("asleep", "its days: from 2026-07-10, until 2026-08-01"),
        ("exempted", "exempted by c"),
        ("exempts", ""),
        ("missed", "users: ada, not bob"),
    ]


def test_an_object_tells_all_of_it():
    found = object_of(told(a_rule("d", users=("bob",))))
    assert found["effect"] == "allow"
    assert found["nearest"] == found["rules"][0]
    assert found["nearest"]["missed"] == [{"field": "users", "wanted": "bob", "seen": "ada"}]
