"""Google's schemas as JSON Schema."""

import pytest

from providers.errors import UnsupportedFeature
from providers.translation.gemini_schema import json_schema
from providers.translation.hub import Losses


def made(schema: object) -> object:
    return json_schema(schema, "parameters", Losses())


def test_types_lose_their_capitals_all_the_way_down() -> None:
    given = {
        "type": "OBJECT",
        "properties": {
            "type": {"type": "STRING"},
            "n": {"type": "ARRAY", "items": {"type": "INTEGER"}},
        },
        "required": ["type"],
        "propertyOrdering": ["type", "n"],
    }
    assert made(given) == {
        "type": "object",
        "properties": {
            "type": {"type": "string"},
            "n": {"type": "array", "items": {"type": "integer"}},
        },
        "required": ["type"],
    }


def test_null_is_a_type_and_a_value() -> None:
    assert made({"type": "STRING", "nullable": True, "enum": ["a"]}) == {
        "type": ["string", "null"],
        "enum": ["a", None],
    }


def test_limits_come_as_text_too() -> None:
    assert made({"type": "ARRAY", "maxItems": "3", "minItems": 1}) == {
        "type": "array",
        "maxItems": 3,
        "minItems": 1,
    }


def test_choices_and_plain_members_are_kept() -> None:
    given = {"anyOf": [{"type": "NUMBER", "minimum": 0.5}, {"type": "NULL"}], "description": "d"}
    assert made(given) == {
        "anyOf": [{"type": "number", "minimum": 0.5}, {"type": "null"}],
        "description": "d",
    }


def test_what_json_schema_has_no_word_for_is_noted() -> None:
    losses = Losses()
    assert json_schema({"type": "TYPE_UNSPECIFIED", "novelty": 1}, "x", losses) == {}
    assert losses.names == ["schema.novelty"]


@pytest.mark.parametrize(
    "bad",
    [
        "x",
        {"type": "THING"},
        {"type": 3},
        {"anyOf": {}, "type": "STRING", "properties": []},
        {"items": 1},
        {"maxItems": "x"},
        {"maxItems": float("inf")},
        {"anyOf": 1},
    ],
)
def test_no_schema_is_refused(bad: object) -> None:
    with pytest.raises(UnsupportedFeature):
        made(bad)


def test_a_schema_without_a_bottom_is_refused() -> None:
    deep: dict[str, object] = {"type": "STRING"}
    for _ in range(100):
        deep = {"type": "ARRAY", "items": deep}
    with pytest.raises(UnsupportedFeature, match="too deeply"):
        made(deep)
