"""Gemini to hub: a `generateContent` request as an OpenAI chat request."""

from typing import Any, Final

from providers.translation.gemini_history import GeminiHistory
from providers.translation.gemini_schema import json_schema
from providers.translation.gemini_spelling import each_of, spelt
from providers.translation.hub import (
    Capabilities,
    ChatRequest,
    Json,
    Losses,
    as_object,
    as_text,
    as_texts,
    unsupported,
)
from providers.translation.parameters import read_parameters

_READ: Final = (
    "model",
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "generationConfig",
    "safetySettings",
)
_UNFILTERED: Final = frozenset(("BLOCK_NONE", "OFF"))
_PARAMETERS: Final = {
    "temperature": "temperature",
    "topP": "top_p",
    "maxOutputTokens": "max_tokens",
    "candidateCount": "n",
    "seed": "seed",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "responseLogprobs": "logprobs",
    "logprobs": "top_logprobs",
}
"""What `generationConfig` calls what chat calls otherwise."""

_READ_APART: Final = (
    "stopSequences",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "responseModalities",
    "thinkingConfig",
)
_EFFORTS: Final = {"MINIMAL": "minimal", "LOW": "low", "MEDIUM": "medium", "HIGH": "high"}
_MODES: Final = {"NONE": "none", "ANY": "required"}
_FREE_MODES: Final = (None, "AUTO", "VALIDATED", "MODE_UNSPECIFIED")


def read_gemini(body: Json, can: Capabilities) -> ChatRequest:
    """The request in the hub's form.

    Raises `UnsupportedFeature` naming what cannot be carried and must not be lost.
    """
    losses = Losses()
    body = spelt(body)
    losses.note_unknown(body, _READ)
    _check_safety(body.get("safetySettings"), losses)
    config = as_object(body.get("generationConfig") or {}, "generationConfig")
    tools = _tools(body.get("tools"), can, losses)
    named = _parameters(config, losses)
    named |= _tool_choice(body.get("toolConfig"), tools, losses)
    history = GeminiHistory(can, losses)
    messages = [*_system(body.get("systemInstruction")), *history.read(body.get("contents"))]
    thinking = _thinking(config.get("thinkingConfig"), can, losses)
    if can.anthropic and history.ends_with_calls and thinking:
        # Anthropic wants the signed thinking of that turn back, which this protocol cannot hold.
        losses.note("generationConfig.thinkingConfig")
        thinking = {}
    fields = read_parameters({**named, **thinking}, can, losses)
    fields["messages"] = messages
    if tools:
        fields["tools"] = tools
    return ChatRequest(
        fields,
        losses,
        answers=fields.get("n", 1),
        wants_thoughts=_wants_thoughts(config.get("thinkingConfig")),
    )


def _check_safety(value: object, losses: Losses) -> None:
    """Google's filters are Google's: who asks for none loses nothing elsewhere."""
    for at, setting in each_of(value or [], "safetySettings"):
        if setting.get("threshold") not in _UNFILTERED:
            raise unsupported(f"{at}.threshold", "this model has no filters to set")
        losses.note("safetySettings")


def _system(value: object) -> list[Json]:
    if value is None:
        return []
    content = as_object(value, "systemInstruction")
    texts = [
        as_text(part.get("text"), f"{at}.text")
        for at, part in each_of(content.get("parts") or [], "systemInstruction.parts")
    ]
    text = "\n\n".join(each for each in texts if each)
    return [{"role": "system", "content": text}] if text else []


def _parameters(config: Json, losses: Losses) -> Json:
    """Gemini's parameters under chat's names."""
    losses.note_unknown(config, (*_PARAMETERS, *_READ_APART), at="generationConfig.")
    named: Json = {
        chat: config[name] for name, chat in _PARAMETERS.items() if config.get(name) is not None
    }
    if config.get("stopSequences"):
        named["stop"] = as_texts(config["stopSequences"], "generationConfig.stopSequences")
    if config.get("responseModalities") not in (None, [], ["TEXT"]):
        raise unsupported("generationConfig.responseModalities")
    return named | _form(config, losses)


def _form(config: Json, losses: Losses) -> Json:
    """A demanded form of the answer."""
    kind = config.get("responseMimeType")
    loose, strict = config.get("responseSchema"), config.get("responseJsonSchema")
    if loose is not None and strict is not None:
        raise unsupported("generationConfig.responseSchema", "two schemas for one answer")
    if kind not in (None, "text/plain", "application/json"):
        raise unsupported("generationConfig.responseMimeType")
    if loose is not None:
        schema = json_schema(loose, "generationConfig.responseSchema", losses)
    elif strict is not None:
        schema = as_object(strict, "generationConfig.responseJsonSchema")
    elif kind == "application/json":
        return {"response_format": {"type": "json_object"}}
    else:
        return {}
    named = {"name": "answer", "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def _thinking(value: object, can: Capabilities, losses: Losses) -> Json:
    if value is None:
        return {}
    config = as_object(value, "generationConfig.thinkingConfig")
    known = ("includeThoughts", "thinkingBudget", "thinkingLevel")
    losses.note_unknown(config, known, at="thinkingConfig.")
    level, budget = config.get("thinkingLevel"), config.get("thinkingBudget")
    if level is not None and level != "THINKING_LEVEL_UNSPECIFIED":
        effort = _EFFORTS.get(level) if isinstance(level, str) else None
        if effort is None:
            raise unsupported("generationConfig.thinkingConfig.thinkingLevel")
        return {"reasoning_effort": effort}
    if budget == 0:
        return {"thinking": {"type": "disabled"}}
    if isinstance(budget, int) and budget > 0:
        return {"thinking": {"type": "enabled", "budget_tokens": budget}}
    return {}  # -1: the model decides, which is what others do when nothing is said


def _wants_thoughts(value: object) -> bool:
    return isinstance(value, dict) and value.get("includeThoughts") is True


def _tools(value: object, can: Capabilities, losses: Losses) -> list[Json]:
    found: list[Json] = []
    for at, tool in each_of(value or [], "tools"):
        for key, each in tool.items():
            if each is None:
                continue
            if key != "functionDeclarations":
                raise unsupported(f"{at}.{key}", "only tools that the client runs itself can go")
            found += [_function(one, where, losses) for where, one in each_of(each, f"{at}.{key}")]
    if found and "tools" not in can.parameters:
        raise unsupported("tools")
    return found


def _function(given: Json, at: str, losses: Losses) -> Json:
    function: Json = {"name": as_text(given.get("name"), f"{at}.name")}
    if given.get("description") is not None:
        function["description"] = as_text(given["description"], f"{at}.description")
    loose, strict = given.get("parameters"), given.get("parametersJsonSchema")
    if loose is not None and strict is not None:
        raise unsupported(f"{at}.parameters", "two schemas for one function")
    if loose is not None:
        function["parameters"] = json_schema(loose, f"{at}.parameters", losses)
    elif strict is not None:
        function["parameters"] = as_object(strict, f"{at}.parametersJsonSchema")
    known = ("name", "description", "parameters", "parametersJsonSchema")
    losses.note_unknown(given, known, at="functionDeclarations.")
    return {"type": "function", "function": function}


def _tool_choice(value: object, tools: list[Json], losses: Losses) -> Json:
    """Chat's choice; `tools` is left with those that may be called, where only some may."""
    if value is None:
        return {}
    given = as_object(value, "toolConfig")
    losses.note_unknown(given, ("functionCallingConfig",), at="toolConfig.")
    config = as_object(given.get("functionCallingConfig") or {}, "toolConfig.functionCallingConfig")
    known = ("mode", "allowedFunctionNames", "streamFunctionCallArguments")
    losses.note_unknown(config, known, at="functionCallingConfig.")
    mode: Any = config.get("mode")
    if mode in _FREE_MODES:
        if mode == "VALIDATED":
            losses.note("functionCallingConfig.mode")
        chosen: Json = {}
    elif mode in _MODES:
        chosen = {"tool_choice": _MODES[mode]}
    else:
        raise unsupported("toolConfig.functionCallingConfig.mode")
    allowed = config.get("allowedFunctionNames")
    if allowed and mode != "NONE":
        at = "toolConfig.functionCallingConfig.allowedFunctionNames"
        names = as_texts(allowed, at)
        tools[:] = [tool for tool in tools if tool["function"]["name"] in names]
        if not tools:
            raise unsupported(at, "it names none of the tools")
    return chosen if tools else {}
