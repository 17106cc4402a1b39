"""The conversation of a Gemini request, turn by turn, as chat messages.

Gemini seldom names a call: a response belongs to the oldest open call of its name.
"""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from providers.translation.gemini_spelling import each_of
from providers.translation.hub import (
    IMAGES_OF,
    ONLY_IMAGES,
    Capabilities,
    Json,
    Losses,
    as_object,
    as_text,
    image_address,
    unsupported,
)

_FAILED: Final = "[the tool reported an error]"
_PART: Final = frozenset(("text", "inlineData", "functionCall", "functionResponse"))
_LOST: Final = ("thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata")
_BESIDE: Final = frozenset(("thought", *_LOST))


@dataclass(slots=True)
class _Turn:
    """Contents of one side that follow each other: chat wants tool results first."""

    is_models: bool
    parts: list[tuple[str, Json]] = field(default_factory=list)


@dataclass(slots=True)
class _Call:
    """A call that the model made, and its result once that has come."""

    id: str
    name: str
    result: Json | None = None


class GeminiHistory:
    """Reads one conversation. `losses` learns what was left out."""

    def __init__(self, can: Capabilities, losses: Losses) -> None:
        self._can = can
        self._losses = losses
        # Of the latest turn of the model: its calls by their ids, and those of each name that wait.
        self._calls: dict[str, _Call] = {}
        self._waiting: dict[str, deque[_Call]] = {}
        self._turn = 0

    @property
    def ends_with_calls(self) -> bool:
        """Whether the latest turn of the model called tools."""
        return bool(self._calls)

    def read(self, contents: object) -> list[Json]:
        """The conversation as chat messages. Raises `UnsupportedFeature` naming the part."""
        found: list[Json] = []
        for turn in self._turns(contents):
            self._turn += 1
            found += self._models(turn) if turn.is_models else self._users(turn)
        return found

    def _turns(self, contents: object) -> Iterator[_Turn]:
        turn: _Turn | None = None
        for path, content in each_of(contents, "contents"):
            self._losses.note_unknown(content, ("role", "parts"), at="contents.")
            role = content.get("role")
            if role not in (None, "user", "model", "function"):
                raise unsupported(f"{path}.role")
            if turn is None or turn.is_models != (role == "model"):
                if turn is not None:
                    yield turn
                turn = _Turn(role == "model")
            turn.parts += each_of(content.get("parts") or [], f"{path}.parts")
        if turn is not None:
            yield turn

    def _kind(self, part: Json, at: str) -> str:
        """Which kind of part this is; its signature, if it has one, stays here."""
        for name in _LOST:
            if part.get(name) is not None:
                self._losses.note(f"contents.{name}")
        kinds = [name for name in part if part[name] is not None and name not in _BESIDE]
        if not kinds:
            return "nothing"
        if len(kinds) > 1 or kinds[0] not in _PART:
            raise unsupported(f"{at}.{kinds[-1]}")
        return kinds[0]

    # The model's turns.

    def _models(self, turn: _Turn) -> list[Json]:
        texts: list[str] = []
        thoughts: list[str] = []
        calls: list[Json] = []
        self._calls, self._waiting = {}, {}
        for at, part in turn.parts:
            kind = self._kind(part, at)
            if kind == "text":
                text = as_text(part["text"], f"{at}.text")
                if part.get("thought") is not True:
                    texts.append(text)
                elif part.get("thoughtSignature") is not None or self._can.anthropic:
                    self._losses.note("contents.thought")
                else:
                    thoughts.append(text)
            elif kind == "functionCall":
                calls.append(self._call(as_object(part["functionCall"], at), f"{at}.functionCall"))
            elif kind != "nothing":
                raise unsupported(f"{at}.{kind}")
        text = "".join(texts)
        if not (text or calls):
            return []
        message: Json = {"role": "assistant", "content": text or None}
        if thoughts:
            message["reasoning_content"] = "".join(thoughts)
        if calls:
            message["tool_calls"] = calls
        return [message]

    def _call(self, call: Json, at: str) -> Json:
        self._losses.note_unknown(call, ("id", "name", "args"), at="functionCall.")
        name = as_text(call.get("name"), f"{at}.name")
        given = as_text(call["id"], f"{at}.id") if call.get("id") else ""
        call_id = given or f"call_{self._turn}_{len(self._calls)}"
        if call_id in self._calls:
            raise unsupported(f"{at}.id", "two calls of one id")
        made = self._calls[call_id] = _Call(call_id, name)
        self._waiting.setdefault(name, deque()).append(made)
        arguments = as_object(call.get("args") or {}, f"{at}.args")
        written = json.dumps(arguments, ensure_ascii=False)
        return {
            "id": call_id,
            "type": "function",
            "function": {"name": name, "arguments": written},
        }

    # The user's turns.

    def _users(self, turn: _Turn) -> list[Json]:
        content: list[Json] = []
        images: list[Json] = []
        for at, part in turn.parts:
            kind = self._kind(part, at)
            if kind == "text":
                content.append({"type": "text", "text": as_text(part["text"], f"{at}.text")})
            elif kind == "inlineData":
                content.append(self._image(part["inlineData"], f"{at}.inlineData"))
            elif kind == "functionResponse":
                response = as_object(part["functionResponse"], f"{at}.functionResponse")
                images += self._result(response, f"{at}.functionResponse")
            elif kind != "nothing":
                raise unsupported(f"{at}.{kind}")
        found = [call.result for call in self._calls.values() if call.result is not None]
        if images or content:
            found.append({"role": "user", "content": _plain([*images, *content])})
        return found

    def _result(self, response: Json, at: str) -> list[Json]:
        """Note what a tool answered; returns the images it came with."""
        known = ("id", "name", "response", "parts", "willContinue", "scheduling")
        self._losses.note_unknown(response, known, at="functionResponse.")
        name = as_text(response.get("name"), f"{at}.name")
        call = self._open_call(name, response.get("id"), at)
        text = _told(as_object(response.get("response") or {}, f"{at}.response"))
        parts = each_of(response.get("parts") or [], f"{at}.parts")
        images = [self._image(each.get("inlineData"), f"{path}.inlineData") for path, each in parts]
        call.result = {
            "role": "tool",
            "tool_call_id": call.id,
            "content": text if text or not images else ONLY_IMAGES,
        }
        if not images:
            return []
        return [{"type": "text", "text": IMAGES_OF.format(id=call.id)}, *images]

    def _open_call(self, name: str, call_id: object, at: str) -> _Call:
        """The call that this answers: by its id, else the oldest open one of that name."""
        found = self._calls.get(call_id) if isinstance(call_id, str) else None
        if found is not None and found.result is None:
            return found
        waiting = self._waiting.get(name, deque())
        while waiting and waiting[0].result is not None:
            waiting.popleft()
        if not waiting:
            raise unsupported(at, "no call of the turn before waits for this response")
        return waiting[0]

    def _image(self, value: object, at: str) -> Json:
        blob = as_object(value, at)
        self._losses.note_unknown(blob, ("mimeType", "data", "displayName"), at="inlineData.")
        media = as_text(blob.get("mimeType"), f"{at}.mimeType")
        if not media.lower().startswith("image/"):
            raise unsupported(f"{at}.mimeType", "only images can be carried to this model")
        address = f"data:{media};base64,{as_text(blob.get('data'), f'{at}.data')}"
        return {"type": "image_url", "image_url": {"url": image_address(address, at, self._can)}}


def _told(response: Json) -> str:
    """What a function answered: its `output`, or its `error`, or else all of it.

    https://ai.google.dev/api/caching#FunctionResponse
    """
    if response.keys() == {"output"}:
        return _as_text(response["output"])
    if response.keys() == {"error"}:
        return f"{_FAILED}\n{_as_text(response['error'])}"
    return _as_text(response) if response else ""


def _as_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(content: list[Json]) -> str | list[Json]:
    """Texts alone are sent as one text: engines with simple chat templates take nothing else."""
    if all(each["type"] == "text" for each in content):
        return "\n\n".join(str(each["text"]) for each in content)
    return content
