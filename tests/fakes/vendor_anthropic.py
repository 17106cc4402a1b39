"""Anthropic messages and token counts, as a strict stand-in speaks them."""

import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.vendor_openai import arguments_text, slices, words
from tests.fakes.vendor_script import Failure, Script, TokenUsage, ToolCall
from tests.fakes.vendor_strict import (
    BOOLEAN,
    INTEGER,
    LIST,
    NUMBER,
    OBJECT,
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

COUNTED: Fields = {
    "model": TEXT,
    "messages": LIST,
    "system": TEXT_OR_LIST,
    "tools": LIST,
    "tool_choice": OBJECT,
    "thinking": OBJECT,
    "output_config": OBJECT,
    "cache_control": OBJECT_OR_NONE,
    "context_management": OBJECT_OR_NONE,
    "mcp_servers": LIST,
}
FIELDS: Fields = {
    **COUNTED,
    "max_tokens": INTEGER,
    "stream": BOOLEAN,
    "temperature": NUMBER,
    "top_p": NUMBER,
    "top_k": INTEGER,
    "stop_sequences": LIST,
    "metadata": OBJECT,
    "service_tier": TEXT,
    "inference_geo": TEXT_OR_NONE,
    "container": TEXT_OR_OBJECT,
    "speed": TEXT,
}
MESSAGE: Fields = {"role": TEXT, "content": TEXT_OR_LIST}
TOOL: Fields = {
    "name": TEXT,
    "description": TEXT,
    "input_schema": OBJECT,
    "type": TEXT,
    "cache_control": OBJECT_OR_NONE,
    "strict": BOOLEAN,
    "defer_loading": BOOLEAN,
    "eager_input_streaming": BOOLEAN,
    "input_examples": LIST,
}
BLOCKS = (
    "text",
    "image",
    "document",
    "tool_use",
    "tool_result",
    "thinking",
    "redacted_thinking",
    "search_result",
    "server_tool_use",
    "web_search_tool_result",
)
KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
SIGNATURE = "c2lnbmVkIGJ5IHRoZSBzdGFuZC1pbg=="


def check(body: Any, extra_fields: Fields) -> None:
    """Refuse what the messages endpoint would refuse, and every field it does not document."""
    required = ("model", "messages", "max_tokens")
    check_object(body, {**FIELDS, **extra_fields}, at="", required=required)
    _check_conversation(body)


def check_count(body: Any, extra_fields: Fields) -> None:
    """The same for a token count, which takes fewer fields."""
    check_object(body, {**COUNTED, **extra_fields}, at="", required=("model", "messages"))
    _check_conversation(body)


def _check_conversation(body: Mapping[str, Any]) -> None:
    for at, message in check_list(body["messages"], at="messages"):
        check_object(message, MESSAGE, at=at, required=("role", "content"))
        check_choice(message["role"], ("user", "assistant", "system"), at=f"{at}.role")
        if isinstance(message["content"], list):
            for block_at, block in check_list(message["content"], at=f"{at}.content"):
                check_choice(block.get("type"), BLOCKS, at=f"{block_at}.type")
    for number, tool in enumerate(body.get("tools", [])):
        tool_at = f"tools.{number}"
        check_object(tool, TOOL, at=tool_at, required=("name",))
        if "input_schema" not in tool and "type" not in tool:
            raise RefusedError(tool_at, f"{tool_at}.input_schema: this field is required")


def error(failure: Failure) -> bytes:
    """An error answer's body."""
    return _dump(_error(failure))


def error_event(failure: Failure) -> bytes:
    """An error in the middle of a stream."""
    return _event(_error(failure))


def _error(failure: Failure) -> dict[str, Any]:
    kind = failure.kind or KINDS.get(failure.status)
    kind = kind or ("invalid_request_error" if failure.status < 500 else "api_error")
    return {
        "type": "error",
        "error": {"type": kind, "message": failure.message},
        "request_id": "req_standin",
    }


def count(script: Script) -> bytes:
    """The body of a token count."""
    return _dump({"input_tokens": script.count})


def document(script: Script, body: Mapping[str, Any], number: int) -> bytes:
    """A whole answer."""
    content: list[dict[str, Any]] = []
    if script.reasoning:
        thinking = {"thinking": script.reasoning, "signature": SIGNATURE}
        content.append({"type": "thinking", **thinking})
    if script.text:
        content.append({"type": "text", "text": script.text})
    for at, call in enumerate(script.tool_calls):
        content.append({**_opened(call, at), "input": _parsed(call)})
    usage = _usage(script.usage) if script.usage is not None else None
    answer = {**_message(body, number), "content": content, "stop_reason": _finish(script)}
    return _dump({**answer, "usage": usage} if usage else answer)


def events(script: Script, body: Mapping[str, Any], number: int) -> list[bytes]:
    """A streamed answer, one element an event, `message_stop` last."""
    message = _message(body, number)
    if script.usage is not None:
        message["usage"] = {**_usage(script.usage), "output_tokens": 1}
    stream: list[dict[str, Any]] = [{"type": "message_start", "message": message}, {"type": "ping"}]
    for index, (opening, deltas) in enumerate(_blocks(script)):
        stream.append({"type": "content_block_start", "index": index, "content_block": opening})
        stream += [
            {"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas
        ]
        stream.append({"type": "content_block_stop", "index": index})
    closing = {"stop_reason": _finish(script), "stop_sequence": None}
    ending: dict[str, Any] = {"type": "message_delta", "delta": closing}
    if script.usage is not None:
        ending["usage"] = _usage(script.usage)
    stream.append(ending)
    if not script.omits_end:
        stream.append({"type": "message_stop"})
    return [_event(each) for each in stream]


def _parsed(call: ToolCall) -> Any:
    try:
        return json.loads(arguments_text(call) or "{}")
    except ValueError as error:
        message = "the script's arguments are no JSON: they can only be streamed"
        raise RefusedError("script", message) from error


Block = tuple[dict[str, Any], list[dict[str, Any]]]


def _blocks(script: Script) -> list[Block]:
    found: list[Block] = []
    if script.reasoning:
        deltas = [{"type": "thinking_delta", "thinking": each} for each in words(script.reasoning)]
        deltas.append({"type": "signature_delta", "signature": SIGNATURE})
        found.append(({"type": "thinking", "thinking": "", "signature": ""}, deltas))
    pieces = words(script.text) if script.pieces is None else script.pieces
    if pieces:
        deltas = [{"type": "text_delta", "text": each} for each in pieces]
        found.append(({"type": "text", "text": ""}, deltas))
    for at, call in enumerate(script.tool_calls):
        parts = ["", *slices(arguments_text(call))]
        deltas = [{"type": "input_json_delta", "partial_json": each} for each in parts]
        found.append((_opened(call, at), deltas))
    return found


def _opened(call: ToolCall, at: int) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id or f"toolu_{at}", "name": call.name, "input": {}}


def _message(body: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {
        "id": f"msg_standin_{number}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _finish(script: Script) -> str:
    return script.finish or ("tool_use" if script.tool_calls else "end_turn")


def _usage(usage: TokenUsage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.output,
    }


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _event(value: Mapping[str, Any]) -> bytes:
    return b"event: " + str(value["type"]).encode() + b"\ndata: " + _dump(value) + b"\n\n"
