"""What differs is told by paths and values as people wrote them, never filled in."""

import pytest

from gateway.configuration.differences import (
    MOST_TEXT,
    Difference,
    FileChanges,
    differences,
    file_changes,
)
from tests.fakes.configurations import CANARIES, GOOD, VENDORS, configured, write_registered
from tests.fakes.policy_files import loaded

RULE = "  - { id: %s, effect: deny, reason: x, match: { users: [%s] } }\n"
CASE = "tests:\n  - { name: n, request: { team: web, model: coder }, expect: { effect: allow } }\n"


def told(folder, old: str, new: str) -> list[tuple[str, str | None, str | None]]:
    before, after = configured(folder, old).stored, configured(folder, new).stored
    return [(each.path, each.old, each.new) for each in differences(before, after)]


def test_the_same_differs_in_nothing(tmp_path):
    assert told(tmp_path, GOOD, GOOD) == []
    assert (
        told(tmp_path, GOOD, "# a comment\n" + GOOD.replace("parallel: 40", "parallel:  40")) == []
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("parallel: 40", "parallel: 41", ("teams.web.limits.parallel", "40", "41")),
        (
            "usd_per_month: 5000",
            "usd_per_month: 0.5",
            ("teams.web.limits.usd_per_month", "5000", "0.5"),
        ),
        (
            "clearance: internal",
            "clearance: public",
            ("vendors.deepseek.clearance", "internal", "public"),
        ),
        (
            "${DEEPSEEK_API_KEY}",
            "${WORD}",
            ("vendors.deepseek.api_key", "${DEEPSEEK_API_KEY}", "${WORD}"),
        ),
        ("prices: {}\n", "", ("prices", "{}", None)),
    ],
)
def test_a_changed_value_is_told_by_its_path(tmp_path, old, new, expected):
    changes = told(tmp_path, GOOD, GOOD.replace(old, new))
    assert changes == [expected]
    assert not any(canary in str(changes) for canary in CANARIES)


def test_a_team_that_comes_is_told_with_all_it_may(tmp_path):
    team = "  new: { models: [coder], data_class: public }\nprices:"
    (change,) = told(tmp_path, GOOD, GOOD.replace("prices:", team))
    assert change == ("teams.new", None, '{"models":["coder"],"data_class":"public"}')


def test_a_key_in_the_file_is_never_told(tmp_path):
    literal = GOOD.replace("${DEEPSEEK_API_KEY}", "sk-canary-in-the-file")
    (change,) = told(tmp_path, GOOD, literal)
    assert change[2] == "not-kept:vendors/deepseek/api_key"


def test_rules_are_known_by_their_ids_wherever_they_stand(tmp_path):
    old = loaded(tmp_path, "rules:\n" + RULE % ("a", "ann") + RULE % ("b", "ben"), "rules: []\n")
    new = loaded(
        tmp_path, "rules:\n" + RULE % ("b", "bea"), "rules:\n" + RULE % ("a", "ann") + CASE
    )
    assert list(differences(old.stored, new.stored)) == [
        Difference("rules.b.match.users", '["ben"]', '["bea"]')
    ]


def test_registers_are_told_too(tmp_path):
    write_registered(tmp_path)
    old = configured(tmp_path, (tmp_path / "gatehouse.yaml").read_text())
    write_registered(tmp_path, vendors=VENDORS.replace("2026-07-10", "2027-07-10"))
    new = configured(tmp_path, (tmp_path / "gatehouse.yaml").read_text())
    assert list(differences(old.stored, new.stored)) == [
        Difference("vendors register.deepseek.valid_until", "2026-07-10", "2027-07-10")
    ]
    assert file_changes(old.stored, new.stored).changed == ("registers/vendors.yaml",)


def test_a_long_value_is_cut(tmp_path):
    old = loaded(tmp_path, "rules: []\n")
    new = loaded(tmp_path, "rules:\n" + RULE % ("a", ", ".join(f"user{n}" for n in range(200))))
    (change,) = differences(old.stored, new.stored)
    assert len(change.new) == MOST_TEXT


def test_files_that_come_and_go_are_told_with_their_owners(tmp_path):
    old = loaded(tmp_path, "rules: []\n", "rules: []\n")
    (tmp_path / "policy" / "0.yaml").rename(tmp_path / "policy" / "2.yaml")
    new = loaded(tmp_path, configuration=(tmp_path / "gatehouse.yaml").read_text())
    changes = file_changes(old.stored, new.stored)
    owner = new.stored.files[0].owner
    assert changes == FileChanges(("policy/2.yaml",), ("policy/0.yaml",), (), (owner,))


@pytest.mark.parametrize(
    ("old", "new", "what", "words"),
    [
        (None, "2", "added", "2"),
        ("1", None, "removed", "1"),
        ("1", "2", "changed", "1 before, 2 after"),
    ],
)
def test_a_difference_says_what_became_of_the_value(old, new, what, words):
    difference = Difference("p", old, new)
    assert (difference.what, difference.before_and_after) == (what, words)
