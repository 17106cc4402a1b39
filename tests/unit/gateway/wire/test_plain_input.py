"""Plain inputs: how many there are, how large, and what of them is text."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import MalformedRequest
from gateway.wire.plain_input import MOST_ITEMS, MOST_TEXTS, Sized, size_up, texts
from policy.types import Zone


def members(value: object) -> dict[str, msgspec.Raw]:
    return {"input": msgspec.Raw(json.dumps(value).encode())}


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("", Sized(1, 2)),
        ("four", Sized(1, 6)),
        (["a", "b"], Sized(2, 10)),
        ([""], Sized(1, 4)),
        ([7], Sized(1, 0, 1)),
        ([1, 2, 3], Sized(1, 0, 3)),
        ([[1, 2], [3]], Sized(2, 0, 3)),
        (["a", [1, 2]], Sized(2, 13)),
        ([12, "a", 34], Sized(1, 13)),
        ([{"prompt_string": "a"}], Sized(1, 24)),
    ],
)
def test_an_input_has_a_number_and_a_size(value: object, size: Sized) -> None:
    assert size_up(members(value), "input") == size


@pytest.mark.parametrize("value", [None, 5, True, {}, {"text": "a"}])
def test_what_is_neither_a_text_nor_a_list_is_refused(value: object) -> None:
    with pytest.raises(MalformedRequest, match="'input' must be a text, or a list of texts or"):
        size_up(members(value), "input")


def test_a_missing_input_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="'input' must be a text"):
        size_up({}, "input")


@pytest.mark.parametrize("value", [[], [[]], [[1], []]])
def test_an_empty_list_is_refused(value: object) -> None:
    with pytest.raises(MalformedRequest, match="'input' must not be empty"):
        size_up(members(value), "input")


@given(st.lists(st.lists(st.integers(0, 2**40), min_size=1), min_size=1))
def test_tokens_are_counted_one_by_one(lists: list[list[int]]) -> None:
    assert size_up(members(lists), "input") == Sized(len(lists), 0, sum(map(len, lists)))


@given(st.lists(st.text(), min_size=1))
def test_every_text_of_a_list_is_found_in_its_place(given_texts: list[str]) -> None:
    found = list(texts(members(given_texts), ("input", "absent")))
    assert [each.text for each in found] == given_texts
    assert [each.path for each in found] == [f"input.{at}" for at in range(len(given_texts))]
    assert {each.zone for each in found} == {Zone.USER}


@pytest.mark.parametrize("value", [[1, 2], [[1], [2]]])
def test_tokens_are_no_text(value: object) -> None:
    assert list(texts(members(value), ("input",))) == []


def test_texts_among_tokens_are_found() -> None:
    found = list(texts(members([12, "a", [34, "b"]]), ("input",)))
    assert [(each.path, each.text) for each in found] == [("input.1", "a"), ("input.2.1", "b")]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"[" + b'"aaaa",' * MOST_TEXTS + b'"a"]', f"more than {MOST_TEXTS} texts"),
        (b"[" + b'"\\\\",' * MOST_TEXTS + b'"a"]', f"more than {MOST_TEXTS} texts"),
        (b"[" + b"1," * (MOST_ITEMS + 1) + b"1]", f"more than {MOST_ITEMS} items"),
        (b"[" + b"[]," * (MOST_ITEMS + 1) + b"[]]", f"more than {MOST_ITEMS} items"),
        (b'["a",' + b"1," * (MOST_ITEMS + 1) + b"1]", f"more than {MOST_ITEMS} items"),
    ],
    ids=["texts", "backslashes", "tokens", "lists", "mixed"],
)
def test_a_list_that_would_fill_the_memory_is_refused_unread(value: bytes, reason: str) -> None:
    with pytest.raises(MalformedRequest, match=reason):
        size_up({"input": msgspec.Raw(value)}, "input")


def test_long_texts_full_of_commas_and_quotes_are_few_texts() -> None:
    text = '{"a": ",\\", "b"}' * 400_000
    value = msgspec.json.encode([text, text])
    assert size_up({"input": msgspec.Raw(value)}, "input") == Sized(2, len(value))
