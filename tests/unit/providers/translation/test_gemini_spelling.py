"""One spelling for Gemini's fields, and the callers' own keys left alone."""

import pytest

from providers.errors import UnsupportedFeature
from providers.translation.gemini_spelling import camel, each_of, spelt


@pytest.mark.parametrize(
    ("key", "known"),
    [
        ("contents", "contents"),
        ("system_instruction", "systemInstruction"),
        ("systemInstruction", "systemInstruction"),
        ("response_json_schema", "responseJsonSchema"),
        ("_odd", "Odd"),
        ("", ""),
    ],
)
def test_a_key_is_known_by_its_camel_case(key: str, known: str) -> None:
    assert camel(key) == known


def test_fields_are_spelt_alike_all_the_way_down() -> None:
    given = {"system_instruction": {"parts": [{"inline_data": {"mime_type": "x"}}]}}
    assert spelt(given) == {"systemInstruction": {"parts": [{"inlineData": {"mimeType": "x"}}]}}


def test_the_callers_own_keys_stay() -> None:
    given = {
        "function_call": {"args": {"file_path": {"a_b": 1}}},
        "function_response": {"response": {"exit_code": 0}},
        "parameters": {"properties": {"file_path": {"any_of": [{"max_items": 1}]}}},
        "parameters_json_schema": {"properties": {"x_y": {"any_of": 1}}},
    }
    assert spelt(given) == {
        "functionCall": {"args": {"file_path": {"a_b": 1}}},
        "functionResponse": {"response": {"exit_code": 0}},
        "parameters": {"properties": {"file_path": {"anyOf": [{"maxItems": 1}]}}},
        "parametersJsonSchema": {"properties": {"x_y": {"any_of": 1}}},
    }


def test_a_field_in_two_spellings_is_refused() -> None:
    with pytest.raises(UnsupportedFeature, match="two spellings"):
        spelt({"generationConfig": {"top_p": 1, "topP": 2}})


def test_an_object_stands_for_a_list_of_one() -> None:
    assert each_of({"a": 1}, "parts") == [("parts", {"a": 1})]
    assert each_of([{"a": 1}], "parts") == [("parts.0", {"a": 1})]
    for bad in ("x", [1]):
        with pytest.raises(UnsupportedFeature):
            each_of(bad, "parts")
