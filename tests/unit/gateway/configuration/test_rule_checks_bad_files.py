"""Bad files of rules, each refused with file, line, and words that say what was meant."""

import pytest

from gateway.configuration.build import load
from gateway.configuration.problems import ConfigurationError
from tests.fakes.configurations import CANARIES, ENVIRON, SHIPPED
from tests.fakes.policy_files import WITH_RULES, with_rules

RULE = """\
rules:
  - id: no-night-work
    effect: deny
    reason: Rest.
"""
CASE = """\
tests:
  - name: a case
    request: { team: web, model: coder }
    expect: { effect: allow }
"""


def but(before: str, after: str, text: str = RULE) -> str:
    assert before in text
    return text.replace(before, after, 1)


def also(field: str) -> str:
    """The rule with one more line, which is line 5."""
    return RULE + f"    {field}\n"


def matching(condition: str) -> str:
    """The rule with one condition, in line 5."""
    return also(f"match: {{ {condition} }}")


def capped(cap: str) -> str:
    """A rule that caps, in line 4."""
    return f"rules:\n  - id: c\n    effect: cap\n    cap: {{ {cap} }}\n"


# what is wrong: (the file, the line it stands in, words the error must hold)
BAD = {
    "an empty file": ("", 1, "empty"),
    "a list of rules without their name": ("- id: r\n", 1, "named entries"),
    "not YAML": (but("deny", "deny: x"), 3, "not YAML"),
    "a tab": (but("    effect", "\teffect"), 3, "not YAML"),
    "rules written twice": (RULE + "rules: []\n", 5, "twice"),
    "an unknown section": (but("rules:", "rule:"), 1, "did you mean `rules`?"),
    "an unknown field": (also("reasn: x"), 5, "did you mean `reason`?"),
    "an unknown condition": (matching("team: [web]"), 5, "did you mean `teams`?"),
    "an unknown field of a cap": (also("cap: { per: user, paralel: 2 }"), 5, "`parallel`?"),
    "no id": (but("id: no-night-work", "owner: me"), 2, "id: is required"),
    "an id with blanks": (but("no-night-work", "no night work"), 2, "a name is 1 to 64"),
    "an id of the gateway's own": (but("no-night-work", "budget"), 2, "take another name"),
    "an id twice": (RULE + RULE.partition("\n")[2], 5, "0.yaml:2"),
    "no effect": (but("effect: deny", "owner: me"), 2, "effect: is required"),
    "an effect there is none": (but("deny", "forbid"), 3, "must be one of 'deny', 'allow'"),
    "an effect that is to come": (but("deny", "mask"), 3, "mask is no effect yet"),
    "a denial without a reason": (but("    reason: Rest.\n", ""), 2, "needs a `reason`"),
    "a warning without a reason": (
        "rules:\n  - { id: w, effect: warn }\n",
        2,
        "developers will read it",
    ),
    "an empty reason": (but("Rest.", '""'), 4, "for a person to read"),
    "a reason that is a number": (but("Rest.", "42"), 4, "needs text"),
    "values that are no list": (matching("teams: web"), 5, "needs a list"),
    "a list of nothing": (matching("teams: []"), 5, "leave the field out"),
    "an unknown team": (matching("teams: [wbe]"), 5, "did you mean `web`?"),
    "an unknown model": (matching("models: [codr]"), 5, "did you mean `coder`?"),
    "an alias for a model": (matching("models: [quick]"), 5, "name its model, coder"),
    "an unknown vendor": (matching("vendors: [deepsek]"), 5, "did you mean `deepseek`?"),
    "an unknown assistant": (matching("assistants: [claud-code]"), 5, "mean `claude-code`?"),
    "a bound that is none": (matching("assistants: [codex < new]"), 5, "is no bound"),
    "an assistant by its full name": (matching("assistants: [Claude Code]"), 5, "written claude"),
    "an unknown class": (matching("data_from: secret"), 5, "must be one of 'public'"),
    "classes the wrong way round": (
        matching("data_from: restricted, data_up_to: public"),
        5,
        "never holds",
    ),
    "an unknown operation": (matching("operations: [talk]"), 5, "must be one of 'chat'"),
    "a size that is text": (matching("request_bytes_over: 1MB"), 5, "whole number"),
    "a size below nothing": (matching("input_tokens_over: -1"), 5, "at least 0"),
    "in_house as YAML's no": (matching("in_house: no"), 5, "write true or false"),
    "hours without quotes": (matching("hours: [9:00-17:00]"), 5, "in quotes"),
    "a day of the week": (matching("weekdays: [monday]"), 5, "must be one of 'mon'"),
    "a network with bits set": (matching('networks: ["10.0.0.1/8"]'), 5, "no bit set"),
    "a tool with blanks": (matching("tools: [run it]"), 5, "a pattern"),
    "a date that is none": (also("from: 2026-02-30"), 5, "YYYY-MM-DD"),
    "a date with a time": (also("until: 2026-07-10T00:00"), 5, "YYYY-MM-DD"),
    "a warning without its day": (also("warn_from: 2026-06-01"), 5, "needs `from`"),
    "a warning after its day": (
        also("warn_from: 2026-08-01\n    from: 2026-07-10"),
        5,
        "nobody is warned",
    ),
    "an end before the beginning": (also("from: 2026-07-10\n    until: 2026-07-10"), 6, "never"),
    "a zone there is none": (also("time_zone: Europe/Berln"), 5, "no time zone"),
    "a mode there is none": (also("mode: dry-run"), 5, "'enforce' or 'shadow'"),
    "a shadow of a warning": (but("deny", "warn", also("mode: shadow")), 5, "leave it out"),
    "a place for a warning that never comes": (also("show: inside"), 5, "never warns"),
    "a place there is none": (
        but("deny", "warn", also("show: popup")),
        5,
        "'inside' or 'header'",
    ),
    "a warning that warns first": (
        but("deny", "warn", also("warn_from: 2026-06-01")),
        5,
        "means nothing",
    ),
    "a denial with exemptions": (also("exempts: [x]"), 5, "in an `allow` only"),
    "an exception from nothing": (but("deny", "allow"), 2, "under `exempts`"),
    "an exception from an unknown rule": (
        RULE + "  - { id: e, effect: allow, exempts: [no-night-wrk] }\n",
        5,
        "did you mean `no-night-work`?",
    ),
    "an exception from an exception": (
        "rules:\n  - { id: e, effect: allow, exempts: [e] }\n",
        2,
        "is an exception itself",
    ),
    "an exception from the team's document": (
        "rules:\n  - { id: e, effect: allow, exempts: [data_class] }\n",
        2,
        "is in gatehouse.yaml",
    ),
    "a cap that says no amount": (
        "rules:\n  - id: c\n    effect: cap\n    cap: { per: user }\n",
        4,
        "limits nothing",
    ),
    "a cap for nobody": (capped("parallel: 1"), 4, "cap.per: is required"),
    "a cap for whom nobody knows": (capped("per: usr, parallel: 1"), 4, "must be one of 'team'"),
    "a cap for nobody at all": (capped("per: [], parallel: 1"), 4, "write together"),
    "a cap for one twice": (capped("per: [user, user], parallel: 1"), 4, "names something twice"),
    "a cap together and apart": (
        capped("per: [together, user], parallel: 1"),
        4,
        "together stands alone",
    ),
    "a cap over no window": (
        capped("per: user, usd_per_year: 9"),
        4,
        "unknown field `usd_per_year`; did you mean",
    ),
    "a cap over a window there is none": (
        capped("per: user, usd_per_day: 9, window: rolling"),
        4,
        "must be one of 'calendar' or 'sliding'",
    ),
    "a window of what runs now": (
        capped("per: user, parallel: 2, window: sliding"),
        4,
        "means nothing for parallel alone",
    ),
    "a strict number of requests": (
        capped("per: user, requests_per_day: 2, strict: true"),
        4,
        "means something for tokens and money only",
    ),
    "less than no money": (capped("per: user, usd_per_day: -1"), 4, "at least 0"),
    "a cap without its cap": ("rules:\n  - { id: c, effect: cap }\n", 2, "says how much"),
    "a cap on a denial": (also("cap: { per: user, parallel: 1 }"), 5, "effect cap only"),
    "a test of an unknown team": (but("web", "wbe", CASE), 3, "did you mean `web`?"),
    "a test of an unknown model": (but("coder", "codr", CASE), 3, "did you mean `coder`?"),
    "a test of an unknown assistant": (
        but("coder }", "coder, assistant: codx 1 }", CASE),
        3,
        "did you mean `codex`?",
    ),
    "a test that expects an unknown rule": (
        but("allow", "deny, rule: no-night", RULE + CASE),
        8,
        "did you mean `no-night-work`?",
    ),
    "a test of an allowance by a rule": (
        but("effect: allow", "effect: allow, rule: no-night-work", RULE + CASE),
        8,
        "an `allow` has none",
    ),
    "a test at no time": (but("coder }", "coder, at: noon }", CASE), 3, "2026-07-10T09:00:00Z"),
    "a test without a name": (but("name: a case", "nme: a case", CASE), 2, "is required"),
}
CONFIGURATION = WITH_RULES.replace("coder: {", "coder: { aliases: [quick],")


def refused(folder, *files: str, configuration: str = CONFIGURATION) -> ConfigurationError:
    path = with_rules(folder, *files, configuration=configuration)
    with pytest.raises(ConfigurationError) as caught:
        load(path, ENVIRON, SHIPPED)
    return caught.value


@pytest.mark.parametrize("wrong", BAD)
def test_a_bad_file_is_refused_at_its_line_with_what_was_meant(wrong, tmp_path):
    text, line, words = BAD[wrong]
    lines = refused(tmp_path, text).lines
    place = f"{tmp_path}/policy/0.yaml:{line}:"
    told = [each for each in lines if each.startswith(place) and words in each]
    assert told, lines
    assert not any(canary in each for each in lines for canary in CANARIES)


def test_there_are_enough_ways_to_be_wrong():
    assert len(BAD) >= 50


def test_every_mistake_of_every_file_is_told_at_once(tmp_path):
    lines = refused(tmp_path, also("reasn: x"), but("deny", "forbid"), matching("x: 1")).lines
    assert [each.partition(": ")[0].rpartition("/")[2] for each in lines] == [
        "0.yaml:5:5",
        "1.yaml:3:13",
        "2.yaml:5:14",
    ]


def test_two_files_may_not_have_one_id(tmp_path):
    (line,) = refused(tmp_path, RULE, RULE).lines
    assert "policy/1.yaml:2:9: rules.0.id: " in line
    assert "policy/0.yaml:2" in line


@pytest.mark.parametrize(
    ("patterns", "words"),
    [
        ("[rules/*.yml]", "policy.0: no file matches rules/*.yml"),
        ("[policy]", "cannot be read: Is a directory"),
        ('["policy/a\\0.yaml"]', ":22:10: policy.0: is a path or a pattern, of printable"),
        ("policy/*.yaml", "needs a list"),
    ],
)
def test_files_that_are_not_there_are_told_in_the_configuration(tmp_path, patterns, words):
    configuration = CONFIGURATION.replace("[policy/*.yaml]", patterns)
    assert words in str(refused(tmp_path, RULE, configuration=configuration))


def test_files_without_number_are_refused(tmp_path):
    assert "more than 200 files" in str(refused(tmp_path, *["rules: []\n"] * 201))
