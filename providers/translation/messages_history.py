"""The conversation of a messages request, turn by turn, as chat messages."""

import json
from dataclasses import dataclass, field
from typing import Any

from providers.translation.hub import (
    IMAGES_OF,
    ONLY_IMAGES,
    Capabilities,
    Json,
    Losses,
    as_list,
    as_object,
    as_text,
    cache_mark,
    image_address,
    unsupported,
)

_FAILED = "[the tool reported an error]"


@dataclass(slots=True)
class _Turn:
    """A user turn taken apart: chat wants tool results first, each a message of its own."""

    parts: list[Json] = field(default_factory=list)
    results: dict[str, Json] = field(default_factory=dict)
    result_images: list[Json] = field(default_factory=list)


class History:
    """Reads one conversation. `losses` learns what was left out."""

    def __init__(self, can: Capabilities, losses: Losses) -> None:
        self._can = can
        self._losses = losses
        self._called: list[str] = []  # ids of the latest assistant turn's calls, in its order

    def read(self, messages: list[Any]) -> list[Json]:
        """The conversation as chat messages. Raises `UnsupportedFeature` naming the block."""
        found: list[Json] = []
        for at, each in enumerate(messages):
            path = f"messages.{at}"
            message = as_object(each, path)
            self._losses.note_unknown(message, ("role", "content"), at="messages.")
            blocks = _blocks(message.get("content"), f"{path}.content")
            role = message.get("role")
            if role == "assistant":
                found += self._assistant(blocks, f"{path}.content")
            elif role == "user":
                found += self._user(blocks, f"{path}.content")
            elif role == "system":
                found.append({"role": "system", "content": self._only_text(blocks, path)})
            else:
                raise unsupported(f"{path}.role")
        return found

    def _only_text(self, blocks: list[Json], path: str) -> str:
        return "\n\n".join(
            self._text(block, f"{path}.content.{at}")["text"] for at, block in enumerate(blocks)
        )

    def _text(self, block: Json, at: str) -> Json:
        if block.get("type") != "text":
            raise unsupported(f"{at}.type")
        part = {"type": "text", "text": as_text(block.get("text"), f"{at}.text")}
        self._losses.note_unknown(block, ("type", "text", "cache_control"), at="content.")
        return self._marked(part, block)

    def _marked(self, part: Json, block: Json) -> Json:
        mark = cache_mark(block.get("cache_control"))
        if mark is not None and self._can.anthropic:
            return {**part, "cache_control": mark}
        if block.get("cache_control") is not None:
            self._losses.note("cache_control")
        return part

    # The assistant's turns.

    def _assistant(self, blocks: list[Json], path: str) -> list[Json]:
        texts: list[str] = []
        reasoning: list[str] = []
        signed: list[Json] = []
        calls: list[Json] = []
        for number, block in enumerate(blocks):
            at = f"{path}.{number}"
            kind = block.get("type")
            if kind == "text":
                texts.append(as_text(block.get("text"), f"{at}.text"))
                self._marked({}, {} if self._can.anthropic else block)
            elif kind == "tool_use":
                calls.append(_call(block, at))
            elif kind in ("thinking", "redacted_thinking"):
                self._thinking(block, reasoning, signed)
            else:
                raise unsupported(f"{at}.type")
        self._called = [call["id"] for call in calls]
        if not (texts or calls or signed):
            return []
        message: Json = {"role": "assistant", "content": "\n".join(texts) if texts else None}
        if reasoning:
            message["reasoning_content"] = "\n".join(reasoning)
        if signed:
            message["thinking_blocks"] = signed
        if calls:
            message["tool_calls"] = calls
        return [message]

    def _thinking(self, block: Json, reasoning: list[str], signed: list[Json]) -> None:
        """Signed thinking goes to who signed it or nowhere; unsigned is a chat engine's own."""
        thought, signature = block.get("thinking"), block.get("signature")
        if block.get("type") == "redacted_thinking" or signature:
            if self._can.anthropic:
                known = ("type", "thinking", "signature", "data")
                signed.append({name: block[name] for name in known if name in block})
            else:
                self._losses.note(f"messages.{block['type']}")
        elif isinstance(thought, str) and not self._can.anthropic:
            reasoning.append(thought)
        else:
            self._losses.note("messages.thinking")

    # The user's turns.

    def _user(self, blocks: list[Json], path: str) -> list[Json]:
        turn = _Turn()
        for number, block in enumerate(blocks):
            at = f"{path}.{number}"
            kind = block.get("type")
            if kind == "tool_result":
                self._result(block, at, turn)
            elif kind == "image":
                turn.parts.append(self._marked(_image(block, at, self._can), block))
            else:
                turn.parts.append(self._text(block, at))
        ordered = sorted(turn.results, key=self._place)
        found = [turn.results[each] for each in ordered]
        content = [*turn.result_images, *turn.parts]
        if content:
            found.append({"role": "user", "content": _plain(content)})
        return found

    def _place(self, call_id: str) -> int:
        return self._called.index(call_id) if call_id in self._called else len(self._called)

    def _result(self, block: Json, at: str, turn: _Turn) -> None:
        call_id = as_text(block.get("tool_use_id"), f"{at}.tool_use_id")
        known = ("type", "tool_use_id", "content", "is_error", "cache_control")
        self._losses.note_unknown(block, known, at="tool_result.")
        texts = [_FAILED] if block.get("is_error") is True else []
        images: list[Json] = []
        inner = _blocks(block.get("content") or "", f"{at}.content")
        for number, each in enumerate(inner):
            if each.get("type") == "image":
                images.append(_image(each, f"{at}.content.{number}", self._can))
            else:
                texts.append(self._text(each, f"{at}.content.{number}")["text"])
        if images:
            texts = texts or [ONLY_IMAGES]
            caption = {"type": "text", "text": IMAGES_OF.format(id=call_id)}
            turn.result_images += [caption, *images]
        if call_id in turn.results:
            raise unsupported(f"{at}.tool_use_id", "two results for one call")
        message = {"role": "tool", "tool_call_id": call_id, "content": "\n".join(texts)}
        turn.results[call_id] = self._marked(message, block)


def _blocks(content: object, at: str) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [as_object(each, f"{at}.{n}") for n, each in enumerate(as_list(content, at))]


def _call(block: Json, at: str) -> Json:
    arguments = as_object(block.get("input"), f"{at}.input")
    return {
        "id": as_text(block.get("id"), f"{at}.id"),
        "type": "function",
        "function": {
            "name": as_text(block.get("name"), f"{at}.name"),
            "arguments": json.dumps(arguments, ensure_ascii=False),
        },
    }


def _image(block: Json, at: str, can: Capabilities) -> Json:
    source = as_object(block.get("source"), f"{at}.source")
    if source.get("type") == "url":
        url = as_text(source.get("url"), f"{at}.source.url")
    elif source.get("type") == "base64":
        media = as_text(source.get("media_type"), f"{at}.source.media_type")
        url = f"data:{media};base64,{as_text(source.get('data'), f'{at}.source.data')}"
    else:
        raise unsupported(f"{at}.source.type")
    address = image_address(url, f"{at}.source", can)
    return {"type": "image_url", "image_url": {"url": address}}


def _plain(content: list[Json]) -> str | list[Json]:
    """One text alone is sent as text: engines with simple chat templates take nothing else."""
    if len(content) == 1 and content[0].keys() == {"type", "text"}:
        return str(content[0]["text"])
    return content
