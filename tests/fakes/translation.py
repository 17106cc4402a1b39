"""What the translation tests ask, and how they read answers: both protocols brought to one form."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from providers.base import Secret, Sender, Target, UpstreamCall, UpstreamReply, Vendor, WireName
from providers.errors import ProviderError
from providers.vendors import RECORDS

CHAT, MESSAGES = WireName.OPENAI_CHAT, WireName.ANTHROPIC_MESSAGES
RESPONSES = WireName.OPENAI_RESPONSES
_RESPONSE_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}

FAILED_RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "failed",
    "error": {"code": "server_error", "message": "boom"},
    "model": "m-1",
    "output": [],
}
"""A response of OpenAI's that failed, whole."""


def target(kind: str, url: str, *, model: str = "m-1", key: str | None = "vendor-key") -> Target:
    """A model at a vendor of that kind; `in_house:openai_chat` is an engine that speaks chat."""
    name, _, wire = kind.partition(":")
    record = RECORDS[name]
    base = url if record.in_house else f"{url}/v1"
    secret = None if key is None or record.in_house else Secret(key)
    wires = frozenset({WireName(wire)}) if wire else frozenset()
    return Target(Vendor(name, record, base, secret, wires, record.via), model)


def chat_body(**more: Any) -> dict[str, Any]:
    """A chat request with a tool."""
    function = {"name": "read_file", "description": "Reads.", "parameters": SCHEMA}
    return {
        "model": "alias",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "tools": [{"type": "function", "function": function}],
        "max_tokens": 9,
        **more,
    }


def messages_body(**more: Any) -> dict[str, Any]:
    """The same as a messages request."""
    tool = {"name": "read_file", "description": "Reads.", "input_schema": SCHEMA}
    return {
        "model": "alias",
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [tool],
        "max_tokens": 9,
        **more,
    }


def responses_body(**more: Any) -> dict[str, Any]:
    """The same as a responses request."""
    tool = {
        "type": "function",
        "name": "read_file",
        "description": "Reads.",
        "parameters": SCHEMA,
    }
    return {
        "model": "alias",
        "instructions": "Be brief.",
        "input": "Hi",
        "tools": [tool],
        "max_output_tokens": 9,
        **more,
    }


_BODIES = {CHAT: chat_body, MESSAGES: messages_body, RESPONSES: responses_body}


def call(wire: WireName, to: Target, *, streaming: bool = False, **more: Any) -> UpstreamCall:
    """A call with the body above."""
    body = _BODIES[wire](**more)
    body["stream"] = streaming
    if streaming and wire is CHAT:
        body.setdefault("stream_options", {"include_usage": True})
    return UpstreamCall(wire, to, json.dumps(body).encode(), (), streaming)


async def read_all(reply: UpstreamReply) -> bytes:
    """The whole body."""
    found = b""
    while data := await reply.body.read():
        found += data
    return found


@dataclass(slots=True)
class Told:
    """What an answer told, in whatever protocol."""

    text: str = ""
    reasoning: str = ""
    signature: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)
    finish: str | None = None
    usage: dict[str, Any] | None = None
    ended: bool = False
    reply_id: str = ""
    model: str = ""


async def ask(sender: Sender, wanted: UpstreamCall) -> Told:
    """Send, read to the end, understand."""
    data = await read_all(await sender.send(wanted))
    return understand(wanted.wire, data, streaming=wanted.streaming)


def understand(wire: WireName, data: bytes, *, streaming: bool) -> Told:
    """Read an answer as a strict client would."""
    if wire is RESPONSES:
        return _response(data, streaming=streaming)
    if not streaming:
        value = json.loads(data)
        return _chat_whole(value) if wire is CHAT else _messages_whole(value)
    lines = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: ")]
    return _chat_stream(lines) if wire is CHAT else _messages_stream(lines)


def _response(data: bytes, *, streaming: bool) -> Told:
    """A response, with every event and document checked against the official SDK's own types."""
    if not streaming:
        value = Response.model_validate_json(data).to_dict()
        return _response_whole(value)
    events = [json.loads(line[6:]) for line in data.split(b"\n") if line.startswith(b"data: ")]
    assert [each["sequence_number"] for each in events] == list(range(len(events)))
    told = Told()
    for each in events:
        _RESPONSE_EVENT.validate_python(each)
        told.text += each["delta"] if each["type"] == "response.output_text.delta" else ""
    if events[-1]["type"] in ("response.completed", "response.incomplete"):
        whole = _response_whole(events[-1]["response"])
        assert whole.text == told.text
        return whole
    return told


def _response_whole(value: dict[str, Any]) -> Told:
    finish = (value["incomplete_details"] or {}).get("reason", value["status"])
    told = Told(finish=finish, usage=value["usage"], ended=True)
    told.reply_id, told.model = value["id"], value["model"]
    for item in value["output"]:
        if item["type"] == "function_call":
            names = {"name": item["name"], "arguments": item["arguments"]}
            told.calls.append({"id": item["call_id"], **names})
        for part in item.get("content", []):
            if part["type"] == "reasoning_text":
                told.reasoning += part["text"]
            else:
                told.text += part.get("text", "")
    return told


def _chat_whole(value: dict[str, Any]) -> Told:
    choice = value["choices"][0]
    message = choice["message"]
    calls = [
        {"id": each["id"], **each["function"], "type": each["type"]}
        for each in message.get("tool_calls", [])
    ]
    return Told(
        text=message["content"] or "",
        reasoning=message.get("reasoning_content", ""),
        calls=[{"id": c["id"], "name": c["name"], "arguments": c["arguments"]} for c in calls],
        finish=choice["finish_reason"],
        usage=value.get("usage"),
        ended=True,
        reply_id=value["id"],
        model=value["model"],
    )


def _chat_stream(lines: list[bytes]) -> Told:
    told = Told(ended=lines[-1:] == [b"[DONE]"])
    seen: set[tuple[str, str, int]] = set()
    for value in (json.loads(line) for line in lines if line != b"[DONE]"):
        seen.add((value["id"], value["model"], value["created"]))
        told.usage = value.get("usage") or told.usage
        for choice in value["choices"]:
            delta = choice["delta"]
            told.text += delta.get("content") or ""
            told.reasoning += delta.get("reasoning_content") or ""
            told.finish = choice["finish_reason"] or told.finish
            for each in delta.get("tool_calls", []):
                if each["index"] == len(told.calls):
                    opened = {"id": each["id"], "name": each["function"]["name"], "arguments": ""}
                    told.calls.append(opened)
                told.calls[each["index"]]["arguments"] += each["function"].get("arguments", "")
    assert len(seen) == 1, "id, model and created stay the same"
    told.reply_id, told.model, _ = seen.pop()
    return told


def _messages_whole(value: dict[str, Any]) -> Told:
    told = Told(finish=value["stop_reason"], usage=value["usage"], ended=True)
    told.reply_id, told.model = value["id"], value["model"]
    for block in value["content"]:
        if block["type"] == "text":
            told.text += block["text"]
        elif block["type"] == "thinking":
            told.reasoning += block["thinking"]
            told.signature += block["signature"]
        else:
            written = json.dumps(block["input"])
            told.calls.append({"id": block["id"], "name": block["name"], "arguments": written})
    return told


def _messages_stream(lines: list[bytes]) -> Told:
    told = Told()
    blocks: list[str] = []
    open_block: int | None = None
    for value in map(json.loads, lines):
        assert not told.ended, "nothing follows message_stop"
        match value["type"]:
            case "message_start":
                told.reply_id, told.model = value["message"]["id"], value["message"]["model"]
            case "content_block_start":
                assert open_block is None
                assert value["index"] == len(blocks)
                open_block = value["index"]
                block = value["content_block"]
                blocks.append(block["type"])
                if block["type"] == "tool_use":
                    opened = {"id": block["id"], "name": block["name"], "arguments": ""}
                    told.calls.append(opened)
            case "content_block_delta":
                assert value["index"] == open_block
                _take(told, value["delta"])
            case "content_block_stop":
                assert value["index"] == open_block
                open_block = None
            case "message_delta":
                assert open_block is None
                told.finish, told.usage = value["delta"]["stop_reason"], value["usage"]
            case "message_stop":
                told.ended = True
    return told


def _take(told: Told, delta: dict[str, Any]) -> None:
    match delta["type"]:
        case "text_delta":
            told.text += delta["text"]
        case "thinking_delta":
            told.reasoning += delta["thinking"]
        case "signature_delta":
            told.signature += delta["signature"]
        case "input_json_delta":
            told.calls[-1]["arguments"] += delta["partial_json"]


def event(**value: Any) -> bytes:
    """One event of a chat stream, as a vendor writes it."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


async def read_until_cut(sender: Sender, wanted: UpstreamCall) -> tuple[bytes, ProviderError]:
    """What came before the cut, and the cut."""
    pieces: list[bytes] = []

    async def read() -> None:
        reply = await sender.send(wanted)
        while data := await reply.body.read():
            pieces.append(data)

    with pytest.raises(ProviderError) as caught:
        await read()
    return b"".join(pieces), caught.value
