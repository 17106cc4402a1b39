"""What two rules' texts prove of each other holds for every request."""

import pytest
from hypothesis import given, settings

from policy.engine import Policy
from policy.question import Question
from policy.rulebook.overlap import (
    admits_no_version,
    are_apart,
    are_never_awake_together,
    is_within,
)
from policy.types import DataClass, Identity, Operation
from tests.fakes.policy_facts import some_facts
from tests.fakes.recorded_traffic import Asked, some_asked
from tests.fakes.rules import a_policy_of, a_rule, compiled
from tests.fakes.some_rules import some_match


def question(asked: Asked, policy: Policy) -> Question:
    from policy.types import Circumstances

    team = policy.teams["web"]
    facts = some_facts(
        "coder",
        body_bytes=asked.body_bytes,
        input_tokens=asked.input_tokens,
        tools=asked.tools,
        operation=Operation(asked.operation),
    )
    identity = Identity(asked.subject, "web", frozenset(asked.roles), asked.key)
    now = Circumstances(asked.unix_seconds, *asked.assistant, asked.address)
    return team.ask(identity, facts, now, None)


@settings(max_examples=400)
@given(some_match, some_match, some_asked)
def test_a_rule_within_another_speaks_of_nothing_else(narrow, wide, asked):
    one, other = compiled("one", **narrow), compiled("other", **wide)
    here = question(asked, a_policy_of())
    if is_within(one.written.document, other.written.document, here.data_class):
        assert other.speaks_of(here) or not one.speaks_of(here)


@settings(max_examples=400)
@given(some_match, some_match, some_asked)
def test_an_exception_apart_from_a_rule_speaks_of_nothing_that_the_rule_speaks_of(
    exempting, restricting, asked
):
    exception = compiled("e", "allow", exempts=("r",), **exempting)
    rule = compiled("r", **restricting)
    here = question(asked, a_policy_of())
    if are_apart(exception.written.document, rule.written.document):
        assert not (exception.speaks_of(here) and rule.speaks_of(here))


WITHIN = [
    ({"users": ("ada",)}, {}),
    ({"users": ("ada",)}, {"users": ("bob", "ada")}),
    ({"roles": ("ci",), "keys": ("k",)}, {"roles": ("ci", "developer")}),
    ({"assistants": ("codex < 2",)}, {"assistants": ("codex",)}),
    ({"assistants": ("codex < 2, >= 1",)}, {"assistants": ("codex < 2", "claude-code")}),
    ({"data_from": "confidential"}, {"data_from": "internal"}),
    ({}, {"data_from": "internal"}),
    ({"tools": ("bash",)}, {"tools": ("b*",)}),
    ({"tools": ("mcp__*",)}, {"tools": ("mcp__*", "bash")}),
    ({"request_bytes_over": 9}, {"request_bytes_over": 9}),
    ({"hours": ("10:00-11:00",)}, {"hours": ("09:00-12:00",)}),
    ({"weekdays": ("sat",)}, {"weekdays": ("sat", "sun")}),
    ({}, {"operations": tuple(each.value for each in Operation)}),
    ({}, {"hours": ("00:00-24:00",)}),
]


@pytest.mark.parametrize(("narrow", "wide"), WITHIN)
def test_what_is_within_is_told(narrow, wide):
    one, other = a_rule("one", **narrow).document, a_rule("other", **wide).document
    assert is_within(one, other, DataClass.INTERNAL)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ({}, {"users": ("ada",)}),
        ({"users": ("ada", "bob")}, {"users": ("ada",)}),
        ({"assistants": ("codex < 2",)}, {"assistants": ("codex < 1",)}),
        ({"data_from": "internal"}, {"data_from": "confidential"}),
        ({}, {"data_up_to": "confidential"}),
        ({"tools": ("b*",)}, {"tools": ("bash",)}),
        ({"request_bytes_over": 8}, {"request_bytes_over": 9}),
        ({"hours": ("09:00-12:00",)}, {"hours": ("10:00-11:00",)}),
        ({"hours": ("10:00-11:00",)}, {"hours": ("09:00-12:00",), "time_zone": "Asia/Shanghai"}),
        ({"networks": ("10.1.0.0/16",)}, {"networks": ("192.168.0.0/16",)}),
    ],
)
def test_what_is_not_proven_is_not_told(narrow, wide):
    one, other = a_rule("one", **narrow).document, a_rule("other", **wide).document
    assert not is_within(one, other, DataClass.INTERNAL)


@pytest.mark.parametrize(
    ("exempting", "restricting", "expected"),
    [
        ({"users": ("ada",)}, {"users": ("bob",)}, True),
        ({"users": ("ada",)}, {"users": ("ada", "bob")}, False),
        ({"roles": ("ci",)}, {"roles": ("developer",)}, False),
        ({"assistants": ("codex",)}, {"assistants": ("claude-code < 2",)}, True),
        ({"data_up_to": "internal"}, {"data_from": "confidential"}, True),
        ({"tools": ("Read",)}, {"tools": ("bash",)}, True),
        ({"tools": ("R*",)}, {"tools": ("bash",)}, False),
        ({"weekdays": ("sat",)}, {"weekdays": ("mon",)}, True),
        ({"hours": ("08:00-09:00",)}, {"hours": ("09:00-10:00",)}, True),
        (
            {"hours": ("08:00-09:00",)},
            {"hours": ("09:00-10:00",), "time_zone": "Asia/Tokyo"},
            False,
        ),
        ({"operations": ("chat",)}, {"operations": ("embeddings",)}, True),
    ],
)
def test_what_is_apart_is_told(exempting, restricting, expected):
    exception = a_rule("e", "allow", exempts=("r",), **exempting).document
    assert are_apart(exception, a_rule("r", **restricting).document) is expected


def test_days_that_do_not_meet_are_told():
    july = compiled("july", "allow", exempts=("r",), until="2026-08-01")
    assert are_never_awake_together(july, compiled("r", start="2026-08-01"))
    assert not are_never_awake_together(july, compiled("r", start="2026-07-31"))
    warning = compiled("r", start="2026-08-01", warn_from="2026-07-31")
    assert not are_never_awake_together(july, warning)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (("codex >= 2, < 1",), True),
        (("codex >= 2, < 1", "claude-code"), False),
        (("codex >= 1, < 2",), False),
        (("codex == 1, >= 2",), True),
    ],
)
def test_bounds_that_no_version_is_within_are_told(bounds, expected):
    match = a_rule("e", "allow", exempts=("r",), assistants=bounds).document.match
    assert admits_no_version(match) is expected
