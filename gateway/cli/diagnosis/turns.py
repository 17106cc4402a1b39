"""A real turn in each protocol, streamed, with a tool to call: how it is asked and heard."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.cli.asking import Answer
from providers.base import WireName

Json = dict[str, Any]

TOOL: Final = "lookup"
_PROMPT: Final = f"Use the tool {TOOL} to look up the word gatehouse."
_ABOUT: Final = "Looks up a word."
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
    is_whole: bool = False
    error: str = ""

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
    """How one protocol is spoken: where, with what headers and body, and how an event is read."""

    wire: WireName
    title: str
    path: Callable[[str], str]
    headers: Callable[[str], Mapping[str, str]]
    body: Callable[[str], Json]
    take: Callable[[Json, Heard], None]


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
            heard.tool += function.get("name") or ""
            heard.arguments += function.get("arguments") or ""
        heard.is_whole |= bool(choice.get("finish_reason"))


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
        heard.tool = str(block.get("name"))
    heard.text += delta.get("text") or ""
    heard.arguments += delta.get("partial_json") or ""
    heard.is_whole |= bool(delta.get("stop_reason"))


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
        heard.tool, heard.arguments = str(item.get("name")), str(item.get("arguments", ""))
    elif kind == "response.failed":
        heard.error = str(((event.get("response") or {}).get("error") or {}).get("message", kind))
    heard.is_whole |= kind in ("response.completed", "response.incomplete")


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
        heard.is_whole |= bool(candidate.get("finishReason"))


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
    ),
    Turn(
        WireName.ANTHROPIC_MESSAGES,
        "Anthropic messages",
        lambda model: "/v1/messages",
        _anthropic,
        _messages_body,
        _take_messages,
    ),
    Turn(
        WireName.OPENAI_RESPONSES,
        "OpenAI responses",
        lambda model: "/v1/responses",
        _bearer,
        _responses_body,
        _take_responses,
    ),
    Turn(
        WireName.GEMINI,
        "Gemini",
        lambda model: f"/v1beta/models/{model}:streamGenerateContent?alt=sse",
        _google,
        _gemini_body,
        _take_gemini,
    ),
)
"""The protocols that a turn can be asked in, whether or not a gateway speaks them."""
