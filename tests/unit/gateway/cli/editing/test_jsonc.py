"""JSON with comments is edited in place, and what is not ours keeps its bytes."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.cli.editing import JSONC, Item, Unreadable

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

COMMENTED = """// mine
{
    "theme": "dark", // so that I can sleep
    "env": {
        /* a proxy */
        "HTTP_PROXY": "http://proxy:3128",
    },
}
"""

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)
trees = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(texts, trees, max_size=4)


def test_a_setting_is_added_where_the_others_are_and_comments_stay() -> None:
    assert JSONC.put(COMMENTED, ("env", "A"), "1") == COMMENTED.replace(
        '3128",\n', '3128",\n        "A": "1",\n'
    )


def test_a_setting_that_is_there_changes_its_value_only() -> None:
    edited = JSONC.put(COMMENTED, ("theme",), "light")
    assert edited == COMMENTED.replace('"dark"', '"light"')


def test_what_was_added_can_be_taken_out_again_to_the_byte() -> None:
    assert JSONC.drop(JSONC.put(COMMENTED, ("env", "A"), "1"), ("env", "A")) == COMMENTED


@pytest.mark.parametrize("text", ["{}", '{"a": 1}', '{ "a": [1, 2] }\n', '[{"name": "x"}]'])
def test_one_line_stays_one_line(text: str) -> None:
    path = ("b",) if text.startswith("{") else (Item("Gatehouse", "name"),)
    value = 2 if text.startswith("{") else {"name": "Gatehouse"}
    assert JSONC.drop(JSONC.put(text, path, value), path) == text


def test_an_empty_file_becomes_an_object_and_a_list_where_a_list_is_wanted() -> None:
    assert JSONC.put("", ("a", "b"), 1) == '{\n  "a": {\n    "b": 1\n  }\n}\n'
    written = JSONC.put("", (Item("x", "name"),), {"name": "x"})
    assert json.loads(written) == [{"name": "x"}]


def test_a_comment_to_the_lines_end_does_not_swallow_what_is_added() -> None:
    text = '{"a": 1 // one\n}'
    assert JSONC.read(JSONC.put(text, ("b",), 2)) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{\n  "a": 1\n  "b": 2\n}', 3),
        ('{\n  "a": 1', 2),
        ("{\n\n  a: 1}", 3),
        ('{"a": 1}\n{}', 2),
        ('{"a" 1}', 1),
        ('{"a": tru}', 1),
        ('{"a": "x\ny"}', 1),
        ('{\n"a": 1,\n"a": 2}', 3),
        ("[" * 200, 1),
    ],
)
def test_what_is_not_json_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(Unreadable) as refused:
        JSONC.read(text)
    assert refused.value.line == line


def test_a_setting_below_something_that_holds_none_is_refused() -> None:
    with pytest.raises(Unreadable, match="not an object"):
        JSONC.put('{"env": "none"}', ("env", "A"), "1")


@PATIENT
@given(objects, st.sampled_from([None, 1, 2, 4, "\t"]), texts, trees)
def test_any_object_takes_a_setting_and_gives_it_back(
    tree: dict[str, object], indent: int | str | None, name: str, value: object
) -> None:
    text = json.dumps(tree, indent=indent, ensure_ascii=False)
    edited = JSONC.put(text, (name,), value)  # type: ignore[arg-type]
    assert JSONC.read(edited) == {**tree, name: value}
    rest = {each: kept for each, kept in tree.items() if each != name}
    assert JSONC.read(JSONC.drop(edited, (name,))) == rest
    assert json.loads(edited) == {**tree, name: value}


@PATIENT
@given(objects.filter(lambda tree: "new" not in tree), st.sampled_from([None, 2, 4, "\t"]))
def test_adding_and_taking_out_is_the_same_bytes(
    tree: dict[str, object], indent: int | str | None
) -> None:
    text = json.dumps(tree, indent=indent, ensure_ascii=False)
    assert JSONC.drop(JSONC.put(text, ("new",), "x"), ("new",)) == text
