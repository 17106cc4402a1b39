"""Members are found exactly where they stand, and only named spans change."""

import json

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import MalformedRequest
from gateway.wire import splice
from gateway.wire.base import Span

# The machine that runs this may be slow; what is generated is small all the same.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

BLANKS = st.text(" \t\r\n", max_size=3)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=4), inner, max_size=3
        )
    ),
    max_leaves=6,
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["model", "a", "b", 'q"', "\\"]
)


def spelt(key: str, escaped: int) -> str:
    """A key as JSON, its first `escaped` characters spelt as escapes."""
    head = "".join(f"\\u{unit:04x}" for letter in key[:escaped] for unit in utf16_units(letter))
    return f'"{head}{json.dumps(key[escaped:], ensure_ascii=False)[1:-1]}"'


def utf16_units(letter: str) -> list[int]:
    pair = letter.encode("utf-16-be")
    return [int.from_bytes(pair[at : at + 2], "big") for at in range(0, len(pair), 2)]


@st.composite
def objects(draw: st.DrawFn) -> tuple[list[tuple[str, str]], bytes]:
    """Members of an object as (key, JSON of the value), and the object as somebody may write it."""
    pairs = draw(st.lists(st.tuples(KEYS, VALUES), max_size=6))
    members = [
        (
            key,
            json.dumps(
                value,
                ensure_ascii=draw(st.booleans()),
                separators=draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:")])),
            ),
        )
        for key, value in pairs
    ]
    written = [
        f"{draw(BLANKS)}{spelt(key, draw(st.integers(0, 2)))}{draw(BLANKS)}:{draw(BLANKS)}{value}"
        f"{draw(BLANKS)}"
        for key, value in members
    ]
    inside = ",".join(written) or draw(BLANKS)
    return members, f"{draw(BLANKS)}{{{inside}}}{draw(BLANKS)}".encode()


def has_duplicate(members: list[tuple[str, str]]) -> bool:
    return len({key for key, _ in members}) < len(members)


@PATIENT
@given(objects())
def test_every_member_stands_where_it_is_said_to(case: tuple[list[tuple[str, str]], bytes]) -> None:
    members, body = case
    if has_duplicate(members):
        with pytest.raises(MalformedRequest):
            splice.parse(body)
        return
    values, spans = splice.parse(body)
    found = {key: body[span.start : span.end].decode() for key, span in spans.items()}
    assert found == dict(members)
    assert {key: bytes(value).decode() for key, value in values.items()} == dict(members)


@PATIENT
@given(objects(), VALUES, st.randoms(use_true_random=False))
def test_an_edit_changes_only_its_span(case, value, random) -> None:
    members, body = case
    unique = [(key, text) for key, text in members if [k for k, _ in members].count(key) == 1]
    if has_duplicate(members) or not unique:
        return
    key = random.choice(unique)[0]
    span = splice.parse(body)[1][key]
    replacement = json.dumps(value).encode()
    edited = splice.apply(body, [(span, replacement)])
    assert edited[: span.start] == body[: span.start]
    assert edited[span.start + len(replacement) :] == body[span.end :]
    before, after = json.loads(body), json.loads(edited)
    assert {**before, key: value} == after


@PATIENT
@given(objects())
def test_a_nested_object_gives_the_same_members(case) -> None:
    members, text = case
    inner = text.strip()
    body = b'{"before":"{}", "inner": ' + inner + b"}"
    if has_duplicate(members):
        with pytest.raises(MalformedRequest):
            splice.members(msgspec.Raw(inner), "inner")
        return
    values, spans = splice.parse(body)
    nested = splice.members(values["inner"], "inner")
    places = splice.locate(body, spans["inner"].start, nested, "inner")
    assert {key: body[span.start : span.end].decode() for key, span in places.items()} == dict(
        members
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","model":"b"}',
        b'{"model":"a","model":"a"}',
        b'{"model":"a","mod\\u0065l":"b"}',
        b'{"\\u006dodel":"a","model":"b"}',
        b'{"model":1,"x":2,"model":12}',
        b'{"model":12,"x":2,"model":1}',
        b'{"model":1.5,"model":1}',
        b'{"model":[1,2],"model":[1]}',
        b'{"model":"a" , "x":{"model":1}, "model":"a"}',
        b'{"":1,"":1}',
    ],
)
def test_a_key_that_occurs_twice_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedRequest, match="twice"):
        splice.parse(body)


def test_the_same_key_at_another_level_is_no_duplicate() -> None:
    values, _ = splice.parse(b'{"model":"a","inner":{"model":"b"}}')
    assert sorted(values) == ["inner", "model"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is empty"),
        (b"  \n", "the body is empty"),
        (b"model=a", "not JSON: .*byte 0"),
        (b'{"a":1', "not JSON: .*truncated"),
        (b'{"a":1}}', "not JSON: trailing characters"),
        (b'{"a":NaN}', r"not JSON: invalid character \(byte 5\)"),
        (b'{"a":Infinity}', "not JSON"),
        (b'{"a":-Infinity}', "not JSON"),
        (b'{"a":01}', "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'{"a":"\x00"}', "not JSON"),
        (b'{"a":1}\x00', "not JSON"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"12", "must be a JSON object"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ('{"a":1}'.encode("utf-16"), "byte order mark"),
        (b'{"a":"\xff"}', "not UTF-8 near byte"),
        (b'{"a":"\xc0\xaf"}', "not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a":"\xe2\x82', "not UTF-8"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"a":"\\ud800\\u0041"}', "surrogate"),
        (b'{"a":"\\udc00"}', "surrogate"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_what_is_not_one_json_object_is_refused_by_its_fault(body: bytes, message: str) -> None:
    with pytest.raises(MalformedRequest, match=message):
        splice.parse(body)


@pytest.mark.parametrize("number", [b"9" * 5_000, b"1e999", b"-0", b"-1E-999", b"0.1" + b"0" * 400])
def test_a_number_of_any_size_is_left_as_it_is(number: bytes) -> None:
    body = b'{"a":' + number + b"}"
    _, spans = splice.parse(body)
    assert body[spans["a"].start : spans["a"].end] == number


def test_a_refusal_never_repeats_a_key_that_may_be_a_secret() -> None:
    with pytest.raises(MalformedRequest) as refusal:
        splice.parse(b'{"sk-Canary123":1,"sk-Canary123":2}')
    assert "Canary" not in refusal.value.message
    assert "byte 2" in refusal.value.message or "byte 19" in refusal.value.message


def test_invalid_utf8_after_the_first_piece_is_found() -> None:
    body = b'{"a":"' + "é".encode() * 700_000 + b'\xff"}'
    with pytest.raises(MalformedRequest, match="near byte 14000"):
        splice.parse(body)


def test_a_character_cut_by_a_piece_is_no_fault() -> None:
    body = b'{"a":"x' + "é".encode() * 700_000 + b'"}'
    assert list(splice.parse(body)[1]) == ["a"]


def test_too_many_members_are_refused() -> None:
    body = json.dumps({str(number): 0 for number in range(splice.MOST_MEMBERS + 1)}).encode()
    with pytest.raises(MalformedRequest, match="more than 10000 members"):
        splice.parse(body)


def test_insertions_and_replacements_are_applied_together() -> None:
    body = b'{"a":1,"b":2}'
    edited = splice.apply(
        body, [(Span(11, 12), b"[]"), (Span(5, 6), b"10"), (Span(6, 6), b',"c":3')]
    )
    assert edited == b'{"a":10,"c":3,"b":[]}'


@pytest.mark.parametrize("spans", [(Span(1, 4), Span(3, 5)), (Span(0, 99),), (Span(4, 2),)])
def test_spans_that_overlap_or_leave_the_body_are_an_error(spans: tuple[Span, ...]) -> None:
    with pytest.raises(ValueError, match="overlaps another or leaves the body"):
        splice.apply(b'{"a":1}', [(span, b"") for span in spans])


@pytest.mark.parametrize("value", [b"[]", b'"a"', b"null", b"1"])
def test_members_of_what_is_no_object_are_refused_by_name(value: bytes) -> None:
    with pytest.raises(MalformedRequest, match="'stream_options' must be an object"):
        splice.members(msgspec.Raw(value), "'stream_options'")


def test_items_of_what_is_no_array_are_refused_by_name() -> None:
    with pytest.raises(MalformedRequest, match="'tools' must be an array"):
        splice.items(msgspec.Raw(b"{}"), "'tools'")


@PATIENT
@given(st.lists(objects(), max_size=4))
def test_objects_read_at_once_are_those_read_one_by_one(cases) -> None:
    array = msgspec.Raw(b"[" + b",".join(text for _, text in cases) + b"]")
    found = splice.compact_objects(array)
    if any(has_duplicate(members) for members, _ in cases):
        assert found is None
    elif found is not None:
        one_by_one = [splice.members(each, "item") for each in splice.items(array, "array")]
        assert [list(each) for each in found] == [list(each) for each in one_by_one]
        assert [without_blanks(each) for each in found] == [
            without_blanks(each) for each in one_by_one
        ]


def without_blanks(members: splice.Members) -> list[bytes]:
    return [msgspec.json.format(bytes(value), indent=-1) for value in members.values()]


def test_plain_objects_are_read_at_once() -> None:
    array = msgspec.Raw(b'[ {"a" : [1,  2], "b": " x "}, {}, {"\xc3\xa9":null} ]')
    assert splice.compact_objects(array) == [
        {"a": msgspec.Raw(b"[1,2]"), "b": msgspec.Raw(b'" x "')},
        {},
        {"\N{LATIN SMALL LETTER E WITH ACUTE}": msgspec.Raw(b"null")},
    ]


@pytest.mark.parametrize(
    "array",
    [
        b'{"a":1}',
        b"[1]",
        b'[{"a":1},[]]',
        b'[{},{"a":1,"a":1}]',
        b'[{"\\u0061":1}]',
        b"[" + b" " * (1 << 20) + b"]",
    ],
)
def test_what_is_not_read_at_once_is_left_to_be_read_one_by_one(array: bytes) -> None:
    assert splice.compact_objects(msgspec.Raw(array)) is None


def large(items: bytes, count: int) -> bytes:
    """A body over 4 MB that holds so many of these items, and a long text."""
    return b'{"input":[' + b",".join([items] * count) + b'],"text":"' + b"x" * 4_200_000 + b'"}'


@pytest.mark.parametrize("item", [b"{}", b' {"a" : "{" } ', b'{"a":{"b":"\\""}}'])
def test_a_large_body_of_very_many_objects_is_refused_before_it_is_read(item):
    with pytest.raises(MalformedRequest, match="more than 100000 objects"):
        splice.parse(large(item, splice.MOST_OBJECTS + 1))


def test_braces_in_a_text_are_no_objects():
    body = json.dumps({"input": [{"a": '{ "b": {} }\\' * 600_000}] * 2}).encode()
    assert body.count(b"{") > splice.MOST_OBJECTS
    assert list(splice.parse(body)[0]) == ["input"]
    assert len(splice.parse(large(b"{}", splice.MOST_OBJECTS - 1))[0]) == 2
