"""Files of rules are found beside the configuration, in order, and are part of its digest."""

from gateway.configuration.policy_files import listing
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
    assert listing(str(tmp_path / "policy" / "*.yaml")) == str(tmp_path / "policy" / "0.yaml")


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
