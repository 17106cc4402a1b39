"""The items of a responses request, one after another, as chat messages."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from providers.translation.hub import (
    IMAGES_OF,
    ONLY_IMAGES,
    Capabilities,
    Json,
    Losses,
    as_list,
    as_object,
    as_text,
    image_address,
    unsupported,
)
from providers.translation.responses_tools import flat_name

_TEXTS = ("input_text", "output_text", "text", "summary_text", "reasoning_text")
_DETAILS = ("auto", "low", "high")
_CALLS = ("function_call", "custom_tool_call")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
# Traces of what the vendor did by itself on the way to an answer that stands in the history.
_TRACES = ("web_search_call",)


@dataclass(slots=True)
class _Turn:
    """An assistant's turn: words and calls, and the results of the calls."""

    texts: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: list[Json] = field(default_factory=list)
    results: dict[str, list[Json]] = field(default_factory=dict)
    is_over: bool = False

    def messages(self) -> list[Json]:
        """Chat wants the results right behind their calls, each a message of its own."""
        if not (self.texts or self.calls):
            return []
        message: Json = {"role": "assistant", "content": "\n".join(self.texts) or None}
        if self.reasoning:
            message["reasoning_content"] = "\n".join(self.reasoning)
        if self.calls:
            message["tool_calls"] = self.calls
        told = [self.results[call["id"]] for call in self.calls if call["id"] in self.results]
        images = [each for result in told for each in result[1:]]
        shown = [{"role": "user", "content": images}] if images else []
        return [message, *(result[0] for result in told), *shown]


class Items:
    """Reads one conversation. `losses` learns what was left out."""

    def __init__(self, can: Capabilities, losses: Losses) -> None:
        self._can = can
        self._losses = losses
        self._parts: list[_Turn | Json] = []
        self._by_call: dict[str, _Turn] = {}

    def read(self, instructions: object, given: object) -> list[Json]:
        """The conversation as chat messages. Raises `UnsupportedFeature` naming the item."""
        if instructions is not None:
            text = as_text(instructions, "instructions")
            self._parts.append({"role": "system", "content": text})
        if isinstance(given, str):
            self._parts.append({"role": "user", "content": given})
        else:
            for at, each in enumerate(as_list(given, "input")):
                self._read_item(as_object(each, f"input.{at}"), f"input.{at}")
        found: list[Json] = []
        for part in self._parts:
            found += part.messages() if isinstance(part, _Turn) else [part]
        return _with_one_system_at_the_head(found)

    def _read_item(self, item: Json, at: str) -> None:
        kind = item.get("type", "message")
        if kind == "message":
            self._message(item, at)
        elif kind in _CALLS:
            self._call(item, at)
        elif kind in _OUTPUTS:
            self._output(item, at)
        elif kind == "reasoning":
            self._reasoning(item)
        elif kind in _TRACES:
            self._losses.note(f"input.{kind}")
        else:
            raise unsupported(f"{at}.type", f"this model cannot be shown a {kind}")

    def _turn(self) -> _Turn:
        """The assistant's turn that is going on, a new one if there is none."""
        last = self._parts[-1] if self._parts else None
        if not isinstance(last, _Turn) or last.is_over:
            last = _Turn()
            self._parts.append(last)
        return last

    def _message(self, item: Json, at: str) -> None:
        known = ("type", "role", "content", "id", "status", "phase")
        self._losses.note_unknown(item, known, at="input.")
        role = item.get("role")
        content = self._content(item.get("content"), f"{at}.content")
        if role == "assistant":
            self._turn().texts.append(_only_text(content, at))
        elif role in ("system", "developer"):
            self._parts.append({"role": "system", "content": _only_text(content, at)})
        elif role == "user":
            self._parts.append({"role": "user", "content": _plain(content)})
        else:
            raise unsupported(f"{at}.role")

    def _call(self, item: Json, at: str) -> None:
        call_id = as_text(item.get("call_id"), f"{at}.call_id")
        namespace = item.get("namespace")
        name = flat_name(
            as_text(item.get("name"), f"{at}.name"),
            namespace if isinstance(namespace, str) else None,
        )
        if item["type"] == "custom_tool_call":
            text = as_text(item.get("input"), f"{at}.input")
            arguments = orjson.dumps({"input": text}).decode()
        else:
            arguments = as_text(item.get("arguments"), f"{at}.arguments")
        if call_id in self._by_call:
            raise unsupported(f"{at}.call_id", "two calls have this id")
        function = {"name": name, "arguments": arguments}
        turn = self._by_call[call_id] = self._turn()
        turn.calls.append({"id": call_id, "type": "function", "function": function})

    def _output(self, item: Json, at: str) -> None:
        call_id = as_text(item.get("call_id"), f"{at}.call_id")
        turn = self._by_call.get(call_id)
        if turn is None:
            raise unsupported(f"{at}.call_id", "the call that it answers is not in the input")
        if call_id in turn.results:
            raise unsupported(f"{at}.call_id", "two results for one call")
        known = ("type", "call_id", "output", "id", "status", "name", "namespace")
        self._losses.note_unknown(item, known, at="input.")
        content = self._content(item.get("output"), f"{at}.output")
        images = [part for part in content if part["type"] == "image_url"]
        texts = [part for part in content if part["type"] != "image_url"]
        text = _only_text(texts, at)
        message: Json = {"role": "tool", "tool_call_id": call_id, "content": text}
        if images:
            message["content"] = text or ONLY_IMAGES
            images.insert(0, {"type": "text", "text": IMAGES_OF.format(id=call_id)})
        turn.results[call_id] = [message, *images]
        turn.is_over = True

    def _reasoning(self, item: Json) -> None:
        """Sealed reasoning is for whom sealed it; an open engine's own goes back to such."""
        thoughts = item.get("content")
        if item.get("encrypted_content") or self._can.anthropic or not isinstance(thoughts, list):
            self._losses.note("input.reasoning")
            return
        self._turn().reasoning += [
            part["text"]
            for part in thoughts
            if isinstance(part, dict) and isinstance(part.get("text"), str)
        ]

    def _content(self, value: object, at: str) -> list[Json]:
        if isinstance(value, str):
            return [{"type": "text", "text": value}] if value else []
        return [
            self._part(as_object(each, f"{at}.{number}"), f"{at}.{number}")
            for number, each in enumerate(as_list(value, at))
        ]

    def _part(self, part: Json, at: str) -> Json:
        kind = part.get("type")
        if kind in _TEXTS:
            known = ("type", "text", "annotations", "logprobs")
            self._losses.note_unknown(part, known, at="content.")
            return {"type": "text", "text": as_text(part.get("text"), f"{at}.text")}
        if kind == "refusal":
            return {"type": "text", "text": as_text(part.get("refusal"), f"{at}.refusal")}
        if kind == "input_image":
            return {"type": "image_url", "image_url": self._image(part, at)}
        raise unsupported(f"{at}.type", f"this model cannot be shown a part of type {kind}")

    def _image(self, part: Json, at: str) -> Json:
        image: Json = {"url": image_address(part.get("image_url"), f"{at}.image_url", self._can)}
        if part.get("detail") in _DETAILS:
            image["detail"] = part["detail"]
        elif part.get("detail") is not None:
            self._losses.note("content.detail")
        self._losses.note_unknown(part, ("type", "image_url", "detail"), at="content.")
        return image


def _only_text(content: list[Json], at: str) -> str:
    if any(part["type"] != "text" for part in content):
        raise unsupported(f"{at}.content", "only text can stand here")
    return "\n".join(part["text"] for part in content)


def _plain(content: list[Any]) -> str | list[Json]:
    """One text alone is sent as text: engines with simple chat templates take nothing else."""
    if len(content) == 1 and content[0]["type"] == "text":
        return str(content[0]["text"])
    return content or ""


def _with_one_system_at_the_head(messages: list[Json]) -> list[Json]:
    """Instructions and the first system messages as one: many chat templates take only one."""
    count = 0
    while count < len(messages) and messages[count]["role"] == "system":
        count += 1
    if count < 2:
        return messages
    text = "\n\n".join(str(each["content"]) for each in messages[:count])
    return [{"role": "system", "content": text}, *messages[count:]]
