"""What an upstream answers on OpenAI's responses, as the hub's chat chunks or its chat document.

Engines leave out events and numbers that OpenAI sends: what an item or the whole response says in
the end supplies what was not streamed, and must not contradict what was.
"""

from collections.abc import Iterator
from typing import Any

import orjson

from providers.translation.hub import Json
from providers.translation.response_items import CALL, Item, Items, Named, StrangeReply
from providers.translation.watch import RESPONSE_ENDS

_SPOKEN = {
    "response.output_text.delta": "content",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning_content",
    "response.reasoning_summary_text.delta": "reasoning_content",
}
_PARTS = {"output_text": ("content", "text"), "refusal": ("refusal", "refusal")}
# Traces of what the upstream did by itself on the way to its answer.
_TRACES = frozenset(
    {"web_search_call", "file_search_call", "code_interpreter_call", "mcp_call", "mcp_list_tools"}
)
_PARAGRAPH = "\n\n"


class UpstreamResponse:
    """Reads one reply. Every method raises `StrangeReply`."""

    def __init__(self) -> None:
        self._items = Items()
        self._calls = 0  # that the client was told of
        self._said: set[str] = set()
        self._has_said_item = False  # words of the item that is being streamed
        self._starts_paragraph = False
        self._thinks_by: str | None = None  # which of two kinds of event tells its reasoning

    def read(self, event: Json) -> list[Json]:
        """The chunks that one event comes to."""
        kind = event.get("type")
        if kind in RESPONSE_ENDS:
            return [*map(_chunk, self._end(_object(event.get("response")))), self._finish(event)]
        return [_chunk(delta) for delta in self._deltas(str(kind), event)]

    def document(self, response: Json) -> Json:
        """A whole response as a chat document."""
        message: Json = {"role": "assistant", "content": None}
        for item in _objects(response.get("output")):
            self._begin(item)
            for delta in self._whole(item, None):
                _add(message, delta)
        choice = {"index": 0, "message": message, "finish_reason": self._reason(response)}
        return {"choices": [choice], "usage": chat_usage(response.get("usage"))}

    def _deltas(self, kind: str, event: Json) -> Iterator[Json]:
        if kind in _SPOKEN:
            yield from self._hear(kind, _text(event.get("delta")))
        elif kind == "response.output_item.added":
            item = _object(event.get("item"))
            self._begin(item)
            if item.get("type") == CALL:
                yield from self._call_begun(item, event)
        elif kind == "response.reasoning_summary_part.added":
            self._starts_paragraph = True
        elif kind == "response.function_call_arguments.delta":
            if (call := self._call_at(event)) is not None:
                yield from self._argue(call, _text(event.get("delta")))
        elif kind == "response.function_call_arguments.done":
            if (call := self._call_at(event)) is not None:
                yield from self._conclude(call, _text(event.get("arguments")))
        elif kind == "response.output_item.done":
            yield from self._done(_object(event.get("item")), event)

    # Words.

    def _hear(self, kind: str, text: str) -> Iterator[Json]:
        name = _SPOKEN[kind]
        if name == "reasoning_content":
            self._thinks_by = self._thinks_by or kind
            if kind != self._thinks_by:
                return  # the same thoughts, once in full and once in short
        yield from self._say(name, text)

    def _say(self, name: str, text: str) -> Iterator[Json]:
        if not text:
            return
        if self._starts_paragraph and name in self._said:
            text = _PARAGRAPH + text
        self._starts_paragraph = False
        self._has_said_item = True
        self._said.add(name)
        yield {name: text}

    # Items.

    def _begin(self, item: Json) -> None:
        self._has_said_item, self._starts_paragraph, self._thinks_by = False, True, None
        kind = item.get("type")
        if kind not in ("message", "reasoning", "function_call") and kind not in _TRACES:
            raise StrangeReply(f"the model's answer holds a {str(kind)[:48]}, unknown here")

    def _done(self, item: Json, event: Json) -> Iterator[Json]:
        if item.get("type") == CALL:
            call = self._items.find(Named.of_item(item, event))
            yield from self._call_done(item, call or self._items.begin(Named.of_item(item, event)))
        elif not self._has_said_item:
            yield from self._whole(item, None)

    def _whole(self, item: Json, told: Item | None) -> Iterator[Json]:
        """All that an item says, less what was told of it: of words nothing was told yet."""
        kind = item.get("type")
        if kind == CALL:
            yield from self._call_done(item, told or self._items.begin(Named.of_item(item, {})))
        elif kind == "message":
            for part in _objects(item.get("content")):
                name, member = _PARTS.get(str(part.get("type")), ("content", "text"))
                yield from self._say(name, _text(part.get(member)))
        elif kind == "reasoning":
            content = _objects(item.get("content"))
            for part in content or _objects(item.get("summary")):
                self._starts_paragraph = self._starts_paragraph or not content
                yield from self._say("reasoning_content", _text(part.get("text")))

    # Calls.

    def _call_begun(self, item: Json, event: Json) -> Iterator[Json]:
        call = self._items.begin(Named.of_item(item, event))
        if item.get("name") and not call.is_told:
            yield self._open(call, item)

    def _call_at(self, event: Json) -> Item | None:
        """The call that an event adds to; None where the client could not be told of it yet."""
        call = self._items.find(Named.of_event(CALL, event))
        return call if call is not None and call.is_told else None

    def _call_done(self, item: Json, call: Item) -> Iterator[Json]:
        call.is_done = True
        name = _text(item.get("name"))
        if not call.is_told:
            yield self._open(call, item)
        elif name and name != call.name:
            raise StrangeReply("the model's server contradicts itself about a tool's name")
        yield from self._conclude(call, _text(item.get("arguments")))

    def _open(self, call: Item, item: Json) -> Json:
        call.is_told, call.index, call.name = True, self._calls, _text(item.get("name"))
        self._calls += 1
        function = {"name": call.name, "arguments": ""}
        opened = {"index": call.index, "id": _call_id(item), "type": "function"}
        return {"tool_calls": [{**opened, "function": function}]}

    @staticmethod
    def _argue(call: Item, piece: str) -> Iterator[Json]:
        if piece:
            call.pieces.append(piece)
            yield {"tool_calls": [{"index": call.index, "function": {"arguments": piece}}]}

    def _conclude(self, call: Item, whole: str) -> Iterator[Json]:
        """All of a call's arguments: tells the rest of what was told piece by piece."""
        told = "".join(call.pieces)
        if whole.startswith(told):
            yield from self._argue(call, whole[len(told) :])
        elif whole and not _same_json(whole, told):
            raise StrangeReply("the model's server contradicts itself about a tool's arguments")

    # The end.

    def _end(self, response: Json) -> Iterator[Json]:
        """What the whole response tells of calls and words that no event told."""
        is_silent = not self._said & {"content", "refusal"}
        output = _objects(response.get("output"))
        told = self._items.paired([Named.of_item(item, {}) for item in output])
        for item, known in zip(output, told, strict=True):
            self._begin(item)
            if item.get("type") == CALL or (item.get("type") == "message" and is_silent):
                yield from self._whole(item, known)

    def _finish(self, event: Json) -> Json:
        response = _object(event.get("response"))
        status = str(event["type"]).removeprefix("response.")
        reason = self._reason({"status": status, **response})
        return {**_chunk({}, reason), "usage": chat_usage(response.get("usage"))}

    def _reason(self, response: Json) -> str:
        if response.get("status") == "incomplete":
            why = _object(response.get("incomplete_details")).get("reason")
            return "content_filter" if why == "content_filter" else "length"
        return "tool_calls" if self._calls else "stop"


def chat_usage(usage: object) -> Json | None:
    """A response's usage under chat's names; None where it told none."""
    if not isinstance(usage, dict):
        return None
    return {
        "prompt_tokens": usage.get("input_tokens"),
        "completion_tokens": usage.get("output_tokens"),
        "total_tokens": usage.get("total_tokens"),
        "prompt_tokens_details": usage.get("input_tokens_details"),
        "completion_tokens_details": usage.get("output_tokens_details"),
    }


def _chunk(delta: Json, finish_reason: str | None = None) -> Json:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def _add(message: Json, delta: Json) -> None:
    for name, said in delta.items():
        if name != "tool_calls":
            message[name] = (message.get(name) or "") + said
            continue
        calls = message.setdefault("tool_calls", [])
        for piece in said:
            if piece["index"] == len(calls):
                calls.append({**piece, "function": dict(piece["function"])})
            else:
                calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]


def _call_id(item: Json) -> str:
    """What its result will be sent back under. The item's own id is another one, but for want."""
    return _text(item.get("call_id")) or _text(item.get("id"))


def _same_json(one: str, other: str) -> bool:
    try:
        return bool(orjson.loads(one) == orjson.loads(other))
    except orjson.JSONDecodeError:
        return False


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
