"""The published schema accepts what the gateway accepts, and is not stale."""

import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from gateway.configuration.schema import COMMITTED, POLICY_COMMITTED, policy_schema, schema, text
from tests.fakes.configurations import GOOD

VALIDATOR = Draft202012Validator(schema())


def test_the_committed_schema_is_the_one_the_code_makes():
    stale = "stale: run python -m gateway.configuration.schema"
    assert COMMITTED.read_text(encoding="utf-8") == text(schema()), stale
    assert POLICY_COMMITTED.read_text(encoding="utf-8") == text(policy_schema()), stale


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(json.loads(text(schema())))
    Draft202012Validator.check_schema(json.loads(text(policy_schema())))


def test_the_schema_accepts_the_example():
    VALIDATOR.validate(yaml.safe_load(GOOD))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("wires:", "wire:"),
        ("restricted", "secret"),
        ("parallel: 40", "parallel: 0"),
        ("  web:", "  Web:"),
        ("[house/qwen3-coder, ", "[qwen3-coder, "),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("telemetry:", "telemetri:"),
    ],
)
def test_the_schema_refuses_what_the_gateway_refuses(before, after):
    assert before in GOOD
    assert not VALIDATOR.is_valid(yaml.safe_load(GOOD.replace(before, after)))


@pytest.mark.parametrize(
    ("written", "accepted"),
    [
        ({"id": "r", "effect": "deny", "match": {"teams": ["web"]}, "from": "2026-07-10"}, True),
        ({"id": "r", "effect": "mask"}, False),
        ({"id": "r", "effect": "deny", "match": {"team": ["web"]}}, False),
        ({"id": "r", "effect": "deny", "match": {"hours": ["9-17"]}}, False),
        ({"id": "R", "effect": "deny"}, False),
    ],
)
def test_the_schema_of_rules_says_what_the_gateway_says(written, accepted):
    validator = Draft202012Validator(policy_schema())
    assert validator.is_valid({"rules": [written]}) is accepted


def test_the_schema_says_how_an_editor_uses_it_and_which_kinds_there_are():
    assert "yaml-language-server" in schema()["$comment"]
    assert "in_house" in schema()["$defs"]["VendorDocument"]["properties"]["kind"]["examples"]
