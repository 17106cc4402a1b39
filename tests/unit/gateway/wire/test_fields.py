"""The few typed fields are read strictly, and null is as good as absent."""

from collections.abc import Iterator

import msgspec
import pytest

from gateway.errors import MalformedRequest
from gateway.wire import fields


def members(**values: bytes) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(value) for name, value in values.items()}


def test_null_is_as_good_as_absent() -> None:
    nothing = members(a=b"null")
    assert not fields.is_given(nothing, "a")
    assert not fields.is_given(nothing, "b")
    assert fields.flag(nothing, "a") is False
    assert fields.count(nothing, "a", 5) is None
    assert list(fields.tools_of(nothing, "a")) == []


def test_a_model_may_hold_any_printable_characters() -> None:
    name = "vendor/模型-7b:latest (fast)"
    assert fields.model_of(members(model=msgspec.json.encode(name))) == name
    assert fields.model_of(members(model=msgspec.json.encode("m" * 256))) == "m" * 256


@pytest.mark.parametrize("value", [b"1", b"128"])
def test_a_count_reaches_its_bounds(value: bytes) -> None:
    assert fields.count(members(n=value), "n", 128) == int(value)


@pytest.mark.parametrize("value", [b"0", b"129", b"-1", b"1.0", b"1e1", b"true", b'"1"', b"[]"])
def test_a_count_outside_its_bounds_is_refused(value: bytes) -> None:
    with pytest.raises(MalformedRequest, match="'n' must be a whole number from 1 to 128"):
        fields.count(members(n=value), "n", 128)


def test_a_tool_without_a_usable_name_has_a_type_or_is_refused() -> None:
    assert fields.tool_name(members(type=b'"x"'), "tools.0") is None
    assert fields.tool_type(members(type=b'"x"'), "tools.0") == "x"
    with pytest.raises(MalformedRequest, match=r"tools\.0\.name"):
        fields.tool_name(members(name=b'"a\\u0000"'), "tools.0")
    with pytest.raises(MalformedRequest, match=r"tools\.0 has neither"):
        fields.tool_type(members(type=b"null"), "tools.0")


@pytest.mark.parametrize(
    "tools",
    [
        b'[{"name":"a"},{"name": "b", "x": {"y": 1}}]',
        b'[{"name":"a"},{"\\u006eame":"b"}]',
        b"[]",
        b"null",
    ],
)
def test_names_are_the_same_with_and_without_blanks(tools: bytes) -> None:
    exact = fields.tools_of(members(tools=tools), "tools")
    compact = fields.compact_tools_of(members(tools=tools), "tools")
    assert [(path, tool.get("name")) for path, tool in compact] == [
        (path, tool.get("name")) for path, tool in exact
    ]


@pytest.mark.parametrize(
    ("tools", "reason"),
    [
        (b'{"name":"a"}', "'tools' must be an array"),
        (b'[{"name":"a"},1]', r"tools\.1 must be an object"),
        (b'[{"name":"a","name":"a"}]', r"tools\.0 holds the key 'name' twice \(byte 13\)"),
        (b'[{"name": "a", "name": "a"}]', r"tools\.0 holds the key 'name' twice \(byte 15\)"),
        (b"[" + b"{}," * 10_000 + b"{}]", "'tools' holds more than 10000 tools"),
    ],
)
def test_tools_without_blanks_are_refused_for_the_same_reasons(tools: bytes, reason: str) -> None:
    with pytest.raises(MalformedRequest, match=reason):
        list(fields.compact_tools_of(members(tools=tools), "tools"))


def test_a_count_may_begin_at_nought() -> None:
    assert fields.count(members(n=b"0"), "n", 5, least=0) == 0
    with pytest.raises(MalformedRequest, match="'n' must be a whole number from 0 to 5"):
        fields.count(members(n=b"-1"), "n", 5, least=0)


def names_in_tools(values: dict[str, msgspec.Raw]) -> Iterator[str]:
    for path, tool in fields.tools_of(values, "tools"):
        yield fields.tool_type(tool, path)


def names_in_reverse(values: dict[str, msgspec.Raw]) -> Iterator[str]:
    yield from reversed(list(names_in_tools(values)))


def test_remembered_names_are_those_of_these_bytes_and_of_this_way_to_read_them() -> None:
    def names(tools: bytes, read: fields.ReadNames = names_in_tools) -> tuple[str, ...]:
        return fields.names_of_tools(members(tools=tools, model=b"1"), ("tools",), read)

    tools = b'[{"type":"a"},{"type":"b"}]'
    assert names(tools) == names(bytes(bytearray(tools))) == ("a", "b")
    assert names(tools, names_in_reverse) == ("b", "a")
    assert names(tools.replace(b"b", b"c")) == ("a", "c")
    assert names(tools[:-1] + b" " * 70_000 + b"]") == ("a", "b")
    assert fields.names_of_tools(members(model=b"1"), ("tools",), names_in_tools) == ()


def test_tools_that_were_refused_once_are_refused_again() -> None:
    for _ in range(2):
        with pytest.raises(MalformedRequest, match=r"tools\.0 has neither"):
            fields.names_of_tools(members(tools=b"[{}]"), ("tools",), names_in_tools)
