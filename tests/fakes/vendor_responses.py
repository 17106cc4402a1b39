"""OpenAI responses, as a strict stand-in speaks them: events numbered, no end marker."""

import json
from collections.abc import Mapping
from typing import Any

from tests.fakes import vendor_openai
from tests.fakes.vendor_script import Failure, Script, TokenUsage, ToolCall
from tests.fakes.vendor_strict import (
    BOOLEAN_OR_NONE,
    INTEGER_OR_NONE,
    LIST,
    LIST_OR_NONE,
    NUMBER_OR_NONE,
    OBJECT_OR_NONE,
    TEXT,
    TEXT_OR_LIST,
    TEXT_OR_NONE,
    TEXT_OR_OBJECT,
    Fields,
    RefusedError,
    check_choice,
    check_list,
    check_object,
)

FIELDS: Fields = {
    "model": TEXT,
    "input": TEXT_OR_LIST,
    "instructions": TEXT_OR_NONE,
    "tools": LIST,
    "tool_choice": TEXT_OR_OBJECT,
    "parallel_tool_calls": BOOLEAN_OR_NONE,
    "max_output_tokens": INTEGER_OR_NONE,
    "temperature": NUMBER_OR_NONE,
    "top_p": NUMBER_OR_NONE,
    "stream": BOOLEAN_OR_NONE,
    "store": BOOLEAN_OR_NONE,
    "include": LIST_OR_NONE,
    "reasoning": OBJECT_OR_NONE,
    "text": OBJECT_OR_NONE,
    "metadata": OBJECT_OR_NONE,
    "previous_response_id": TEXT_OR_NONE,
    "prompt_cache_key": TEXT_OR_NONE,
    "service_tier": TEXT_OR_NONE,
    "truncation": TEXT_OR_NONE,
    "user": TEXT_OR_NONE,
}
REQUIRED = {
    "message": ("role", "content"),
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "reasoning": ("id", "summary"),
}
ROLES = ("user", "assistant", "system", "developer")
PARTS = ("input_text", "input_image", "input_file", "output_text", "refusal")
_EMPTY: dict[str, dict[str, Any]] = {
    "message": {"content": []},
    "function_call": {"arguments": ""},
    "reasoning": {"content": []},
}
_STATUS = {"length": "incomplete", "content_filter": "incomplete"}
_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}


def check(body: Any, extra_fields: Fields) -> None:
    """Refuse what OpenAI would refuse, and every field that it does not document."""
    check_object(body, {**FIELDS, **extra_fields}, at="", required=("model", "input"))
    if isinstance(body["input"], list):
        _check_items(body)
    for at, tool in check_list(body["tools"], at="tools") if body.get("tools") else []:
        if tool.get("type") == "function" and not {"name", "parameters"} <= tool.keys():
            raise RefusedError(at, f"{at}: name and parameters are required")
    if isinstance(body.get("tool_choice"), dict) and "function" in body["tool_choice"]:
        raise RefusedError("tool_choice.function", "tool_choice.function: this field is not known")


def _check_items(body: Mapping[str, Any]) -> None:
    called: set[str] = set()
    for at, item in check_list(body["input"], at="input"):
        kind = item.get("type", "message")
        for name in REQUIRED.get(kind, ()):
            if item.get(name) is None:
                raise RefusedError(f"{at}.{name}", f"{at}.{name}: this field is required")
        if kind == "message":
            _check_message(item, at)
        elif kind == "function_call":
            called.add(item["call_id"])
        elif kind == "function_call_output":
            is_known = item["call_id"] in called or body.get("previous_response_id") is not None
            if not is_known:
                raise RefusedError(at, f"{at}: no tool call found for this output")


def _check_message(item: Mapping[str, Any], at: str) -> None:
    check_choice(item["role"], ROLES, at=f"{at}.role")
    for part_at, part in (
        check_list(item["content"], at=f"{at}.content") if isinstance(item["content"], list) else []
    ):
        check_choice(part.get("type"), PARTS, at=f"{part_at}.type")


def error(failure: Failure) -> bytes:
    """An error answer's body."""
    return vendor_openai.error(failure)


def error_event(failure: Failure) -> bytes:
    """An error in the middle of a stream."""
    return _event({"type": "error", "code": failure.code, "message": failure.message})


def document(script: Script, body: Mapping[str, Any], number: int) -> bytes:
    """A whole answer."""
    return json.dumps(_response(script, body, number, _output(script, number))).encode()


def events(script: Script, body: Mapping[str, Any], number: int) -> list[bytes]:
    """A streamed answer, one element an event."""
    output = _output(script, number)
    opened = {**_response(script, body, number, []), "status": "in_progress", "usage": None}
    told: list[dict[str, Any]] = [
        {"type": "response.created", "response": opened},
        {"type": "response.in_progress", "response": opened},
    ]
    for at, item in enumerate(output):
        opened_item = {**item, "status": "in_progress", **_EMPTY[item["type"]]}
        told.append({"type": "response.output_item.added", "output_index": at, "item": opened_item})
        told += _deltas(script, item, at)
        told.append({"type": "response.output_item.done", "output_index": at, "item": item})
    if not script.omits_end:
        whole = _response(script, body, number, output)
        told.append({"type": f"response.{whole['status']}", "response": whole})
    return [_event({**each, "sequence_number": at}) for at, each in enumerate(told)]


def _deltas(script: Script, item: dict[str, Any], at: int) -> list[dict[str, Any]]:
    place = {"item_id": item["id"], "output_index": at}
    if item["type"] == "function_call":
        kind, pieces = "function_call_arguments", vendor_openai.slices(item["arguments"])
    elif item["type"] == "reasoning":
        place["content_index"] = 0
        kind, pieces = "reasoning_text", vendor_openai.words(item["content"][0]["text"])
    else:
        place["content_index"] = 0
        kind, text = "output_text", item["content"][0]["text"]
        pieces = list(script.pieces or vendor_openai.words(text))
    deltas = [{"type": f"response.{kind}.delta", **place, "delta": each} for each in pieces]
    return _around(item["content"][0], place, deltas) if kind == "output_text" else deltas


def _around(
    part: dict[str, Any], place: dict[str, Any], deltas: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The deltas of a text in its part, which is opened before them and told whole behind."""
    opened, text = {**part, "text": ""}, part["text"]
    return [
        {"type": "response.content_part.added", **place, "part": opened},
        *deltas,
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
    ]


def _output(script: Script, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if script.reasoning:
        thoughts = {"type": "reasoning_text", "text": script.reasoning}
        item = {"type": "reasoning", "summary": [], "content": [thoughts]}
        found.append({"id": f"rs_{number}", **item})
    if script.text:
        part = {"type": "output_text", "text": script.text, "annotations": [], "logprobs": []}
        message = {"role": "assistant", "status": "completed", "content": [part]}
        found.append({"id": f"msg_{number}", "type": "message", **message})
    return found + [_call(call, at) for at, call in enumerate(script.tool_calls)]


def _call(call: ToolCall, at: int) -> dict[str, Any]:
    return {
        "id": f"fc_{at}",
        "type": "function_call",
        "status": "completed",
        "call_id": call.id or f"call_{at}",
        "name": call.name,
        "arguments": vendor_openai.arguments_text(call),
    }


def _response(
    script: Script, body: Mapping[str, Any], number: int, output: list[dict[str, Any]]
) -> dict[str, Any]:
    reason = _REASONS.get(script.finish or "")
    return {
        "id": f"resp_standin_{number}",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": _STATUS.get(script.finish or "", "completed"),
        "error": None,
        "incomplete_details": None if reason is None else {"reason": reason},
        "instructions": body.get("instructions"),
        "metadata": {},
        "model": body["model"],
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": None if script.usage is None else _usage(script.usage),
    }


def _usage(usage: TokenUsage) -> dict[str, Any]:
    written = usage.cache_write_5m + usage.cache_write_1h
    prompt = usage.input + usage.cache_read + written
    given = {"cached_tokens": usage.cache_read, "cache_write_tokens": written}
    return {
        "input_tokens": prompt,
        "input_tokens_details": given,
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": prompt + usage.output,
    }


def _event(value: dict[str, Any]) -> bytes:
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode()
