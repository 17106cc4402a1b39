"""OpenAI responses, as a stand-in streams them."""

import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.vendor import EVENTS, JSON, FakeVendor
from tests.fakes.vendor_openai import arguments_text, error, slices, words
from tests.fakes.vendor_script import Failure, Script, TokenUsage, ToolCall
from tests.fakes.vendor_server import Call, Reply
from tests.fakes.vendor_strict import (
    BOOLEAN_OR_NONE,
    INTEGER_OR_NONE,
    LIST,
    LIST_OR_NONE,
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

PATH = "/v1/responses"
FIELDS: Fields = {
    "model": TEXT,
    "input": TEXT_OR_LIST,
    "instructions": TEXT_OR_NONE,
    "tools": LIST,
    "tool_choice": TEXT_OR_OBJECT,
    "parallel_tool_calls": BOOLEAN_OR_NONE,
    "reasoning": OBJECT_OR_NONE,
    "text": OBJECT,
    "stream": BOOLEAN_OR_NONE,
    "store": BOOLEAN_OR_NONE,
    "include": LIST_OR_NONE,
    "prompt_cache_key": TEXT,
    "client_metadata": OBJECT,
    "service_tier": TEXT_OR_NONE,
    "temperature": NUMBER_OR_NONE,
    "top_p": NUMBER_OR_NONE,
    "max_output_tokens": INTEGER_OR_NONE,
    "metadata": OBJECT_OR_NONE,
    "truncation": TEXT_OR_NONE,
}
ITEMS = (
    "message",
    "reasoning",
    "function_call",
    "function_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
)


class FakeResponses(FakeVendor):
    """The protocol that is only streamed here; everything else is as any stand-in has it."""

    def _reply(self, call: Call, script: Script) -> tuple[Script, Reply]:
        if call.path != PATH:
            return super()._reply(call, script)
        try:
            self._check_key(call, anthropic=False)
            body = self._parse(call)
            check(body)
            told = events(script, body, len(self.calls))
        except RefusedError as refused:
            self.refusals.append(refused.message)
            failure = Failure(refused.status, message=refused.message)
            return Script(), Reply(refused.status, JSON, [error(failure)])
        return script, Reply(200, EVENTS, told, streamed=True)


def check(body: Any) -> None:
    """Refuse what OpenAI would refuse, every field it does not document, and whole answers."""
    check_object(body, FIELDS, at="", required=("model", "input", "stream"))
    for at, item in check_list(body["input"], at="input"):
        check_choice(item.get("type", "message"), ITEMS, at=f"{at}.type")
    if not body["stream"]:
        raise RefusedError("stream", "stream: this stand-in only streams")


def events(script: Script, body: Mapping[str, Any], number: int) -> list[bytes]:
    """A streamed answer, one element an event, `response.completed` last."""
    response = {
        "id": f"resp_standin_{number}",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": "in_progress",
        "model": body["model"],
        "output": [],
        "usage": None,
    }
    told: list[dict[str, Any]] = [{"type": "response.created", "response": response}]
    items: list[dict[str, Any]] = []
    for item, deltas in _items(script, number):
        told += _item_events(item, deltas, len(items))
        items.append(item)
    usage = _usage(script.usage) if script.usage is not None else None
    ended = {**response, "status": "completed", "output": items, "usage": usage}
    told.append({"type": "response.completed", "response": ended})
    return [_event({**each, "sequence_number": at}) for at, each in enumerate(told)]


Item = tuple[dict[str, Any], list[str]]


def _items(script: Script, number: int) -> list[Item]:
    found: list[Item] = []
    if script.text:
        part = {"type": "output_text", "text": script.text, "annotations": []}
        message = {"type": "message", "role": "assistant", "content": [part]}
        found.append(({**message, "id": f"msg_{number}"}, words(script.text)))
    for at, call in enumerate(script.tool_calls):
        found.append((_call(call, f"{number}_{at}"), slices(arguments_text(call))))
    return [({**item, "status": "completed"}, deltas) for item, deltas in found]


def _call(call: ToolCall, name: str) -> dict[str, Any]:
    called = {"call_id": call.id or f"call_{name}", "name": call.name}
    if isinstance(call.arguments, str):  # a tool without a schema takes a text
        return {"type": "custom_tool_call", "id": f"ctc_{name}", **called, "input": call.arguments}
    arguments = {"arguments": arguments_text(call)}
    return {"type": "function_call", "id": f"fc_{name}", **called, **arguments}


STREAMED = {
    "message": ("content", "response.output_text.delta"),
    "function_call": ("arguments", "response.function_call_arguments.delta"),
    "custom_tool_call": ("input", "response.custom_tool_call_input.delta"),
}


def _item_events(item: dict[str, Any], deltas: list[str], index: int) -> list[dict[str, Any]]:
    member, kind = STREAMED[item["type"]]
    empty: Any = [] if member == "content" else ""
    opened = {**item, "status": "in_progress", member: empty}
    place = {"output_index": index, "item_id": item["id"]}
    pieces = [{"type": kind, **place, "content_index": 0, "delta": delta} for delta in deltas]
    return [
        {"type": "response.output_item.added", "output_index": index, "item": opened},
        *pieces,
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


def _usage(usage: TokenUsage) -> dict[str, Any]:
    prompt = usage.input + usage.cache_read
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": usage.cache_read},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": prompt + usage.output,
    }


def _event(value: Mapping[str, Any]) -> bytes:
    data = json.dumps(value, separators=(",", ":")).encode()
    return b"event: " + str(value["type"]).encode() + b"\ndata: " + data + b"\n\n"
