"""What the rehearsal model sees of a request and says to it. Pure, and the same every time."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from providers.base import WireName
from providers.rehearsal_arguments import arguments_for
from providers.translation.gemini_request import read_gemini
from providers.translation.hub import Capabilities
from providers.translation.parameters import PARAMETERS

Json = dict[str, Any]

_AS_CHAT = Capabilities((PARAMETERS - {"n"}) | {"tools"})
COUNTING_RULE = "one word is one token"
_WISH = re.compile(r"\b(?:use|call|try|run) (?:the |a |an |some |any )?tools?\b", re.IGNORECASE)
_READ = re.compile(r"\bread (?:the )?file\b", re.IGNORECASE)
_LABELS = frozenset({"role", "type"})
_NOTES = ("system-reminder", "session_context")  # Claude Code's, and Gemini CLI's
_HARMLESS = frozenset({"read", "read_file", "readfile", "view"})  # as assistants call theirs
_QUOTED_RESULT_LENGTH = 300
_TOOLS_TOLD = 8
_PROMPT_LENGTH = 8000  # the end of it: patterns over more would take their time


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the request offers."""

    name: str
    schema: Json


@dataclass(frozen=True, slots=True)
class Scene:
    """What matters of a request. `result` is what a tool answered, when that came last."""

    prompt: str
    tools: tuple[Tool, ...]
    result: str | None
    forced: str | None  # "" any tool, a name that one, None free to choose
    may_call: bool
    messages: int
    input_tokens: int
    output_limit: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say: text, or a call of `tool` with `arguments`."""

    text: str
    tool: str | None = None
    arguments: str = ""


def read_scene(body: Json, wire: WireName) -> Scene:
    """Read a request of any protocol; what is not understood is passed over.

    Of a Gemini request nothing is: it is read as chat, as it would be for any other model. Raises
    `UnsupportedFeature`.
    """
    if wire is WireName.GEMINI:
        asked = body.get("generateContentRequest") or body
        body, wire = read_gemini(asked, _AS_CHAT).fields, WireName.OPENAI_CHAT
    messages = [each for each in body.get("messages") or () if isinstance(each, dict)]
    last = messages[-1] if messages else {}
    users = [each for each in messages if each.get("role") == "user"]
    prompt = " ".join(_texts(users[-1].get("content"))) if users else ""
    forced, may_call = _choice(body.get("tool_choice"))
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return Scene(
        prompt=_without_reminders(prompt),
        tools=tuple(_tools(body.get("tools"), wire)),
        result=_result(last),
        forced=forced,
        may_call=may_call,
        messages=len(messages),
        input_tokens=count_words([body.get("system"), messages, body.get("tools")]),
        output_limit=limit if isinstance(limit, int) else None,
    )


def answer(scene: Scene, account: Mapping[str, str]) -> Answer:
    """What the rehearsal model says."""
    if scene.result is None and (tool := _wanted_tool(scene)) is not None:
        arguments = arguments_for(tool.schema, scene.prompt)
        opening = "This is Gatehouse's rehearsal model. It calls the tool you offered."
        return Answer(opening, tool.name, json.dumps(arguments, ensure_ascii=False))
    return Answer("\n\n".join([*_opening(scene), _account(account), _closing(scene)]))


def _opening(scene: Scene) -> Iterator[str]:
    yield (
        "This is Gatehouse's rehearsal model, not a language model: no model answered you. "
        "It shows that the road works, and what the gateway did with this request."
    )
    if scene.result is not None:
        words = _counted(len(scene.result.split()), "word")
        shown = " ".join(scene.result[:_QUOTED_RESULT_LENGTH].split())
        more = " ..." if len(scene.result) > _QUOTED_RESULT_LENGTH else ""
        yield f"The tool's result arrived: {words}. It begins: {shown}{more}"


def _account(account: Mapping[str, str]) -> str:
    if not account:
        return "The gateway gave no account of it."
    lines = [f"- {name.replace('_', ' ')}: {value}" for name, value in account.items()]
    return "\n".join(["What the gateway did:", *lines])


def _closing(scene: Scene) -> str:
    seen = f"It received {_counted(scene.messages, 'message')}"
    seen += f" with {_counted(scene.input_tokens, 'word')}"
    if not scene.tools:
        return f"{seen}, and no tools."
    names = ", ".join(tool.name for tool in scene.tools[:_TOOLS_TOLD])
    more = ", ..." if len(scene.tools) > _TOOLS_TOLD else ""
    tools = _counted(len(scene.tools), "tool")
    return f"{seen}, and {tools} ({names}{more}). {_hint(scene.tools)}"


def _hint(tools: tuple[Tool, ...]) -> str:
    """How to see a tool call: by one that only reads, where there is one."""
    reading = next((each.name for each in tools if each.name.lower() in _HARMLESS), None)
    wish = tools[0].name if reading is None else f"{reading} to read README.md"
    return f"To see a tool call, ask: use the tool {wish}."


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _wanted_tool(scene: Scene) -> Tool | None:
    if not scene.tools or not scene.may_call:
        return None
    if scene.forced:
        return next((tool for tool in scene.tools if tool.name == scene.forced), None)
    for tool in sorted(scene.tools, key=lambda tool: -len(tool.name)):
        if re.search(rf"(?<![\w-]){re.escape(tool.name)}(?![\w-])", scene.prompt):
            return tool
    if _READ.search(scene.prompt):
        reading = [tool for tool in scene.tools if "read" in tool.name.lower()]
        return (reading or list(scene.tools))[0]
    is_wished = _WISH.search(scene.prompt) is not None or scene.forced is not None
    return scene.tools[0] if is_wished else None


def _choice(choice: object) -> tuple[str | None, bool]:
    """(the tool that must be called, whether one may be called) of either protocol."""
    kind = choice.get("type") if isinstance(choice, dict) else choice
    if kind == "none":
        return None, False
    if kind in ("required", "any"):
        return "", True
    if isinstance(choice, dict) and kind in ("tool", "function"):
        function = choice.get("function")
        named = function if isinstance(function, dict) else choice
        return str(named.get("name") or ""), True
    return None, True


def _tools(tools: object, wire: WireName) -> Iterator[Tool]:
    for each in tools if isinstance(tools, list) else ():
        if not isinstance(each, dict):
            continue
        inner = each.get("function") if wire is WireName.OPENAI_CHAT else each
        if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
            continue
        schema = inner.get("parameters" if wire is WireName.OPENAI_CHAT else "input_schema")
        if isinstance(schema, dict) or wire is WireName.OPENAI_CHAT:
            yield Tool(inner["name"], schema if isinstance(schema, dict) else {})


def _result(last: Json) -> str | None:
    content = last.get("content")
    if last.get("role") == "tool":
        return " ".join(_texts(content))
    found = content if isinstance(content, list) else []
    blocks = [each for each in found if isinstance(each, dict)]
    results = [each for each in blocks if each.get("type") == "tool_result"]
    if not results:
        return None
    return " ".join(text for each in results for text in _texts(each.get("content")))


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and part.get("type") == "text":
            yield str(part.get("text", ""))


def count_words(value: object) -> int:
    """Words of all texts in a JSON value, but for its labels: the rehearsal model's tokens."""
    words, waiting = 0, [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            words += len(each.split())
        elif isinstance(each, dict):
            said = (text for name, text in each.items() if not _is_label(name, text))
            waiting.extend(said)
        elif isinstance(each, list):
            waiting.extend(each)
    return words


def _is_label(name: str, value: object) -> bool:
    """Says what or whose a text is, and is none itself."""
    return name in _LABELS and isinstance(value, str)


def _without_reminders(text: str) -> str:
    """Assistants put notes of their own, which name every tool, beside what a person wrote."""
    for note in _NOTES:
        text = _without(text, f"<{note}>", f"</{note}>")
    return text[-_PROMPT_LENGTH:]


def _without(text: str, beginning: str, end: str) -> str:
    kept: list[str] = []
    while True:
        before, opening, rest = text.partition(beginning)
        kept.append(before)
        _, closing, text = rest.partition(end)
        if not opening or not closing:
            return " ".join(kept)
