"""The few typed fields are read strictly, and null is as good as absent."""

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
