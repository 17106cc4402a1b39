"""What is written here, the library reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from gateway.telemetry.protobuf import encode_attribute, encode_size, encode_varint, nest, tag_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.one_of(
    TEXTS,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.lists(TEXTS).map(tuple),
)


def read_back(name: str, value: object) -> KeyValue:
    span = Span.FromString(tag_of(Span, "attributes") + encode_attribute(name, value))
    (pair,) = span.attributes
    return pair


@given(TEXTS, VALUES)
def test_an_attribute_is_read_back_as_it_was(name, value):
    pair = read_back(name, value)
    kind = pair.value.WhichOneof("value")
    held = getattr(pair.value, kind)
    if kind == "array_value":
        held = tuple(each.string_value for each in held.values)
    assert (pair.key, held, type(held)) == (name, value, type(value))


@pytest.mark.parametrize("length", [0, 1, 127, 128, 2047, 2048, 16383, 16384, 100_000])
def test_every_length_is_written_as_it_is_read(length):
    assert read_back("a", "x" * length).value.string_value == "x" * length
    assert read_back("n" * length, "x").key == "n" * length
    many = read_back("a", ("x" * length, "y")).value.array_value
    assert [each.string_value for each in many.values] == ["x" * length, "y"]
    assert encode_size(length) == encode_varint(length)


def test_half_a_character_is_replaced_and_does_not_stop_the_rest():
    assert read_back("a", "x\ud800").value.string_value == "x?"
    assert [e.string_value for e in read_back("a", ("\ud800",)).value.array_value.values] == ["?"]


def test_what_is_nested_stands_behind_its_fields_tag_and_length():
    assert Span.FromString(nest(tag_of(Span, "name"), b"abc")).name == "abc"
