"""Read a request as a model would: which tools are offered, what came back from those it called."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from providers.base import WireName
from tests.fakes.vendor_server import Call

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is in a request: the tools' names, each tool's result as text, and all of it as text."""

    tools: tuple[str, ...]
    results: tuple[str, ...]
    text: str


def conversation(call: Call) -> Conversation:
    """What a request of any protocol says. Raises `KeyError` for a path of none."""
    body = call.json()
    tools, results = READERS[wire_of(call)]
    return Conversation(tuple(tools(body)), tuple(results(body)), text_of(body))


def wire_of(call: Call) -> WireName:
    """The protocol a request was sent in. Raises `KeyError`."""
    for ending, wire in ENDINGS.items():
        if call.path.endswith(ending):
            return wire
    raise KeyError(call.path)


def text_of(value: Any) -> str:
    """Every text in a document, wherever it stands."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "\n".join(text_of(each) for each in value.values())
    if isinstance(value, list):
        return "\n".join(text_of(each) for each in value)
    return ""


def chat_tools(body: Body) -> Iterator[str]:
    for tool in body.get("tools", []):
        yield tool["function"]["name"]


def chat_results(body: Body) -> Iterator[str]:
    for message in body["messages"]:
        if message["role"] == "tool":
            yield text_of(message["content"])


def messages_tools(body: Body) -> Iterator[str]:
    for tool in body.get("tools", []):
        yield tool["name"]


def messages_results(body: Body) -> Iterator[str]:
    for message in body["messages"]:
        content = message["content"]
        for block in content if isinstance(content, list) else []:
            if block["type"] == "tool_result":
                yield text_of(block.get("content", ""))


def responses_tools(body: Body) -> Iterator[str]:
    for tool in body.get("tools", []):
        yield tool.get("name", tool["type"])


def responses_results(body: Body) -> Iterator[str]:
    for item in body["input"]:
        if item.get("type") in {"function_call_output", "custom_tool_call_output"}:
            yield text_of(item["output"])


def gemini_tools(body: Body) -> Iterator[str]:
    for tool in body.get("tools", []):
        for function in tool.get("functionDeclarations", []):
            yield function["name"]


def gemini_results(body: Body) -> Iterator[str]:
    for content in body["contents"]:
        for part in content["parts"]:
            if "functionResponse" in part:
                yield text_of(part["functionResponse"]["response"])


Reader = Callable[[Body], Iterator[str]]
READERS: Mapping[WireName, tuple[Reader, Reader]] = {
    WireName.OPENAI_CHAT: (chat_tools, chat_results),
    WireName.OPENAI_RESPONSES: (responses_tools, responses_results),
    WireName.ANTHROPIC_MESSAGES: (messages_tools, messages_results),
    WireName.GEMINI: (gemini_tools, gemini_results),
}
ENDINGS = {
    "/chat/completions": WireName.OPENAI_CHAT,
    "/responses": WireName.OPENAI_RESPONSES,
    "/messages": WireName.ANTHROPIC_MESSAGES,
    ":streamGenerateContent": WireName.GEMINI,
    ":generateContent": WireName.GEMINI,
}


def same_but_for(client: Call, upstream: Call, *members: str) -> bool:
    """Whether two requests say the same, some members of the body left out."""
    sent, arrived = (
        {name: value for name, value in json.loads(call.body).items() if name not in members}
        for call in (client, upstream)
    )
    return sent == arrived
