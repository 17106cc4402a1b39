"""The list of models, in both shapes, as the SDKs read it."""

import json
from typing import Any

import pytest
from anthropic.types import ModelInfo
from openai.types import Model

from gateway.errors import MalformedRequest
from gateway.wire.model_lists import (
    ListedModel,
    body_of,
    in_gemini_shape,
    one_body_of,
    one_in_gemini_shape,
)

MODELS = [ListedModel(name, 1_793_000_000) for name in ("a", "b", "c", "d", "e")]


def listed(**query: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(body_of(MODELS, anthropic_version=b"2023-06-01", query=query))
    return body


def page(**query: str) -> tuple[list[str], bool]:
    body = listed(**query)
    return [model["id"] for model in body["data"]], body["has_more"]


def test_without_a_version_header_the_list_is_openais() -> None:
    body = json.loads(body_of(MODELS, anthropic_version=None, query={"limit": "2"}))
    assert body["object"] == "list"
    models = [Model.model_validate(model, strict=True) for model in body["data"]]
    assert [model.id for model in models] == ["a", "b", "c", "d", "e"]
    assert models[0].created == 1_793_000_000


def test_with_a_version_header_the_list_is_anthropics() -> None:
    body = listed()
    models = [ModelInfo.model_validate(model) for model in body["data"]]
    assert [model.id for model in models] == ["a", "b", "c", "d", "e"]
    assert body["data"][0]["created_at"] == "2026-10-26T07:33:20Z"
    assert (body["first_id"], body["last_id"], body["has_more"]) == ("a", "e", False)


KNOWN = ListedModel("claude-a", 1_793_000_000, 32_768, 4_096, "Coder", root="coder")


def test_openais_shape_tells_limits_in_the_words_of_other_servers() -> None:
    (told,) = json.loads(body_of([KNOWN], anthropic_version=None, query={}))["data"]
    assert Model.model_validate(told, strict=True).id == "claude-a"
    assert (told["max_model_len"], told["context_length"]) == (32_768, 32_768)
    assert told["top_provider"]["max_completion_tokens"] == 4_096
    assert (told["name"], told["root"]) == ("Coder", "coder")


def test_openais_shape_leaves_out_what_nobody_knows() -> None:
    told = json.loads(body_of(MODELS, anthropic_version=None, query={}))["data"][0]
    assert not {"max_model_len", "context_length", "top_provider"} & set(told)
    assert (told["name"], told["root"]) == ("a", "a")


def test_anthropics_shape_tells_title_limits_and_what_an_alias_stands_for() -> None:
    body = json.loads(body_of([KNOWN], anthropic_version=b"2023-06-01", query={}))
    told = ModelInfo.model_validate(body["data"][0])
    assert (told.display_name, told.max_input_tokens, told.max_tokens) == ("Coder", 32_768, 4_096)
    assert body["data"][0]["description"] == "another name of coder"


def test_anthropics_shape_has_null_for_what_nobody_knows() -> None:
    told = listed()["data"][0]
    assert (told["max_input_tokens"], told["max_tokens"]) == (None, None)
    assert "description" not in told


@pytest.mark.parametrize("version", [None, b"2023-06-01"])
def test_one_model_is_told_as_the_list_tells_it(version: bytes | None) -> None:
    whole = json.loads(body_of([KNOWN, *MODELS], anthropic_version=version, query={}))
    alone = json.loads(one_body_of(KNOWN, anthropic_version=version))
    assert alone == whole["data"][0]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"limit": "2"}, (["a", "b"], True)),
        ({"limit": "5"}, (["a", "b", "c", "d", "e"], False)),
        ({"limit": "1000"}, (["a", "b", "c", "d", "e"], False)),
        ({"limit": "2", "after_id": "b"}, (["c", "d"], True)),
        ({"limit": "2", "after_id": "c"}, (["d", "e"], False)),
        ({"limit": "2", "after_id": "e"}, ([], False)),
        ({"limit": "2", "before_id": "d"}, (["b", "c"], True)),
        ({"limit": "3", "before_id": "d"}, (["a", "b", "c"], False)),
        ({"before_id": "a"}, ([], False)),
    ],
)
def test_pages_follow_each_other_in_both_directions(
    query: dict[str, str], expected: tuple[list[str], bool]
) -> None:
    assert page(**query) == expected


def test_an_empty_list_has_no_first_and_no_last() -> None:
    body = json.loads(body_of([], anthropic_version=b"2023-06-01", query={}))
    assert body == {"data": [], "has_more": False, "first_id": None, "last_id": None}


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "1.5", "ten", "", "9" * 5_000, "\u0661"])
def test_a_wrong_limit_is_refused_by_name(limit: str) -> None:
    with pytest.raises(MalformedRequest, match="'limit' must be a whole number from 1 to 1000"):
        listed(limit=limit)


def test_a_cursor_that_names_no_model_is_refused_without_repeating_it() -> None:
    with pytest.raises(MalformedRequest, match="'after_id' names no model") as refusal:
        listed(after_id="sk-canary")
    assert "canary" not in refusal.value.message


def test_two_cursors_are_refused() -> None:
    with pytest.raises(MalformedRequest, match="not both"):
        listed(after_id="a", before_id="c")


def test_googles_list_names_each_model_as_a_resource_with_its_limits() -> None:
    known = ListedModel("team/a", 1, input_tokens_limit=200_000, output_tokens_limit=8_192)
    body = json.loads(in_gemini_shape([known, MODELS[0]], {}))
    assert body == {
        "models": [
            {
                "name": "models/team/a",
                "displayName": "team/a",
                "supportedGenerationMethods": ["generateContent", "countTokens"],
                "inputTokenLimit": 200_000,
                "outputTokenLimit": 8_192,
            },
            json.loads(one_in_gemini_shape(MODELS[0])),
        ]
    }


def test_googles_pages_follow_each_other_to_the_end() -> None:
    names, token = [], ""
    for _ in range(3):
        body = json.loads(in_gemini_shape(MODELS, {"pageSize": "2", "pageToken": token}))
        names += [model["displayName"] for model in body["models"]]
        token = body.get("nextPageToken", "")
    assert (names, token) == (["a", "b", "c", "d", "e"], "")


@pytest.mark.parametrize("query", [{"pageSize": "0"}, {"pageSize": "x"}, {"pageToken": "z"}])
def test_a_page_of_googles_that_makes_no_sense_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(MalformedRequest):
        in_gemini_shape(MODELS, query)
