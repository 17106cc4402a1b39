"""A conversation without its marks is the same bytes as one that never had any."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import splice
from gateway.wire.cache_marks import unmarked

MARK = {"type": "ephemeral", "ttl": "1h"}


def said(source: str, *names: str) -> list[bytes | None]:
    body = source.encode()
    values, spans = splice.parse(body)
    found = unmarked(body, values, spans, names or ("messages",))
    return [None if each is None else bytes(each) for each in found]


def in_block(mark: str, at: str) -> str:
    """A body whose one text block carries this mark, first or last in it."""
    block = '"type":"text","text":"hi, \\"cache_control\\":{} there"'
    inside = {"last": f"{block},{mark}", "first": f"{mark},{block}", "none": block}[at]
    return f'{{"messages":[{{"role":"user","content":[{{{inside}}}]}}]}}'


def blocks_of(*texts: str, mark: Any = None) -> list[dict[str, Any]]:
    signed = {} if mark is None else {"cache_control": mark}
    return [{"type": "text", "text": text, **signed} for text in texts]


@pytest.mark.parametrize("at", ["first", "last"])
@pytest.mark.parametrize(
    "mark",
    [
        '"cache_control":{"type":"ephemeral"}',
        '"cache_control":{"type":"ephemeral","ttl":"1h"}',
        '"cache_control":null',
        '"cache_control" : { "type" : "ephemeral" }',
    ],
)
def test_a_mark_is_left_out_with_one_comma(at, mark):
    assert said(in_block(mark, at)) == said(in_block("", "none"))


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_marks_of_several_blocks_and_members_are_left_out(separators):
    bodies = [
        {"system": blocks_of("a", "b", mark=mark), "messages": blocks_of("c", mark=mark)}
        for mark in (MARK, None)
    ]
    marked, plain = [json.dumps(body, separators=separators) for body in bodies]
    assert said(marked, "system", "messages") == said(plain, "system", "messages")


def test_what_carries_no_mark_comes_as_it_stands():
    assert said('{"messages": [ "a" ] }') == [b'[ "a" ]']


def test_a_member_that_is_not_there_is_none():
    assert said('{"messages":[]}', "system", "messages") == [None, b"[]"]


def test_marks_of_other_members_are_not_looked_for():
    tools = {"messages": ["a"], "tools": [{"name": "b", "cache_control": MARK}]}
    assert said(json.dumps(tools)) == [b'["a"]']


def test_a_mark_whose_form_is_not_known_stays():
    odd = in_block('"cache_control":{"type":{"of":"another"}}', "last")
    assert b"another" in (said(odd)[0] or b"")


def test_a_mark_with_nothing_beside_it_leaves_an_empty_block():
    assert said('{"messages":[{"cache_control":{"type":"ephemeral"}}]}') == [b"[{}]"]


@given(st.lists(st.text(alphabet='cache_ontrl":{}, \\\n'), min_size=1, max_size=4))
def test_no_text_is_touched_however_much_it_looks_like_marks(texts):
    marked, plain = [
        json.dumps({"messages": blocks_of(*texts, '"cache_control":{}', mark=mark)})
        for mark in (MARK, None)
    ]
    assert said(marked) == said(plain)
    assert json.loads(said(marked)[0] or b"") == blocks_of(*texts, '"cache_control":{}')
