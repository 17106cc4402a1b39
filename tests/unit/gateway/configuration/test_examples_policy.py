"""The story of 10 July: the clock moves over every date of the shipped rules."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.configuration.build import Configuration, load
from policy.rulebook.cases import run, unhit
from policy.types import Allow, Decision, Identity
from tests.fakes.configurations import ENVIRON, SHIPPED
from tests.fakes.policy_facts import some_facts
from tests.fakes.rules import at

EXAMPLE = Path(__file__).parents[4] / "examples" / "policy" / "gatehouse.yaml"
NEW, OLD, UNKNOWN = "2.1.329", "2.1.199", None
TOLD, DENIED, NOTHING = "warned", "denied", "allowed"


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load(EXAMPLE, ENVIRON, SHIPPED)


def decided(configuration, team: str, version: str | None, moment: str) -> Decision:
    identity = Identity("ada", team, frozenset({"developer"}), "key-1")
    return configuration.policy.decide(
        identity, some_facts("coder"), at(moment, "claude-code", version)
    )


def word(decision: Decision) -> str:
    if not isinstance(decision, Allow):
        return DENIED
    return TOLD if decision.warnings else NOTHING


DAYS = {  # each date of the rules: the last second before it, and its first
    "2026-06-20": {"web": (NOTHING, TOLD), "team-x": (NOTHING, NOTHING)},
    "2026-07-10": {"web": (TOLD, DENIED), "team-x": (NOTHING, NOTHING)},
    "2026-08-01": {"web": (DENIED, DENIED), "team-x": (NOTHING, DENIED)},
}


@pytest.mark.parametrize("team", ["web", "team-x"])
@pytest.mark.parametrize("day", DAYS)
def test_each_date_changes_what_it_says_at_midnight_and_not_a_second_before(
    configuration, day, team
):
    first = datetime.fromisoformat(day).replace(tzinfo=UTC)
    before, after = (first - timedelta(seconds=1)).isoformat(), first.isoformat()
    words = tuple(
        word(decided(configuration, team, NEW, moment.removesuffix("+00:00")))
        for moment in (before, after)
    )
    assert words == DAYS[day][team]


def test_the_days_above_are_all_the_days_there_are(configuration):
    days = {
        str(day)
        for rule in configuration.policy.rules
        for day in (
            rule.written.document.warn_from,
            rule.written.document.from_,
            rule.written.document.until,
        )
        if day is not None
    }
    assert days == set(DAYS)


@pytest.mark.parametrize("team", ["web", "team-x"])
@pytest.mark.parametrize("moment", ["2026-01-01", "2026-07-10", "2027-01-01"])
@pytest.mark.parametrize("version", [OLD, UNKNOWN])
def test_a_version_that_was_not_vetted_is_refused_at_any_time(configuration, team, moment, version):
    assert decided(configuration, team, version, moment).rule == "claude-code-too-old"


def test_the_denial_offers_the_alternative(configuration):
    denial = decided(configuration, "web", NEW, "2026-07-10")
    assert (denial.rule, denial.alternative) == ("claude-code-leaves", "use Qoder, which is")


def test_the_warning_says_from_when_it_is_denied(configuration):
    (warning,) = decided(configuration, "web", NEW, "2026-07-01").warnings
    assert warning.startswith("from 2026-07-10 on this is denied: Claude Code is no longer")


def test_the_tests_of_the_example_hold_and_hit_every_rule(configuration):
    now = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
    outcomes = run(configuration.policy, configuration.policy_tests, configuration.canonical, now)
    assert [each.case.document.name for each in outcomes if not each.passed] == []
    assert unhit(configuration.policy, outcomes) == ()


def test_there_is_nothing_to_mend_in_the_example(configuration):
    assert [each for each in configuration.notices if "rule" in each or "policy/" in each] == []
