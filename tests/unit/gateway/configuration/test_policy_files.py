"""Files of rules are found beside the configuration, in order, and are part of its digest."""

import pytest

from gateway.configuration.problems import ConfigurationError
from tests.fakes.configurations import GOOD, configured, write
from tests.fakes.policy_files import WITH_RULES, loaded

RULE = "rules:\n  - { id: %s, effect: deny, reason: x, match: { users: [bob] } }\n"
ONE, TWO = RULE % "one", RULE % "two"


def ids(built) -> list[str]:
    return [rule.id for rule in built.policy.rules]


def test_rules_stand_in_the_order_of_their_files(tmp_path):
    built = loaded(tmp_path, ONE, TWO)
    assert ids(built) == ["one", "two"]
    assert [rule.written.place for rule in built.policy.rules] == [
        "policy/0.yaml:2",
        "policy/1.yaml:2",
    ]


def test_the_configuration_orders_files_and_names_each_once(tmp_path):
    configuration = GOOD + "policy: [policy/1.yaml, policy/*.yaml]\n"
    assert ids(loaded(tmp_path, ONE, TWO, configuration=configuration)) == ["two", "one"]


def test_a_hidden_file_is_not_found_by_a_pattern(tmp_path):
    loaded(tmp_path, ONE)
    write(tmp_path / "policy", TWO, ".1.yaml")
    assert ids(loaded(tmp_path)) == ["one"]


def test_rules_are_found_in_a_folder_whose_name_looks_like_a_pattern(tmp_path):
    folder = tmp_path / "gate [prod] *"
    folder.mkdir()
    assert ids(loaded(folder, ONE)) == ["one"]


def test_a_folder_that_nobody_can_look_into_refuses_the_configuration(tmp_path):
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "team-a").symlink_to("team-a")
    with pytest.raises(ConfigurationError) as refused:
        loaded(tmp_path, ONE, configuration=GOOD + "policy: [policy/**/*.yaml]\n")
    (told,) = refused.value.lines
    assert told.startswith(f"{tmp_path}/gatehouse.yaml:22:10: policy.0: {tmp_path}/policy/team-a ")
    assert "cannot be looked into" in told


@pytest.mark.parametrize("name", ["a\nb.yaml", "a\u2028b.yaml", "a\udcffb.yaml"])
def test_a_file_whose_name_cannot_be_shown_refuses_the_configuration(tmp_path, name):
    (tmp_path / "policy").mkdir()
    write(tmp_path / "policy", TWO, name)
    with pytest.raises(ConfigurationError, match="a name that cannot be shown; rename the file"):
        loaded(tmp_path, ONE)


def test_the_digest_is_of_all_files(tmp_path):
    first = loaded(tmp_path, ONE).digest
    assert loaded(tmp_path, ONE).digest == first
    assert loaded(tmp_path, TWO).digest != first
    assert loaded(tmp_path, ONE, TWO).digest != first


def test_without_rules_the_digest_is_the_files_own(tmp_path):
    built = configured(tmp_path)
    assert built.digest == built.read[tmp_path / "gatehouse.yaml"]


def test_a_file_of_rules_may_lie_elsewhere(tmp_path):
    elsewhere = write(tmp_path, ONE, "rules.yaml")
    folder = tmp_path / "configuration"
    folder.mkdir()
    built = loaded(folder, configuration=f"{GOOD}policy: [{elsewhere}]\n")
    assert built.policy.rules[0].written.file == str(elsewhere)


def test_tests_keep_their_places(tmp_path):
    case = "  - { name: n, request: { team: web, model: coder }, expect: { effect: allow } }\n"
    built = loaded(tmp_path, ONE + "tests:\n" + case, configuration=WITH_RULES)
    assert [(each.document.name, each.place) for each in built.policy_tests] == [
        ("n", "policy/0.yaml:4")
    ]
