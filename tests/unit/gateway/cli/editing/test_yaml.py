"""YAML is edited in place: new lines beside the old ones."""

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.cli.editing import YAML, Item, Unreadable

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

MINE = """# what I like
dark-mode: true   # always
models:
    - name: mine
      provider: ollama   # at home
      model: qwen3

# the end
"""

names = st.text("abcdefghij-", min_size=1, max_size=6).filter(lambda name: name[0] not in "-")
plain = st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab: #'\"é{[", max_size=8)
trees = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=10,
)
documents = st.dictionaries(names, trees, max_size=4)


def test_a_model_joins_the_list_and_every_other_byte_stays() -> None:
    path = ("models", Item("Gatehouse", "name"))
    edited = YAML.put(MINE, path, {"name": "Gatehouse", "roles": ["chat"]})
    added = "    - name: Gatehouse\n      roles:\n        - chat\n"
    assert edited == MINE.replace("qwen3\n", "qwen3\n" + added)
    assert YAML.drop(edited, path) == MINE


def test_a_value_changes_and_the_comment_beside_it_stays() -> None:
    assert YAML.put(MINE, ("dark-mode",), False) == MINE.replace("true ", "false ")


def test_a_missing_list_is_made() -> None:
    edited = YAML.put("# empty\n", ("set-env", Item("A=1")), "A=1")
    assert edited == '# empty\nset-env:\n  - "A=1"\n'


def test_a_list_in_brackets_is_added_to_in_brackets() -> None:
    edited = YAML.put("models: []\n", ("models", Item("x", "name")), {"name": "x"})
    assert edited == 'models: [{"name": "x"}]\n'


def test_a_key_without_a_value_gets_one() -> None:
    assert YAML.read(YAML.put("model:\nb: 1\n", ("model",), "x")) == {"model": "x", "b": 1}


def test_the_last_entry_of_a_list_leaves_an_empty_list() -> None:
    text = "a: 1\nset-env:\n  - A=1\nb: 2\n"
    dropped = YAML.drop(text, ("set-env", Item("A=1")))
    assert YAML.read(dropped) == {"a": 1, "set-env": [], "b": 2}


def test_a_file_without_a_last_line_end_is_added_to_on_a_line_of_its_own() -> None:
    assert YAML.put("a: 1", ("b",), 2) == "a: 1\nb: 2\n"


@pytest.mark.parametrize(
    ("text", "line"), [("a: [1\nb: 2\n", 2), ("a: 1\n b: 2\n", 2), ("a: 1\n---\nb: 2\n", 2)]
)
def test_what_is_not_one_yaml_document_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(Unreadable) as refused:
        YAML.read(text)
    assert refused.value.line == line


def test_a_setting_below_something_that_holds_none_is_refused() -> None:
    with pytest.raises(Unreadable):
        YAML.put("models: none\n", ("models", Item("x", "name")), {"name": "x"})


def test_a_key_without_a_colon_is_not_guessed_at() -> None:
    with pytest.raises(Unreadable, match="colon"):
        YAML.put("{model}", ("model",), "x")


def test_what_is_merged_in_from_elsewhere_is_not_taken_out_there() -> None:
    with pytest.raises(Unreadable, match="not written where it is read"):
        YAML.drop("base: &b {A: 1}\nenv:\n  <<: *b\n", ("env", "A"))


@PATIENT
@given(documents, st.booleans(), names, plain)
def test_any_document_takes_a_setting(
    tree: dict[str, object], in_brackets: bool, name: str, value: object
) -> None:
    flow = True if in_brackets else None
    text = yaml.safe_dump(tree, default_flow_style=flow or False, allow_unicode=True)
    edited = YAML.put(text, (name,), value)  # type: ignore[arg-type]
    assert YAML.read(edited) == {**tree, name: value}


@PATIENT
@given(documents.filter(lambda tree: tree and "new" not in tree), st.booleans())
def test_adding_and_taking_out_is_the_same_bytes(tree: dict[str, object], sorts: bool) -> None:
    text = yaml.safe_dump(tree, sort_keys=sorts, allow_unicode=True)
    assert YAML.drop(YAML.put(text, ("new",), "x"), ("new",)) == text
