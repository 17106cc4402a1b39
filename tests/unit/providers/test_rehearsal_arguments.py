"""Made-up arguments satisfy their schema, and a hostile schema costs little."""

import json

import jsonschema
import pytest

from providers.rehearsal_arguments import arguments_for


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "required": ["a"], "properties": {"a": {"const": 4}}},
        {
            "type": "object",
            "required": ["a"],
            "properties": {"a": {"$ref": "#/$defs/size"}},
            "$defs": {"size": {"type": "integer", "multipleOf": 4, "minimum": 6}},
        },
        {
            "type": "object",
            "required": ["a"],
            "properties": {"a": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]}},
        },
        {
            "allOf": [
                {"type": "object", "required": ["a"], "properties": {"a": {"type": "boolean"}}},
                {"required": ["b"], "properties": {"b": {"type": ["null", "string"]}}},
            ]
        },
        {
            "type": "object",
            "required": ["a"],
            "properties": {"a": {"type": "string", "minLength": 20, "format": "none"}},
        },
        {
            "type": "object",
            "required": ["a"],
            "properties": {"a": {"type": "integer", "maximum": -3}},
        },
    ],
)
def test_arguments_satisfy_the_schema(schema):
    jsonschema.validate(arguments_for(schema, "look at 'it'"), schema)


@pytest.mark.parametrize(
    "schema",
    [
        {
            "type": "object",
            "required": ["a"],
            "properties": {"a": {"type": "array", "minItems": 10**9}},
        },
        {"type": "object", "required": ["a"], "properties": {"a": {"minLength": 10**9}}},
        {"$ref": "#"},
        {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}},
        {"type": "object", "required": 5},
    ],
)
def test_a_hostile_schema_costs_little(schema):
    assert len(json.dumps(arguments_for(schema, "x" * 8000))) < 50_000
