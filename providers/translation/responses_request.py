"""Responses to hub: an OpenAI responses request as a chat request."""

from typing import Any

from providers.translation.hub import (
    Capabilities,
    ChatRequest,
    Json,
    Losses,
    as_list,
    as_object,
    as_text,
    unsupported,
)
from providers.translation.parameters import read_parameters
from providers.translation.responses_history import Items
from providers.translation.responses_tools import Tools

_SAME_NAME = (
    "temperature",
    "top_p",
    "user",
    "parallel_tool_calls",
    "service_tier",
    "prompt_cache_key",
)
_READ_APART = (
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "max_output_tokens",
    "text",
    "reasoning",
    "include",
    "store",
    "truncation",
    "stream",
    "stream_options",
    "background",
)
# What the vendor keeps, no other vendor has.
_KEPT_ELSEWHERE = ("previous_response_id", "conversation", "prompt")
_SEND_ALL = "answers of this model are not kept: send the whole conversation in 'input'"
_SEALED_REASONING = "reasoning.encrypted_content"


def read_responses(body: Json, can: Capabilities) -> ChatRequest:
    """The request in the hub's form.

    Raises `UnsupportedFeature` naming what cannot be carried and must not be lost.
    """
    losses = Losses()
    for name in _KEPT_ELSEWHERE:
        if body.get(name) is not None:
            raise unsupported(name, _SEND_ALL)
    if body.get("background"):
        raise unsupported("background")
    losses.note_unknown(body, (*_SAME_NAME, *_READ_APART, *_KEPT_ELSEWHERE))
    _note_wishes(body, losses)
    tools = Tools(can, losses)
    tools.read(as_list(body.get("tools") or [], "tools"))
    fields = read_parameters(_parameters(body, tools, can, losses), can, losses)
    given = body["input"] if body.get("input") is not None else []
    fields["messages"] = Items(can, losses).read(body.get("instructions"), given)
    if tools.offered:
        fields["tools"] = tools.offered
    return ChatRequest(fields, losses, tool_names=tools.names, echo=_echo(body))


def _note_wishes(body: Json, losses: Losses) -> None:
    """Wishes for more than the answer, which only their own vendor grants."""
    if any(each != _SEALED_REASONING for each in as_list(body.get("include") or [], "include")):
        losses.note("include")
    if body.get("store") is True:
        losses.note("store")
    if body.get("truncation") not in (None, "disabled"):
        losses.note("truncation")


def _parameters(body: Json, tools: Tools, can: Capabilities, losses: Losses) -> Json:
    """Responses' parameters under chat's names."""
    named: Json = {each: body.get(each) for each in _SAME_NAME}
    if body.get("max_output_tokens") is not None:
        named["max_tokens"] = body["max_output_tokens"]
    named["tool_choice"] = tools.choose(body.get("tool_choice"))
    if not tools.offered:
        named["parallel_tool_calls"] = None
    if body.get("service_tier") in ("auto", "default"):
        named["service_tier"] = None
    named.update(_reasoning(body.get("reasoning"), can, losses))
    named.update(_text(body.get("text"), losses))
    return named


def _reasoning(value: object, can: Capabilities, losses: Losses) -> Json:
    if value is None:
        return {}
    reasoning = as_object(value, "reasoning")
    losses.note_unknown(reasoning, ("effort",), at="reasoning.")
    effort = reasoning.get("effort")
    if effort is None:
        return {}
    if can.anthropic:
        # Once it thinks, it wants its signed thoughts back with each result: no item holds them.
        losses.note("reasoning.effort")
        return {}
    return {"reasoning_effort": effort}


def _text(value: object, losses: Losses) -> Json:
    if value is None:
        return {}
    text = as_object(value, "text")
    losses.note_unknown(text, ("format",), at="text.")
    form = text.get("format")
    if form is None:
        return {}
    wanted = as_object(form, "text.format")
    if wanted.get("type") != "json_schema":
        return {"response_format": wanted}
    known = ("name", "description", "schema", "strict")
    schema = {each: wanted[each] for each in known if wanted.get(each) is not None}
    as_text(schema.get("name"), "text.format.name")
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


_REPEATED: Json = {
    "background": False,
    "error": None,
    "frequency_penalty": 0.0,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": None,
    "safety_identifier": None,
    "service_tier": "default",
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What a response says of its request, and what it says where the request said nothing."""

_OURS = ("background", "error", "incomplete_details", "service_tier", "store", "truncation")


def _echo(body: Json) -> Json:
    told: Json = {
        name: value if name in _OURS or body.get(name) is None else body[name]
        for name, value in _REPEATED.items()
    }
    told["tools"] = [_whole_tool(each) for each in told["tools"]]
    if isinstance(told["reasoning"], dict):
        told["reasoning"] = {"effort": None, "summary": None, **told["reasoning"]}
    return told


def _whole_tool(tool: dict[str, Any]) -> Json:
    if tool.get("type") != "function":
        return tool
    return {"description": None, "parameters": None, "strict": None, **tool}
