"""OpenAI chat completions, as a strict stand-in speaks them."""

import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.vendor_script import Failure, Script, TokenUsage, ToolCall
from tests.fakes.vendor_strict import (
    BOOLEAN_OR_NONE,
    INTEGER_OR_NONE,
    LIST,
    LIST_OR_NONE,
    NONE,
    NUMBER_OR_NONE,
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

FIELDS: Fields = {
    "model": TEXT,
    "messages": LIST,
    "stream": BOOLEAN_OR_NONE,
    "stream_options": OBJECT_OR_NONE,
    "max_tokens": INTEGER_OR_NONE,
    "max_completion_tokens": INTEGER_OR_NONE,
    "temperature": NUMBER_OR_NONE,
    "top_p": NUMBER_OR_NONE,
    "n": INTEGER_OR_NONE,
    "stop": (*TEXT_OR_LIST, NONE),
    "presence_penalty": NUMBER_OR_NONE,
    "frequency_penalty": NUMBER_OR_NONE,
    "logit_bias": OBJECT_OR_NONE,
    "logprobs": BOOLEAN_OR_NONE,
    "top_logprobs": INTEGER_OR_NONE,
    "user": TEXT,
    "safety_identifier": TEXT,
    "prompt_cache_key": TEXT,
    "prompt_cache_retention": TEXT_OR_NONE,
    "seed": INTEGER_OR_NONE,
    "tools": LIST,
    "tool_choice": TEXT_OR_OBJECT,
    "parallel_tool_calls": BOOLEAN_OR_NONE,
    "functions": LIST,
    "function_call": TEXT_OR_OBJECT,
    "response_format": OBJECT,
    "reasoning_effort": TEXT_OR_NONE,
    "verbosity": TEXT_OR_NONE,
    "service_tier": TEXT_OR_NONE,
    "store": BOOLEAN_OR_NONE,
    "metadata": OBJECT_OR_NONE,
    "modalities": LIST_OR_NONE,
    "audio": OBJECT_OR_NONE,
    "prediction": OBJECT_OR_NONE,
    "web_search_options": OBJECT,
}
MESSAGE: Fields = {
    "role": TEXT,
    "content": (*TEXT_OR_LIST, NONE),
    "name": TEXT,
    "tool_calls": LIST,
    "tool_call_id": TEXT,
    "function_call": OBJECT_OR_NONE,
    "refusal": TEXT_OR_NONE,
    "audio": OBJECT_OR_NONE,
    "annotations": LIST_OR_NONE,
    "reasoning_content": TEXT_OR_NONE,
}
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
PARTS = ("text", "image_url", "input_audio", "file", "refusal")
TOOL: Fields = {"type": TEXT, "function": OBJECT}
FUNCTION: Fields = {
    "name": TEXT,
    "description": TEXT,
    "parameters": OBJECT,
    "strict": BOOLEAN_OR_NONE,
}
CALL: Fields = {"id": TEXT, "type": TEXT, "function": OBJECT}
CALLED: Fields = {"name": TEXT, "arguments": TEXT}

DONE = b"data: [DONE]\n\n"
KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_exceeded"}


def check(body: Any, extra_fields: Fields) -> None:
    """Refuse what OpenAI would refuse, and every field it does not document."""
    check_object(body, {**FIELDS, **extra_fields}, at="", required=("model", "messages"))
    for at, message in check_list(body["messages"], at="messages"):
        _check_message(message, at)
    for at, tool in check_list(body["tools"], at="tools") if "tools" in body else []:
        check_object(tool, TOOL, at=at, required=("type", "function"))
        check_object(tool["function"], FUNCTION, at=f"{at}.function", required=("name",))
    if body.get("stream_options") is not None and not body.get("stream"):
        raise RefusedError("stream_options", "stream_options: only allowed when stream is true")


def _check_message(message: Any, at: str) -> None:
    check_object(message, MESSAGE, at=at, required=("role",))
    check_choice(message["role"], ROLES, at=f"{at}.role")
    if message["role"] == "tool" and "tool_call_id" not in message:
        raise RefusedError(f"{at}.tool_call_id", f"{at}.tool_call_id: this field is required")
    if message["role"] in ("user", "system", "tool") and message.get("content") is None:
        raise RefusedError(f"{at}.content", f"{at}.content: this field is required")
    if isinstance(message.get("content"), list):
        for part_at, part in check_list(message["content"], at=f"{at}.content"):
            check_choice(part.get("type"), PARTS, at=f"{part_at}.type")
    for call_at, call in (
        check_list(message["tool_calls"], at=f"{at}.tool_calls") if "tool_calls" in message else []
    ):
        check_object(call, CALL, at=call_at, required=("id", "type", "function"))
        check_object(call["function"], CALLED, at=f"{call_at}.function", required=("name",))


def error(failure: Failure) -> bytes:
    """An error answer's body."""
    return _dump({"error": _error(failure)})


def error_event(failure: Failure) -> bytes:
    """An error in the middle of a stream: a chunk without choices."""
    return _event({"error": _error(failure)})


def _error(failure: Failure) -> dict[str, Any]:
    kind = failure.kind or KINDS.get(failure.status)
    kind = kind or ("invalid_request_error" if failure.status < 500 else "server_error")
    return {"message": failure.message, "type": kind, "param": None, "code": failure.code}


def document(script: Script, body: Mapping[str, Any], number: int) -> bytes:
    """A whole answer."""
    message: dict[str, Any] = {"role": "assistant", "content": script.text or None}
    if script.reasoning:
        message["reasoning_content"] = script.reasoning
    if script.tool_calls:
        message["tool_calls"] = [_call(call, at) for at, call in enumerate(script.tool_calls)]
    answer = {
        "id": f"chatcmpl-standin-{number}",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": body["model"],
        "choices": [
            {"index": at, "message": message, "logprobs": None, "finish_reason": _finish(script)}
            for at in range(body.get("n") or 1)
        ],
    }
    if script.usage is not None:
        answer["usage"] = _usage(script.usage)
    return _dump(answer)


def events(script: Script, body: Mapping[str, Any], number: int) -> list[bytes]:
    """A streamed answer, one element an event, the end marker last."""
    answers = range(body.get("n") or 1)
    wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))

    def chunk(choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> bytes:
        value: dict[str, Any] = {
            "id": f"chatcmpl-standin-{number}",
            "object": "chat.completion.chunk",
            "created": 1_790_000_000,
            "model": body["model"],
            "choices": choices,
        }
        if wants_usage:
            value["usage"] = usage
        return _event(value)

    def delta(value: dict[str, Any], finish: str | None = None) -> list[bytes]:
        return [
            chunk([{"index": at, "delta": value, "logprobs": None, "finish_reason": finish}])
            for at in answers
        ]

    stream = delta({"role": "assistant", "content": ""})
    for value in _deltas(script):
        stream += delta(value)
    stream += delta({}, _finish(script))
    if wants_usage and script.usage is not None:
        stream.append(chunk([], _usage(script.usage)))
    return stream if script.omits_end else [*stream, DONE]


def _deltas(script: Script) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"reasoning_content": piece} for piece in words(script.reasoning)
    ]
    pieces = words(script.text) if script.pieces is None else script.pieces
    found += [{"content": piece} for piece in pieces]
    for at, call in enumerate(script.tool_calls):
        whole = _call(call, at)
        arguments = whole["function"]["arguments"]
        opening = {**whole, "index": at, "function": {**whole["function"], "arguments": ""}}
        found.append({"tool_calls": [opening]})
        found += [
            {"tool_calls": [{"index": at, "function": {"arguments": piece}}]}
            for piece in slices(arguments)
        ]
    return found


def _call(call: ToolCall, at: int) -> dict[str, Any]:
    return {
        "id": call.id or f"call_{at}",
        "type": "function",
        "function": {"name": call.name, "arguments": arguments_text(call)},
    }


def arguments_text(call: ToolCall) -> str:
    """The arguments as the model wrote them."""
    return call.arguments if isinstance(call.arguments, str) else json.dumps(dict(call.arguments))


def words(text: str) -> list[str]:
    """Text in pieces, as a model would send it: a word and its space at a time."""
    return [word for word in text.replace(" ", " \0").split("\0") if word]


def slices(text: str, size: int = 5) -> list[str]:
    """Text in pieces that respect nothing."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def _finish(script: Script) -> str:
    return script.finish or ("tool_calls" if script.tool_calls else "stop")


def _usage(usage: TokenUsage) -> dict[str, Any]:
    written = usage.cache_write_5m + usage.cache_write_1h
    prompt = usage.input + usage.cache_read + written
    return {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output,
        "total_tokens": prompt + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": 0},
    }


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _event(value: object) -> bytes:
    return b"data: " + _dump(value) + b"\n\n"
