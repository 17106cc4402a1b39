"""What is suspicious in rules is told with file, line and rule, and refuses nothing."""

import pytest

from gateway.configuration.rule_lint import due, lapsed, lint
from tests.fakes.policy_files import WITH_RULES, loaded
from tests.fakes.rules import at

REGIONS = WITH_RULES.replace("clearance: internal", "clearance: internal\n    region: cn-north")
REGIONS = REGIONS.replace("clearance: restricted", "clearance: restricted\n    region: here")


def notices(folder, rules: str, configuration: str = REGIONS) -> list[str]:
    built = loaded(folder, f"rules:\n{rules}", configuration=configuration)
    return [each for each in built.notices if not each.startswith("no team is named")]


def rule(fields: str, name: str = "r") -> str:
    return f"  - {{ id: {name}, effect: deny, reason: x, {fields} }}\n"


def test_rules_that_can_match_are_not_spoken_of(tmp_path):
    assert notices(tmp_path, rule("match: { teams: [web], assistants: [codex] }")) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("match: { models: ['gemini-*'] }", "models that are not here: gemini-*"),
        ("match: { regions: [cn-nort] }", "no vendor here has: cn-nort; did you mean `cn-north`?"),
        ("match: { vendors: [deepseek], in_house: true }", "can never match"),
    ],
)
def test_what_can_never_match_is_told(tmp_path, fields, words):
    (line,) = notices(tmp_path, rule(fields))
    assert line.startswith("policy/0.yaml:2: r ")
    assert words in line


def test_a_rule_on_money_names_targets_without_a_price(tmp_path):
    rules = "  - { id: c, effect: cap, cap: { per: user, usd_per_day: 5 } }\n"
    found = notices(tmp_path, rules, REGIONS.replace("deepseek-chat]", "unheard-of]"))
    (line,) = [each for each in found if each.startswith("policy/")]
    assert line == (
        "policy/0.yaml:2: c limits money, and no price is known for deepseek/unheard-of, so it is "
        "refused there; add it under prices"
    )


def test_an_exception_that_meets_no_rule_is_told(tmp_path):
    rules = rule("match: { teams: [web], assistants: [codex] }") + (
        "  - { id: e, effect: allow, exempts: [r], match: { teams: [payments] } }\n"
    )
    (line,) = notices(tmp_path, rules)
    assert line.startswith("policy/0.yaml:3: e exempts from nothing")


def test_a_team_without_any_target_is_told(tmp_path):
    rules = rule("match: { vendors: [house] }", "one") + rule("match: { teams: [web] }", "two")
    what_to_do = "; give it a target they leave, or an exception"
    assert notices(tmp_path, rules) == [
        f"team payments is left without any target, whatever it asks: one{what_to_do}",
        f"team web is left without any target, whatever it asks: one, two{what_to_do}",
    ]


def test_a_team_that_will_be_without_a_target_is_told_with_the_day(tmp_path):
    policy = loaded(tmp_path, "rules:\n" + rule("from: 2026-07-10, until: 2026-08-01")).policy
    assert list(lint(policy, policy.sources.targets)) == []
    (payments, web) = due(policy, at("2026-06-01T00:00").unix_seconds)
    assert payments.startswith(
        "team payments is left without any target from 2026-07-10 on until 2026-08-01, "
    )
    assert web.startswith("team web ")
    now = list(due(policy, at("2026-07-15T00:00").unix_seconds))
    assert now[0].startswith("team payments is left without any target until 2026-08-01, ")


def test_a_team_that_never_has_a_target_is_told_once(tmp_path):
    rules = rule("owner: x", "one") + rule("from: 2026-07-10, until: 2026-08-01", "two")
    policy = loaded(tmp_path, f"rules:\n{rules}").policy
    assert list(due(policy, at("2026-06-01T00:00").unix_seconds)) == []


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (
            rule("match: { users: [bob] }", "a") + rule("match: { users: [bob] }", "b"),
            "policy/0.yaml:3: b does just what a (policy/0.yaml:2) does; take one of the two out",
        ),
        (
            rule("match: { users: [bob, ann] }", "a") + rule("match: { users: [bob] }", "b"),
            "policy/0.yaml:3: b never does anything: a (policy/0.yaml:2) denies all that it",
        ),
        (
            rule("match: { data_up_to: public }"),
            "r can never match: all data of its teams is above",
        ),
        (
            rule("match: { request_bytes_over: 99000000 }"),
            "r can never match: its teams may not send more than 99000000 bytes",
        ),
        (
            rule("match: { users: [bob] }")
            + "  - { id: e, effect: allow, exempts: [r], "
            + "match: { assistants: ['codex >= 2, < 1'] } }\n",
            "policy/0.yaml:3: e can never match: no version is within these bounds; mend them",
        ),
        (
            rule("match: { users: [bob] }")
            + rule("match: { users: [ann] }", "s")
            + "  - { id: e, effect: allow, exempts: [r, s], match: { users: [ann] } }\n",
            "policy/0.yaml:4: e never meets r (policy/0.yaml:2), which it exempts from; mend its",
        ),
    ],
)
def test_what_does_nothing_is_told_with_why_and_what_to_do(tmp_path, rules, words):
    (line,) = notices(tmp_path, rules)
    assert words in line


def test_a_denial_that_asks_something_leaves_its_team_alone(tmp_path):
    assert notices(tmp_path, rule("match: { assistants: [codex] }")) == []


def test_what_has_lapsed_is_told_from_its_day_on(tmp_path):
    policy = loaded(tmp_path, "rules:\n" + rule("until: 2026-08-01")).policy
    assert list(lapsed(policy, at("2026-07-31T23:59").unix_seconds)) == []
    (line,) = lapsed(policy, at("2026-08-01T00:00").unix_seconds)
    assert line.startswith("policy/0.yaml:2: r has lapsed (until 2026-08-01)")
