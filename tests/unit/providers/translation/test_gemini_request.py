"""A Gemini request as a chat request: parameters, tools, what is lost and what is refused."""

from typing import Any

import pytest

from providers.errors import UnsupportedFeature
from providers.translation.gemini_request import read_gemini
from providers.translation.hub import Capabilities, ChatRequest
from providers.translation.parameters import PARAMETERS

CHAT = Capabilities(PARAMETERS | {"tools"})
ANTHROPIC = Capabilities(PARAMETERS | {"tools"}, anthropic=True)
CONTENTS = [{"role": "user", "parts": [{"text": "hi"}]}]
DECLARED = {"name": "f", "description": "Does.", "parameters": {"type": "OBJECT"}}
TOOLS = [{"functionDeclarations": [DECLARED, {"name": "g", "parametersJsonSchema": {"a_b": 1}}]}]


def read(can: Capabilities = CHAT, **body: Any) -> ChatRequest:
    return read_gemini({"contents": CONTENTS, **body}, can)


def config(**given: Any) -> dict[str, Any]:
    return read(generationConfig=given).fields


def refusal(**body: Any) -> str:
    with pytest.raises(UnsupportedFeature) as refused:
        read(**body)
    return refused.value.message


def test_parameters_get_chats_names() -> None:
    fields = config(
        temperature=0.5, topP=0.9, maxOutputTokens=9, stopSequences=["x"], seed=7, candidateCount=2
    )
    del fields["messages"]
    assert fields == {
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 9,
        "stop": ["x"],
        "seed": 7,
        "n": 2,
    }
    assert read(generation_config={"candidate_count": 2}).answers == 2


def test_top_k_and_unknown_members_are_left_behind_and_named() -> None:
    request = read(generationConfig={"topK": 64, "novelty": 1}, labels={"a": "b"})
    assert request.losses.names == ["labels", "generationConfig.topK", "generationConfig.novelty"]


def test_a_system_instruction_comes_first() -> None:
    request = read(system_instruction={"parts": [{"text": "Be"}, {"text": "brief."}]})
    assert request.fields["messages"][0] == {"role": "system", "content": "Be\n\nbrief."}


def test_functions_are_declared_with_either_kind_of_schema() -> None:
    assert read(tools=TOOLS).fields["tools"] == [
        {
            "type": "function",
            "function": {"name": "f", "description": "Does.", "parameters": {"type": "object"}},
        },
        {"type": "function", "function": {"name": "g", "parameters": {"a_b": 1}}},
    ]


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ({"responseMimeType": "text/plain"}, None),
        ({"responseMimeType": "application/json"}, {"type": "json_object"}),
        (
            {"responseMimeType": "application/json", "responseSchema": {"type": "STRING"}},
            {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": {"type": "string"}},
            },
        ),
        (
            {"response_json_schema": {"type": "object", "x_y": 1}},
            {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": {"type": "object", "x_y": 1}},
            },
        ),
    ],
)
def test_a_demanded_form_is_demanded_there_too(given: dict[str, Any], form: object) -> None:
    assert config(**given).get("response_format") == form


@pytest.mark.parametrize(
    ("thinking", "kept"),
    [
        ({"thinkingBudget": 0}, {"thinking": {"type": "disabled"}}),
        ({"thinkingBudget": 500}, {"thinking": {"type": "enabled", "budget_tokens": 500}}),
        ({"thinkingBudget": -1, "includeThoughts": True}, {}),
        ({"thinkingLevel": "HIGH"}, {"reasoning_effort": "high"}),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, {}),
    ],
)
def test_thinking_is_asked_for_in_chats_words(
    thinking: dict[str, Any], kept: dict[str, Any]
) -> None:
    fields = config(thinkingConfig=thinking)
    del fields["messages"]
    assert fields == kept


def test_thoughts_are_wanted_when_they_are_asked_for() -> None:
    assert read(generationConfig={"thinkingConfig": {"includeThoughts": True}}).wants_thoughts
    assert not read().wants_thoughts


@pytest.mark.parametrize("asked", [{"thinkingBudget": 2000}, {"thinkingLevel": "LOW"}])
def test_anthropic_is_not_asked_to_think_on_after_calls_whose_thinking_is_gone(
    asked: dict[str, Any],
) -> None:
    called = {"role": "model", "parts": [{"functionCall": {"name": "f"}}]}
    answered = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}
    thinking = {"thinkingConfig": asked}
    request = read(ANTHROPIC, contents=[*CONTENTS, called, answered], generationConfig=thinking)
    assert request.fields.keys() == {"messages"}
    assert "generationConfig.thinkingConfig" in request.losses.names
    assert read(ANTHROPIC, generationConfig=thinking).fields.keys() > {"messages"}


@pytest.mark.parametrize(
    ("calling", "choice", "names"),
    [
        ({"mode": "AUTO"}, None, ["f", "g"]),
        ({"mode": "NONE"}, "none", ["f", "g"]),
        ({"mode": "ANY"}, "required", ["f", "g"]),
        ({"mode": "ANY", "allowedFunctionNames": ["g"]}, "required", ["g"]),
        ({"mode": "VALIDATED", "allowed_function_names": ["f"]}, None, ["f"]),
    ],
)
def test_the_choice_of_tools_is_kept(
    calling: dict[str, Any], choice: str | None, names: list[str]
) -> None:
    fields = read(tools=TOOLS, toolConfig={"functionCallingConfig": calling}).fields
    assert fields.get("tool_choice") == choice
    assert [tool["function"]["name"] for tool in fields["tools"]] == names


def test_filters_that_are_asked_to_be_off_are_no_loss_worth_a_refusal() -> None:
    off = {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}
    assert read(safetySettings=[off]).losses.names == ["safetySettings"]
    strict = {**off, "threshold": "BLOCK_LOW_AND_ABOVE"}
    assert "safetySettings.0.threshold" in refusal(safetySettings=[strict])


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"tools": [{"googleSearch": {}}]}, "tools.0.googleSearch"),
        ({"tools": [{"code_execution": {}}]}, "tools.0.codeExecution"),
        ({"generationConfig": {"responseModalities": ["IMAGE"]}}, "responseModalities"),
        ({"generationConfig": {"responseMimeType": "text/x.enum"}}, "responseMimeType"),
        ({"generationConfig": {"responseSchema": {}, "responseJsonSchema": {}}}, "two schemas"),
        ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "X"}}}, "thinkingLevel"),
        ({"tools": TOOLS, "toolConfig": {"functionCallingConfig": {"mode": "X"}}}, "mode"),
        (
            {
                "tools": TOOLS,
                "toolConfig": {"functionCallingConfig": {"allowedFunctionNames": ["x"]}},
            },
            "none of the tools",
        ),
        ({"tools": [{"functionDeclarations": [{}]}]}, "name"),
        ({"systemInstruction": {"parts": [{"inlineData": {}}]}}, "systemInstruction.parts.0"),
        ({"contents": "hi"}, "contents"),
    ],
)
def test_what_must_not_be_lost_is_refused_by_name(body: dict[str, Any], named: str) -> None:
    assert named in refusal(**body)


def test_a_target_without_tools_is_the_wrong_target() -> None:
    with pytest.raises(UnsupportedFeature, match="tools"):
        read(Capabilities(PARAMETERS), tools=TOOLS)
