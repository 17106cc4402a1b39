"""Where a setting stands in a file, and what it is called."""

from gateway.cli.editing.syntax import ABSENT, Item, depth_of, find, name_of, nested

TREE = {"models": [{"name": "x", "n": None}, "text"], "env": {}}
X = Item("x", "name")


def test_a_value_is_found_by_names_and_by_what_an_element_is_called() -> None:
    assert find(TREE, ("models", X, "n")) is None
    assert find(TREE, ("models", Item("text"))) == "text"


def test_what_is_not_there_is_absent_and_not_null() -> None:
    assert find(TREE, ("models", Item("y", "name"))) is ABSENT
    assert find(TREE, ("env", "A")) is ABSENT
    assert find(TREE, ("models", "name")) is ABSENT
    assert find("text", (X,)) is ABSENT


def test_how_far_a_path_goes_is_known() -> None:
    assert [depth_of(TREE, ("env", "A", "B")), depth_of(TREE, ("models", X))] == [1, 2]
    assert depth_of({}, ("a",)) == 0


def test_a_missing_path_is_made_of_mappings_and_lists() -> None:
    assert nested(("a", X), {"name": "x"}) == {"a": [{"name": "x"}]}


def test_a_path_has_a_name_for_people() -> None:
    assert name_of(("env", "A")) == "env.A"
    assert name_of(("models", X)) == "models[x]"
    assert name_of((X,)) == "[x]"
