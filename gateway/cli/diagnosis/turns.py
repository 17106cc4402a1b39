"""A real turn in each protocol: streamed, a tool called, its result sent back."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.cli.asking import Answer
from providers.base import WireName

Json = dict[str, Any]

TOOL: Final = "lookup"
_PROMPT: Final = f"Use the tool {TOOL} to look up the word gatehouse."
_ABOUT: Final = "Looks up a word."
_RESULT: Final = "A gatehouse guards the way in."
_SCHEMA: Final = {
    "type": "object",
    "properties": {"word": {"type": "string"}},
    "required": ["word"],
}
_MOST_TOKENS: Final = 1000  # room for a model that thinks first


@dataclass(slots=True)
class Heard:
    """What a streamed answer held. `is_whole`: it said why it stopped; `error`: it failed."""

    text: str = ""
    tool: str = ""
    arguments: str = ""
    call_id: str = ""
    is_whole: bool = False
    error: str = ""
    part: Json = field(default_factory=dict)

    @property
    def called_the_tool(self) -> bool:
        """Whether the tool was called with arguments that are a JSON object."""
        if self.tool != TOOL:
            return False
        try:
            return isinstance(json.loads(self.arguments or "{}"), dict)
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Turn:
    """How one protocol is spoken: where, with what headers and body, how an event is read.

    `go_on` makes the next request of the turn: the one before, the call, and the tool's result.
    """

    wire: WireName
    title: str
    path: Callable[[str], str]
    headers: Callable[[str], Mapping[str, str]]
    body: Callable[[str], Json]
    take: Callable[[Json, Heard], None]
    go_on: Callable[[Json, Heard], Json]


def hear(turn: Turn, answer: Answer) -> Heard:
    """Read a streamed answer to its end."""
    heard = Heard()
    for event in _events(answer.body):
        error = event.get("error")
        if isinstance(error, dict):
            heard.error = str(error.get("message", error))
        turn.take(event, heard)
    return heard


def _events(body: bytes) -> Iterator[Json]:
    """The JSON objects of an event stream; comments, end markers and odd lines are passed over."""
    for line in body.decode("utf-8", errors="replace").splitlines():
        if line.startswith("data:"):
            try:
                event = json.loads(line[5:])
            except ValueError:
                continue
            if isinstance(event, dict):
                yield event


def _bearer(secret: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {secret}"}


def _anthropic(secret: str) -> Mapping[str, str]:
    return {"x-api-key": secret, "anthropic-version": "2023-06-01"}


def _google(secret: str) -> Mapping[str, str]:
    return {"x-goog-api-key": secret}


def _chat_body(model: str) -> Json:
    function = {"name": TOOL, "description": _ABOUT, "parameters": _SCHEMA}
    return {
        "model": model,
        "stream": True,
        "max_tokens": _MOST_TOKENS,
        "messages": [{"role": "user", "content": _PROMPT}],
        "tools": [{"type": "function", "function": function}],
    }


def _take_chat(event: Json, heard: Heard) -> None:
    for choice in _objects(event.get("choices")):
        delta = choice.get("delta") or {}
        heard.text += delta.get("content") or ""
        for call in _objects(delta.get("tool_calls")):
            function = call.get("function") or {}
            heard.call_id += call.get("id") or ""
            heard.tool += function.get("name") or ""
            heard.arguments += function.get("arguments") or ""
        heard.is_whole |= bool(choice.get("finish_reason"))


def _go_on_chat(body: Json, heard: Heard) -> Json:
    function = {"name": heard.tool, "arguments": heard.arguments or "{}"}
    call = {"id": heard.call_id, "type": "function", "function": function}
    said = {"role": "assistant", "content": heard.text or None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": heard.call_id, "content": _RESULT}
    return {**body, "messages": [*body["messages"], said, result]}


def _messages_body(model: str) -> Json:
    return {
        "model": model,
        "stream": True,
        "max_tokens": _MOST_TOKENS,
        "messages": [{"role": "user", "content": _PROMPT}],
        "tools": [{"name": TOOL, "description": _ABOUT, "input_schema": _SCHEMA}],
    }


def _take_messages(event: Json, heard: Heard) -> None:
    block, delta = event.get("content_block") or {}, event.get("delta") or {}
    if block.get("type") == "tool_use":
        heard.tool, heard.call_id = str(block.get("name")), str(block.get("id"))
    heard.text += delta.get("text") or ""
    heard.arguments += delta.get("partial_json") or ""
    heard.is_whole |= bool(delta.get("stop_reason"))


def _go_on_messages(body: Json, heard: Heard) -> Json:
    text = [{"type": "text", "text": heard.text}] if heard.text else []
    arguments = json.loads(heard.arguments or "{}")
    call = {"type": "tool_use", "id": heard.call_id, "name": heard.tool, "input": arguments}
    result = {"type": "tool_result", "tool_use_id": heard.call_id, "content": _RESULT}
    said = {"role": "assistant", "content": [*text, call]}
    return {**body, "messages": [*body["messages"], said, {"role": "user", "content": [result]}]}


def _responses_body(model: str) -> Json:
    tool = {"type": "function", "name": TOOL, "description": _ABOUT, "parameters": _SCHEMA}
    content = [{"type": "input_text", "text": _PROMPT}]
    return {
        "model": model,
        "stream": True,
        "store": False,
        "max_output_tokens": _MOST_TOKENS,
        "input": [{"type": "message", "role": "user", "content": content}],
        "tools": [tool],
    }


def _take_responses(event: Json, heard: Heard) -> None:
    item, kind = event.get("item") or {}, event.get("type")
    if kind == "response.output_text.delta":
        heard.text += str(event.get("delta", ""))
    elif kind == "response.output_item.done" and item.get("type") == "function_call":
        heard.tool, heard.call_id = str(item.get("name")), str(item.get("call_id"))
        heard.arguments = str(item.get("arguments", ""))
    elif kind == "response.failed":
        heard.error = str(((event.get("response") or {}).get("error") or {}).get("message", kind))
    heard.is_whole |= kind in ("response.completed", "response.incomplete")


def _go_on_responses(body: Json, heard: Heard) -> Json:
    call = {
        "type": "function_call",
        "call_id": heard.call_id,
        "name": heard.tool,
        "arguments": heard.arguments or "{}",
    }
    result = {"type": "function_call_output", "call_id": heard.call_id, "output": _RESULT}
    return {**body, "input": [*body["input"], call, result]}


def _gemini_body(model: str) -> Json:
    del model  # it stands in the path
    function = {"name": TOOL, "description": _ABOUT, "parameters": _SCHEMA}
    return {
        "contents": [{"role": "user", "parts": [{"text": _PROMPT}]}],
        "tools": [{"functionDeclarations": [function]}],
        "generationConfig": {"maxOutputTokens": _MOST_TOKENS},
    }


def _take_gemini(event: Json, heard: Heard) -> None:
    for candidate in _objects(event.get("candidates")):
        for part in _objects((candidate.get("content") or {}).get("parts")):
            heard.text += part.get("text") or ""
            if call := part.get("functionCall"):
                heard.tool = str(call.get("name"))
                heard.arguments = json.dumps(call.get("args") or {})
                heard.part = part  # whole: its signature must come back with it
        heard.is_whole |= bool(candidate.get("finishReason"))


def _go_on_gemini(body: Json, heard: Heard) -> Json:
    response: Json = {"name": heard.tool, "response": {"result": _RESULT}}
    if "id" in (heard.part.get("functionCall") or {}):
        response["id"] = heard.part["functionCall"]["id"]
    said = {"role": "model", "parts": [heard.part]}
    result = {"role": "user", "parts": [{"functionResponse": response}]}
    return {**body, "contents": [*body["contents"], said, result]}


def _objects(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


TURNS: Final = (
    Turn(
        WireName.OPENAI_CHAT,
        "OpenAI chat completions",
        lambda model: "/v1/chat/completions",
        _bearer,
        _chat_body,
        _take_chat,
        _go_on_chat,
    ),
    Turn(
        WireName.ANTHROPIC_MESSAGES,
        "Anthropic messages",
        lambda model: "/v1/messages",
        _anthropic,
        _messages_body,
        _take_messages,
        _go_on_messages,
    ),
    Turn(
        WireName.OPENAI_RESPONSES,
        "OpenAI responses",
        lambda model: "/v1/responses",
        _bearer,
        _responses_body,
        _take_responses,
        _go_on_responses,
    ),
    Turn(
        WireName.GEMINI,
        "Gemini",
        lambda model: f"/v1beta/models/{model}:streamGenerateContent?alt=sse",
        _google,
        _gemini_body,
        _take_gemini,
        _go_on_gemini,
    ),
)
"""The protocols that a turn can be asked in, whether or not a gateway speaks them."""
