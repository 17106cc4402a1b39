"""Settings go into a text and come out again, and what somebody else changed is left alone."""

import json
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.cli.connecting.changes import apply, undo
from gateway.cli.connecting.setting import Setting
from gateway.cli.editing import JSONC, TOML, YAML, Item, Syntax, Unreadable
from gateway.cli.editing.syntax import find

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SETTINGS = (
    Setting(("env", "URL"), "http://gateway"),
    Setting(("models", Item("Gatehouse", "name")), {"name": "Gatehouse"}),
    Setting(("privacy", "statistics"), False),
    Setting(("schema",), "v1", yields=True),
)

names = st.sampled_from(["env", "models", "privacy", "schema", "URL", "statistics", "x", "y"])
leaves = (
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "v0", "http://gateway"])
)
trees = st.dictionaries(
    names,
    leaves
    | st.dictionaries(names, leaves, max_size=3)
    | st.lists(leaves | st.fixed_dictionaries({"name": leaves}), max_size=2),
    max_size=5,
)


def is_applied(text: str, settings: Iterable[Setting], syntax: Syntax) -> bool:
    tree = syntax.read(text)
    return all(find(tree, each.path) == each.value for each in settings)


def test_settings_go_in_and_what_was_there_stays() -> None:
    text, _ = apply('{"env": {"A": "1"}}', SETTINGS, JSONC)
    assert is_applied(text, SETTINGS, JSONC)
    assert json.loads(text)["env"] == {"A": "1", "URL": "http://gateway"}


def test_a_setting_that_yields_leaves_what_stands() -> None:
    text, changes = apply('{"schema": "v0"}', SETTINGS, JSONC)
    assert json.loads(text)["schema"] == "v0"
    assert len(changes) == len(SETTINGS) - 1


def test_applied_twice_is_applied_once() -> None:
    once, _ = apply("{}", SETTINGS, JSONC)
    assert apply(once, SETTINGS, JSONC)[0] == once


def test_a_number_is_not_taken_for_a_switch() -> None:
    text, _ = apply('{"privacy": {"statistics": 0}}', SETTINGS, JSONC)
    assert json.loads(text)["privacy"]["statistics"] is False


def test_what_stood_there_comes_back() -> None:
    before = '{"env": {"URL": "http://other", "A": "1"}}'
    text, changes = apply(before, SETTINGS, JSONC)
    assert json.loads(undo(text, changes, JSONC).text) == json.loads(before)


def test_what_somebody_changed_since_is_left_and_named() -> None:
    text, changes = apply("{}", SETTINGS, JSONC)
    undone = undo(text.replace("http://gateway", "http://mine"), changes, JSONC)
    assert json.loads(undone.text) == {"env": {"URL": "http://mine"}}
    assert undone.kept == ("env.URL",)


def test_an_element_that_the_assistant_has_added_to_is_still_ours() -> None:
    text, changes = apply("{}", SETTINGS, JSONC)
    grown = text.replace('"name": "Gatehouse"', '"name": "Gatehouse", "apiKey": "${input:x}"')
    assert json.loads(undo(grown, changes, JSONC).text) == {}


def test_what_was_made_to_hold_a_setting_stays_when_somebody_uses_it() -> None:
    text, changes = apply("{}", SETTINGS, JSONC)
    used = text.replace('"URL"', '"MINE": "1", "URL"')
    assert json.loads(undo(used, changes, JSONC).text) == {"env": {"MINE": "1"}}


def test_a_setting_whose_place_is_taken_by_something_else_is_refused() -> None:
    with pytest.raises(Unreadable):
        apply('{"env": 1}', SETTINGS, JSONC)


@pytest.mark.parametrize(
    ("syntax", "text"),
    [
        # An edit that would reach into what is shared, or mean something else, does not count.
        (YAML, "base: &b {A: 1}\nenv: *b\nmodels: []\n"),
        (YAML, "env: {A: &x 1}\nmodels: [*x]\n"),
    ],
)
def test_an_edit_that_would_touch_something_else_is_refused_or_right(
    syntax: Syntax, text: str
) -> None:
    before = syntax.read(text)
    with suppress(Unreadable):
        edited, changes = apply(text, SETTINGS, syntax)
        assert is_applied(edited, SETTINGS, syntax)
        assert syntax.read(undo(edited, changes, syntax).text) == before


@PATIENT
@given(trees)
def test_in_and_out_is_what_it_was_in_json(tree: dict[str, object]) -> None:
    _in_and_out(json.dumps(tree, indent=2), JSONC)


@PATIENT
@given(trees)
def test_in_and_out_is_what_it_was_in_yaml(tree: dict[str, object]) -> None:
    _in_and_out(json.dumps(tree), YAML)


def test_in_and_out_is_what_it_was_in_toml() -> None:
    before = 'model = "x" # mine\n\n[env]\nA = "1"\n\n[[hooks]]\nevent = "e"\n'
    settings = (SETTINGS[0], SETTINGS[2])
    text, changes = apply(before, settings, TOML)
    assert is_applied(text, settings, TOML)
    assert TOML.read(undo(text, changes, TOML).text) == TOML.read(before)


def _in_and_out(text: str, syntax: Syntax) -> None:
    before = syntax.read(text)
    try:
        edited, changes = apply(text, SETTINGS, syntax)
    except Unreadable:
        return  # a place is taken by something that holds no settings
    undone = undo(edited, changes, syntax)
    assert syntax.read(undone.text) == before
    assert undone.kept == ()
