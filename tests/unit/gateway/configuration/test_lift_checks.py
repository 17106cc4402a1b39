"""An exception names only what exists and restricts, and every mistake says what was meant."""

import pytest

from gateway.configuration.build import Configuration, load
from gateway.configuration.lift_checks import check_lifts
from policy.break_glass import Lifts
from policy.rulebook.document import MatchDocument
from tests.fakes.configurations import ENVIRON, SHIPPED, WITH_REGISTERS, write, write_registered
from tests.fakes.policy_files import loaded

RULES = """\
rules:
  - { id: stay-home, effect: require_in_house, reason: x }
  - { id: few, effect: cap, cap: { per: user, requests_per_minute: 9 } }
  - { id: leaving, effect: warn, reason: x }
  - { id: someday, effect: deny, reason: x, mode: shadow }
  - { id: but-web, effect: allow, exempts: [stay-home], match: { teams: [web] } }
"""


@pytest.fixture
def plain(tmp_path) -> Configuration:
    return loaded(tmp_path, RULES)


@pytest.fixture
def registered(tmp_path) -> Configuration:
    write(tmp_path, RULES, "rules.yaml")
    text = WITH_REGISTERS + "policy: [rules.yaml]\n"
    return load(write_registered(tmp_path, text), ENVIRON, SHIPPED)


def problems(configuration: Configuration, lifts: Lifts, **scope: object) -> list[str]:
    match = MatchDocument.model_validate(scope)
    return list(check_lifts(lifts, match, configuration, SHIPPED.assistants))


@pytest.mark.parametrize(
    ("lifts", "scope"),
    [
        (Lifts(("stay-home", "few")), {}),
        (Lifts(vendors=("deepseek",), assistants=("codex",)), {}),
        (Lifts(extra_nano_usd=1), {"teams": ("web",)}),
        (Lifts(("few",)), {"models": ("cod*", "coder"), "assistants": ("codex < 2",)}),
        (Lifts(("few",)), {"users": ("anybody",)}),
    ],
)
def test_what_exists_and_restricts_can_be_lifted(registered, lifts, scope):
    assert problems(registered, lifts, **scope) == []


@pytest.mark.parametrize(
    ("lifts", "told"),
    [
        (Lifts(), "lifts nothing"),
        (Lifts(("stay-hom",)), "no rule is named stay-hom; did you mean `stay-home`?"),
        (Lifts(("zzz",)), "no rule is named zzz; known here: stay-home, few"),
        (Lifts(("data_class",)), "data_class is a rule of the gateway's own"),
        (Lifts(("leaving",)), "rule leaving refuses nothing and caps nothing"),
        (Lifts(("someday",)), "rule someday refuses nothing"),
        (Lifts(("but-web",)), "rule but-web refuses nothing"),
        (Lifts(vendors=("house",)), "vendor house is not in its register"),
        (Lifts(assistants=("aider",)), "assistant aider is not in its register"),
    ],
)
def test_what_is_not_there_or_restricts_nothing_is_told(registered, lifts, told):
    (problem,) = problems(registered, lifts)
    assert problem.startswith(told)


@pytest.mark.parametrize("lifts", [Lifts(vendors=("deepseek",)), Lifts(assistants=("codex",))])
def test_where_no_register_is_kept_nothing_has_lapsed(plain, lifts):
    (problem,) = problems(plain, lifts)
    assert problem.startswith("no register of ")


def test_a_budget_is_raised_where_there_is_one(plain):
    (problem,) = problems(plain, Lifts(extra_nano_usd=1), teams=("payments",))
    assert problem == "none of the teams has a budget, so there is none to raise"


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ({"teams": ("wep",)}, "no team is named wep; did you mean `web`?"),
        ({"models": ("codr",)}, "no model is named codr; did you mean `coder`?"),
        ({"assistants": ("codx < 2",)}, "the gateway can tell no assistant codx; did you mean"),
    ],
)
def test_a_scope_that_covers_nothing_is_told(plain, scope, told):
    (problem,) = problems(plain, Lifts(("few",)), **scope)
    assert problem.startswith(told)


def test_an_alias_is_told_with_its_model(tmp_path):
    text = WITH_REGISTERS.replace("deepseek-chat] }", "deepseek-chat], aliases: [quick] }")
    built = load(write_registered(tmp_path, text), ENVIRON, SHIPPED)
    (problem,) = problems(built, Lifts(vendors=("deepseek",)), models=("quick",))
    assert problem == "quick is an alias; name its model, coder"
