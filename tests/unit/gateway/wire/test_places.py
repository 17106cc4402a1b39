"""Values deep inside JSON text are found where they stand, however the text is written."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.base import Span
from gateway.wire.places import (
    NoPlace,
    Place,
    before_character,
    items,
    keys_of,
    member,
    number_of,
    quoted,
    text_of,
    top_of,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)
spellings = st.sampled_from(
    [
        {"separators": (",", ":")},
        {},
        {"indent": 2},
        {"ensure_ascii": False, "indent": "\t"},
    ]
)


def whole(place: Place) -> Any:
    """The value, put together again from what was found in it."""
    if place.begins_with(b"{"):
        return {key: whole(each) for key, each in keys_of(place).items()}
    if place.begins_with(b"["):
        return [whole(each) for each in items(place)]
    return json.loads(bytes(place.value))


def without_nulls(tree: Any) -> Any:
    """The same tree; members that are null count as absent."""
    if isinstance(tree, dict):
        return {key: without_nulls(each) for key, each in tree.items() if each is not None}
    return [without_nulls(each) for each in tree] if isinstance(tree, list) else tree


@given(values, spellings, st.sampled_from(["", " ", "\r\n\t"]))
def test_every_value_is_found(value: Any, spelling: dict[str, Any], blanks: str) -> None:
    source = (blanks + json.dumps(value, **spelling) + blanks).encode()
    assert whole(top_of(source)) == without_nulls(value)


def test_members_are_found_by_their_path() -> None:
    source = b'{"a": {"b": [1, {"c": "x"}], "n": null}}'
    assert member(top_of(source), "a", "b") is not None
    assert member(top_of(source), "a", "x", "y") is None
    assert member(top_of(source), "a", "n") is None
    assert member(None, "a") is None
    _, second = items(member(top_of(source), "a", "b"))
    found = member(second, "c")
    assert text_of(found) == "x"
    assert found is not None
    assert found.span == Span(source.index(b'"x"'), source.index(b'"x"') + 3)


def test_what_is_something_else_is_none() -> None:
    number = top_of(b" 12 ")
    assert (text_of(number), number_of(number), list(items(number))) == (None, 12, [])
    assert (number_of(top_of(b"true")), number_of(top_of(b"1.5")), number_of(None)) == (None,) * 3
    assert (text_of(None), keys_of(number)) == (None, {})


@pytest.mark.parametrize("source", [b'{"a":1,"a":2}', b'{"a":', b'{"a" 1}', b'{"a":NaN}'])
def test_an_object_that_cannot_be_read_has_no_places(source: bytes) -> None:
    with pytest.raises(NoPlace):
        keys_of(top_of(source))


@pytest.mark.parametrize("source", [b"[1,", b"[1 2]"])
def test_a_list_that_cannot_be_read_has_none_either(source: bytes) -> None:
    with pytest.raises(NoPlace):
        list(items(top_of(source)))


def test_nor_has_a_text() -> None:
    with pytest.raises(NoPlace):
        text_of(top_of(b'"\xff"'))


@given(st.text(max_size=12), st.booleans(), st.data())
def test_a_character_stands_where_a_text_can_be_cut(
    text: str, escaped: bool, data: st.DataObject
) -> None:
    source = b"  " + json.dumps(text, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    number = data.draw(st.integers(0, len(text)))
    cut = before_character(top_of(source), number)
    assert json.loads(source[:cut] + b'"') == text[:number]
    assert json.loads(b'"' + source[cut:]) == text[number:]


def test_a_text_has_no_more_characters_than_it_has() -> None:
    with pytest.raises(NoPlace):
        before_character(top_of(b'"ab'), 3)


@given(st.text())
def test_a_quoted_text_is_what_stands_between_the_marks(text: str) -> None:
    assert msgspec.json.decode(b'"' + quoted(text) + b'"') == text
