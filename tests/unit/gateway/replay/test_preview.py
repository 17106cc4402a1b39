"""Each rule is counted by whom it reaches, as of the day on which it acts."""

from gateway.replay.preview import People, Preview
from gateway.replay.recorded import RecordedAssistant
from policy.rulebook.reach import Effect
from tests.fakes.recorded_traffic import a_request, ended, moment
from tests.fakes.rules import a_policy_of, a_rule

NOW = moment("2026-06-15T00:00")


def counted(*rules, requests=None, at: str | None = None) -> Preview:
    at_unix_seconds = None if at is None else moment(at)
    made = Preview(a_policy_of(*rules), lambda name: name, NOW, at_unix_seconds)
    for each in requests or [a_request()]:
        made.add(ended(each, 100))
    return made


def effects(preview: Preview, rule: str = "r") -> dict[Effect, int]:
    return {effect: each.requests for effect, each in preview.rules[rule].by_effect.items()}


def test_a_rule_that_is_to_come_is_counted_as_of_its_first_day():
    rule = a_rule(start="2026-07-10", assistants=("claude-code",))
    preview = counted(rule)
    assert effects(preview) == {Effect.DENIES: 1}
    assert preview.rules["r"].as_of == moment("2026-07-10T00:00")


def test_as_of_a_day_before_it_warns_or_does_nothing():
    rule = a_rule(start="2026-07-10", warn_from="2026-06-20")
    assert effects(counted(rule, at="2026-06-20T00:00")) == {Effect.WARNS: 1}
    assert counted(rule, at="2026-06-19T00:00").rules == {}


def test_an_exception_counts_as_of_the_rules_own_day():
    rule = a_rule(start="2026-07-10")
    ends = a_rule("e", "allow", exempts=("r",), teams=("web",), until="2026-08-01")
    both = [a_request(), a_request(team="ops")]
    preview = counted(rule, ends, requests=both)
    assert effects(preview) == {Effect.EXEMPTED: 1, Effect.DENIES: 1}
    assert preview.rules["r"].exempted_by == {"e": 1}
    later = counted(rule, ends, requests=both, at="2026-08-01T00:00")
    assert effects(later) == {Effect.DENIES: 2}


def test_users_teams_assistants_models_days_and_cost_are_counted():
    requests = [
        a_request("2026-06-01T12:00"),
        a_request("2026-06-01T18:00", subject="bob"),
        a_request("2026-06-02T12:00", assistant=RecordedAssistant("codex")),
        a_request("2026-06-02T12:00", team="ops"),
    ]
    preview = counted(a_rule(), requests=requests)
    touched = preview.rules["r"].by_effect[Effect.DENIES]
    assert (touched.requests, touched.cost_nano_usd, len(touched.days)) == (4, 400, 2)
    assert touched.teams == {"web": 3, "ops": 1}
    assert touched.assistants == {"claude-code 2.1.200": 3, "codex": 1}
    assert touched.models == {"coder": 4}
    assert [preview.names[number] for number, _ in touched.people.top(1)] == [("ada", "web")]
    assert len(touched.people) == 3


def test_each_rule_is_counted_alone():
    preview = counted(a_rule("r"), a_rule("s", users=("ada",)))
    assert effects(preview, "r") == effects(preview, "s") == {Effect.DENIES: 1}


def test_what_policy_denies_without_any_rule_reaches_nobody():
    assert effects(counted(a_rule(), requests=[a_request(model="none")])) == {}
    assert effects(counted(a_rule(), requests=[a_request(model=None)])) == {}
    assert effects(counted(a_rule(), requests=[a_request(team="gone")])) == {}


def test_what_nobody_can_tell_is_counted_as_that():
    preview = counted(a_rule(networks=("10.0.0.0/8",)), a_rule("s"))
    assert (effects(preview), preview.rules["r"].undecidable) == ({}, 1)
    assert effects(preview, "s") == {Effect.DENIES: 1}


def test_a_rule_that_has_lapsed_and_an_exception_are_not_counted():
    rules = (a_rule("over", until="2026-06-01"), a_rule("e", "allow", exempts=("over",)))
    assert counted(*rules).rules == {}


def test_people_are_counted_by_their_numbers():
    people = People()
    for number in (3, 0, 3, 7, 3, 0):
        people.add(number)
    assert (len(people), people.top(2), people.top(9)) == (
        3,
        [(3, 3), (0, 2)],
        [(3, 3), (0, 2), (7, 1)],
    )
