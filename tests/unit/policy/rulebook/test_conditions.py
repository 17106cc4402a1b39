"""Each condition looks at one thing; what is not known restricts, and never exempts."""

import sys

import pytest

from policy.types import Identity, Operation
from tests.fakes.policy_facts import a_question
from tests.fakes.rules import ANTHROPIC, HOUSE, SILENT, at, compiled

MORNING = "2026-06-01T09:30"  # a Monday


def holds(effect: str = "deny", now=None, identity=None, written=None, **facts: object) -> bool:
    asked = a_question(circumstances=now or at(MORNING), identity=identity, **facts)
    return compiled("r", effect, **written).speaks_of(asked)


def test_a_rule_without_conditions_speaks_of_every_request():
    assert holds(written={})


@pytest.mark.parametrize(
    ("written", "held"),
    [
        ({"users": ("ada", "bob")}, True),
        ({"users": ("Ada",)}, False),
        ({"roles": ("admin", "ci")}, True),
        ({"roles": ("admin",)}, False),
        ({"keys": ("key-9",)}, True),
        ({"keys": ("key-1",)}, False),
    ],
)
def test_the_caller_is_told_by_user_role_and_key(written, held):
    identity = Identity("ada", "web", frozenset({"developer", "ci"}), "key-9")
    assert holds(identity=identity, written=written) is held


@pytest.mark.parametrize(
    ("assistant", "version", "held"),
    [
        ("claude-code", "2.1.199", True),
        ("claude-code", "2.1.200", False),
        ("codex", None, True),
        ("codex", "0.1", True),
        ("aider", "0.1", False),
        ("unrecognised", None, False),
    ],
)
def test_an_assistant_is_told_by_name_and_version(assistant, version, held):
    written = {"assistants": ("claude-code < 2.1.200", "codex")}
    assert holds(now=at(MORNING, assistant, version), written=written) is held


@pytest.mark.parametrize("version", [None, "nightly"])
def test_an_unknown_version_is_denied_and_never_exempted(version):
    written = {"assistants": ("claude-code < 9", "claude-code > 9")}
    now = at(MORNING, "claude-code", version)
    assert holds(now=now, written=written)
    assert not holds("allow", now, written={**written, "exempts": ("x",)})


@pytest.mark.parametrize(
    ("bound", "version"),
    [(">= 3.0", "3.0.0-rc.1"), ("== 2.1.150", "2.1.150-dev"), ("< 3", "3.0.0-rc.1")],
)
def test_a_pre_release_at_a_bound_is_denied_and_never_exempted(bound, version):
    written, now = {"assistants": (f"claude-code {bound}",)}, at(MORNING, "claude-code", version)
    assert holds(now=now, written=written)
    assert not holds("allow", now, written={**written, "exempts": ("x",)})


def test_an_assistant_that_cannot_be_told_is_a_value_and_not_missing():
    now = at(MORNING, "unrecognised", None)
    assert holds(now=now, written={"assistants": ("unrecognised",)})
    assert holds("allow", now, written={"assistants": ("unrecognised",), "exempts": ("x",)})


@pytest.mark.parametrize(
    ("written", "held"),
    [
        ({"data_from": "internal"}, True),
        ({"data_from": "confidential"}, False),
        ({"data_up_to": "internal"}, True),
        ({"data_up_to": "public"}, False),
        ({"operations": ("embeddings",)}, False),
        ({"operations": ("chat",)}, True),
        ({"request_bytes_over": 999}, True),
        ({"request_bytes_over": 1000}, False),
        ({"input_tokens_over": 299}, True),
        ({"input_tokens_over": 300}, False),
    ],
)
def test_data_operation_and_size(written, held):
    facts = {"operation": Operation.CHAT, "body_bytes": 1000, "input_tokens": 300}
    assert holds(written=written, **facts) is held


@pytest.mark.parametrize(
    ("written", "held"),
    [
        ({"hours": ("09:30-09:31",)}, True),
        ({"hours": ("22:00-06:00",)}, False),
        ({"hours": ("17:30-17:31",), "time_zone": "Asia/Shanghai"}, True),
        ({"weekdays": ("sat", "sun")}, False),
        ({"weekdays": ("mon",)}, True),
        ({"weekdays": ("mon",), "hours": ("12:00-13:00",)}, False),
    ],
)
def test_time_of_day_and_weekday(written, held):
    assert holds(written=written) is held


@pytest.mark.parametrize(
    ("address", "denied", "exempted"),
    [("10.1.1.1", True, True), ("8.8.8.8", False, False), (None, True, False)],
)
def test_the_callers_network(address, denied, exempted):
    now, written = at(MORNING, address=address), {"networks": ("10.0.0.0/8",)}
    assert holds(now=now, written=written) is denied
    assert holds("allow", now, written={**written, "exempts": ("x",)}) is exempted


def test_an_ipv4_caller_is_denied_everywhere_in_ipv6_and_never_exempted():
    now, written = at(MORNING, address="10.1.1.1"), {"networks": ("::/0",)}
    assert holds(now=now, written=written)
    assert not holds("allow", now, written={**written, "exempts": ("x",)})


@pytest.mark.parametrize(
    ("tools", "denied", "exempted"),
    [
        (("read", "mcp__db__query"), True, False),
        (("MCP__DB__query",), True, True),
        (("read",), False, False),
        ((), False, True),
    ],
)
def test_a_denial_needs_one_tool_and_an_exception_all_of_them(tools, denied, exempted):
    written = {"tools": ("mcp__db__*",)}
    assert holds(tools=tools, written=written) is denied
    assert holds("allow", tools=tools, written={**written, "exempts": ("x",)}) is exempted


@pytest.mark.parametrize("last", ["read", "mcp__db__query"])
def test_a_list_of_very_many_tools_is_looked_through_and_not_kept(last):
    name = "".join([last])  # a text that nobody else holds
    rule, others = compiled("r", tools=("mcp__db__*",)), sys.getrefcount(name)
    many = (*(f"tool_{number}" for number in range(10_000)), name)
    assert rule.speaks_of(a_question(tools=many)) is (last != "read")
    del many
    assert sys.getrefcount(name) == others


@pytest.mark.parametrize(
    ("written", "denied", "exempted"),
    [
        ({"vendors": ("anthropic",)}, {ANTHROPIC}, {ANTHROPIC}),
        ({"regions": ("EU",)}, {HOUSE, SILENT}, {HOUSE}),
        ({"jurisdictions": ("us", "cn")}, {ANTHROPIC, SILENT}, {ANTHROPIC}),
        ({"retentions": ("30 Days",)}, {ANTHROPIC, SILENT}, {ANTHROPIC}),
        ({"in_house": True}, {HOUSE}, {HOUSE}),
        ({"in_house": False, "regions": ("us",)}, {ANTHROPIC, SILENT}, {ANTHROPIC}),
    ],
)
def test_targets_by_what_is_known_of_them(written, denied, exempted):
    targets = (HOUSE, ANTHROPIC, SILENT)
    assert compiled(**written).touched(targets) == {each.name for each in denied}
    exception = compiled("e", "allow", exempts=("x",), **written)
    assert exception.touched(targets) == {each.name for each in exempted}


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ({"assistants": ("codex",)}, "claude-code 2.1.200"),
        ({"networks": ("10.0.0.0/8",)}, "an unknown address"),
        ({"tools": ("x",)}, "no tools"),
        ({"hours": ("12:00-13:00",)}, "09:30 UTC"),
        ({"weekdays": ("sun",)}, "mon"),
        ({"roles": ("ci",)}, "developer"),
        ({"data_from": "restricted"}, "internal"),
        ({"request_bytes_over": 5000}, "1000"),
        ({"input_tokens_over": 5000}, "300"),
    ],
)
def test_a_condition_says_what_it_saw(written, seen):
    (condition,) = compiled(**written).conditions
    assert condition.seen(a_question(circumstances=at(MORNING))) == seen
    assert condition.field in written
