"""What is suspicious in rules is told with file, line and rule, and refuses nothing."""

import pytest

from gateway.configuration.rule_lint import lapsed
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
    assert notices(tmp_path, rules) == [
        "team payments is left without any target, whatever it asks: one",
        "team web is left without any target, whatever it asks: one, two",
    ]


def test_a_denial_that_asks_something_leaves_its_team_alone(tmp_path):
    assert notices(tmp_path, rule("match: { assistants: [codex] }")) == []


def test_what_has_lapsed_is_told_from_its_day_on(tmp_path):
    policy = loaded(tmp_path, "rules:\n" + rule("until: 2026-08-01")).policy
    assert list(lapsed(policy, at("2026-07-31T23:59").unix_seconds)) == []
    (line,) = lapsed(policy, at("2026-08-01T00:00").unix_seconds)
    assert line.startswith("policy/0.yaml:2: r has lapsed (until 2026-08-01)")
