"""Chat to hub: rebuild an OpenAI chat request from an allow-list, down to each message and tool."""

from typing import Any

from providers.translation.hub import (
    Capabilities,
    ChatRequest,
    Json,
    Losses,
    as_list,
    as_object,
    as_text,
    cache_mark,
    image_address,
    unsupported,
)
from providers.translation.parameters import PARAMETERS, read_parameters

_READ_APART = {"model", "messages", "tools", "stream", "stream_options"}
# They add tools or another kind of answer, and LiteLLM's chat interface has no common form of them.
_REFUSED = ("functions", "function_call", "web_search_options", "audio")


def read_chat(body: Json, can: Capabilities) -> ChatRequest:
    """The request in the hub's form.

    Raises `UnsupportedFeature` naming what cannot be carried and must not be lost.
    """
    losses = Losses()
    for name in _REFUSED:
        if body.get(name) is not None:
            raise unsupported(name)
    if body.get("modalities") not in (None, ["text"]):
        raise unsupported("modalities")
    losses.note_unknown(body, (*_READ_APART, *PARAMETERS, "modalities"))
    fields = read_parameters(body, can, losses)
    fields["messages"] = [
        _message(each, f"messages.{at}", can, losses)
        for at, each in enumerate(as_list(body.get("messages"), "messages"))
    ]
    if body.get("tools"):
        if "tools" not in can.parameters:
            raise unsupported("tools")
        fields["tools"] = [
            read_tool(each, f"tools.{at}", losses)
            for at, each in enumerate(as_list(body["tools"], "tools"))
        ]
    options = body.get("stream_options")
    wants_usage = isinstance(options, dict) and options.get("include_usage") is True
    return ChatRequest(fields, losses, answers=fields.get("n", 1), wants_usage=wants_usage)


def read_tool(value: object, at: str, losses: Losses) -> Json:
    """A function tool from its known members. Raises `UnsupportedFeature` for any other type."""
    tool = as_object(value, at)
    if tool.get("type", "function") != "function":
        raise unsupported(f"{at}.type")
    function = as_object(tool.get("function"), f"{at}.function")
    kept: Json = {"name": as_text(function.get("name"), f"{at}.function.name")}
    if function.get("description") is not None:
        kept["description"] = as_text(function["description"], f"{at}.function.description")
    if function.get("parameters") is not None:
        kept["parameters"] = as_object(function["parameters"], f"{at}.function.parameters")
    if isinstance(function.get("strict"), bool):
        kept["strict"] = function["strict"]
    losses.note_unknown(tool, ("type", "function"), at="tools.")
    losses.note_unknown(
        function, ("name", "description", "parameters", "strict"), at="tools.function."
    )
    return {"type": "function", "function": kept}


_MEMBERS = {
    "system": ("content", "name"),
    "developer": ("content", "name"),
    "user": ("content", "name"),
    "assistant": ("content", "name", "refusal", "tool_calls", "reasoning_content"),
    "tool": ("content", "name", "tool_call_id"),
}


def _message(value: object, at: str, can: Capabilities, losses: Losses) -> Json:
    message = as_object(value, at)
    role = message.get("role")
    if not isinstance(role, str) or role not in _MEMBERS:
        raise unsupported(f"{at}.role")
    losses.note_unknown(message, ("role", "cache_control", *_MEMBERS[role]), at="messages.")
    kept: Json = {"role": role}
    if message.get("content") is not None:
        kept["content"] = _content(message["content"], f"{at}.content", can, losses)
    elif role != "assistant":
        raise unsupported(f"{at}.content", "it is required")
    for name in ("name", "refusal", "reasoning_content", "tool_call_id"):
        if name in _MEMBERS[role] and message.get(name) is not None:
            kept[name] = as_text(message[name], f"{at}.{name}")
    if role == "assistant":
        _add_calls(kept, message, at)
    _keep_mark(kept, message, can, losses)
    return kept


def _add_calls(kept: Json, message: Json, at: str) -> None:
    if message.get("tool_calls"):
        kept["tool_calls"] = [
            _call(each, f"{at}.tool_calls.{number}")
            for number, each in enumerate(as_list(message["tool_calls"], f"{at}.tool_calls"))
        ]
    kept.setdefault("content", None)


def _call(value: object, at: str) -> Json:
    call = as_object(value, at)
    if call.get("type", "function") != "function":
        raise unsupported(f"{at}.type")
    function = as_object(call.get("function"), f"{at}.function")
    return {
        "id": as_text(call.get("id"), f"{at}.id"),
        "type": "function",
        "function": {
            "name": as_text(function.get("name"), f"{at}.function.name"),
            "arguments": as_text(function.get("arguments"), f"{at}.function.arguments"),
        },
    }


def _content(value: object, at: str, can: Capabilities, losses: Losses) -> str | list[Json]:
    if isinstance(value, str):
        return value
    return [
        _part(each, f"{at}.{number}", can, losses) for number, each in enumerate(as_list(value, at))
    ]


def _part(value: object, at: str, can: Capabilities, losses: Losses) -> Json:
    part = as_object(value, at)
    kind = part.get("type")
    if kind == "text":
        kept: Json = {"type": "text", "text": as_text(part.get("text"), f"{at}.text")}
    elif kind == "refusal":
        kept = {"type": "text", "text": as_text(part.get("refusal"), f"{at}.refusal")}
    elif kind == "image_url":
        kept = {"type": "image_url", "image_url": _image(part.get("image_url"), at, can)}
    elif kind == "input_audio":
        audio = as_object(part.get("input_audio"), at)
        known = {each: as_text(audio.get(each), f"{at}.{each}") for each in ("data", "format")}
        kept = {"type": "input_audio", "input_audio": known}
    else:
        raise unsupported(f"{at}.type")
    losses.note_unknown(part, ("type", "refusal", "cache_control", *kept), at="content.")
    _keep_mark(kept, part, can, losses)
    return kept


def _image(value: object, at: str, can: Capabilities) -> Json:
    image = {"url": value} if isinstance(value, str) else as_object(value, at)
    kept: Json = {"url": image_address(image.get("url"), f"{at}.image_url", can)}
    if image.get("detail") is not None:
        kept["detail"] = as_text(image["detail"], f"{at}.detail")
    return kept


def _keep_mark(kept: Json, given: dict[str, Any], can: Capabilities, losses: Losses) -> None:
    if given.get("cache_control") is None:
        return
    mark = cache_mark(given["cache_control"]) if can.anthropic else None
    if mark is None:
        losses.note("cache_control")
    else:
        kept["cache_control"] = mark
