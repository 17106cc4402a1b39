"""A rule holds between its dates, and warns before them."""

import pytest

from policy.rulebook.rule import Does
from policy.types import Notice
from tests.fakes.rules import ANTHROPIC, HOUSE, SILENT, at, compiled

DATES = {"warn_from": "2026-06-10", "start": "2026-07-10", "until": "2026-08-01"}


@pytest.mark.parametrize(
    ("moment", "does"),
    [
        ("2026-06-09T23:59:59", None),
        ("2026-06-10T00:00:00", Does.WARN),
        ("2026-07-09T23:59:59", Does.WARN),
        ("2026-07-10T00:00:00", Does.DENY),
        ("2026-07-31T23:59:59", Does.DENY),
        ("2026-08-01T00:00:00", None),
    ],
)
def test_a_denial_warns_then_denies_then_ends(moment, does):
    assert compiled(**DATES).does_at(at(moment).unix_seconds) is does


def test_a_rule_without_dates_always_holds():
    assert compiled("r", "warn").does_at(0) is Does.WARN


def test_a_shadow_rule_never_warns_or_denies():
    rule = compiled(mode="shadow", **DATES)
    assert rule.does_at(at("2026-06-20T00:00").unix_seconds) is None
    assert rule.does_at(at("2026-07-20T00:00").unix_seconds) is Does.SHADOW


def test_dates_are_meant_in_the_rules_time_zone():
    rule = compiled(start="2026-07-10", time_zone="Asia/Shanghai")
    assert rule.does_at(at("2026-07-09T16:00").unix_seconds) is Does.DENY


def test_to_keep_in_the_house_is_to_touch_all_others():
    touched = compiled("r", "require_in_house").touched((HOUSE, ANTHROPIC, SILENT))
    assert touched == {ANTHROPIC.name, SILENT.name}


def test_a_warning_names_its_day_its_alternative_and_its_rule():
    rule = compiled("gone", reason="It leaves.", alternative="use qoder", **DATES)
    assert rule.warning == ("from 2026-07-10 on this is denied: It leaves; use qoder (rule gone)")
    assert compiled("slow", "warn", reason="It is slow.").warning == "It is slow (rule slow)"


def test_a_warning_is_shown_inside_unless_the_rule_says_otherwise():
    rule = compiled("gone", reason="It leaves.", alternative="use qoder", **DATES)
    told = "from 2026-07-10 on this is denied: It leaves; use qoder"
    assert rule.notice == Notice("gone", told)
    assert compiled("gone", show="inside", reason="It leaves.").notice is not None
    assert compiled("gone", show="header", reason="It leaves.").notice is None


def test_a_rule_knows_its_teams_models_and_place():
    rule = compiled(teams=("web",), models=("claude-*", "coder"))
    assert [rule.is_for_team(each) for each in ("web", "ops")] == [True, False]
    assert [rule.is_for_model(each) for each in ("claude-opus", "Coder", "qwen")] == [
        True,
        True,
        False,
    ]
    assert rule.written.place == "policy/a.yaml:3"
