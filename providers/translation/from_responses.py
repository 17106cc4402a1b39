"""What an upstream answers on OpenAI's responses, as the hub's chat chunks or its chat document.

Engines leave out events and numbers that OpenAI sends: what an item or the whole response says in
the end supplies what was not streamed, and must not contradict what was.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import orjson

from providers.translation.hub import Json
from providers.translation.response_items import (
    CALL,
    THOUGHTS,
    WORDS,
    Item,
    Items,
    Named,
    StrangeReply,
)
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
_WORDS = ("content", "refusal")
_REASONING, _ARGUMENTS = "reasoning_content", "arguments"
_PARAGRAPH = "\n\n"


class UpstreamResponse:
    """Reads one reply. Every method raises `StrangeReply`."""

    def __init__(self) -> None:
        self._items = Items()
        self._reply_id = ""
        self._calls = 0  # that the client was told of
        self._spoke: dict[str, Item] = {}  # the item whose words of that name came last
        self._starts_part = False  # of a summary

    def read(self, event: Json) -> list[Json]:
        """The chunks that one event comes to."""
        kind, response = event.get("type"), _object(event.get("response"))
        self._reply_id = self._reply_id or _text(response.get("id"))
        if kind in RESPONSE_ENDS:
            return [*map(_chunk, self._end(response)), self._finish(event)]
        return [_chunk(delta) for delta in self._deltas(str(kind), event)]

    def document(self, response: Json) -> Json:
        """A whole response as a chat document."""
        self._reply_id = _text(response.get("id"))
        message = _message(chain.from_iterable(map(self._stands, _objects(response.get("output")))))
        choice = {"index": 0, "message": message, "finish_reason": self._reason(response)}
        return {"choices": [choice], "usage": chat_usage(response.get("usage"))}

    def _deltas(self, kind: str, event: Json) -> Iterator[Json]:
        if kind in _SPOKEN:
            yield from self._hear(kind, event)
        elif kind == "response.output_item.added":
            yield from self._added(_object(event.get("item")), event)
        elif kind == "response.reasoning_summary_part.added":
            self._starts_part = True
        elif kind == "response.function_call_arguments.delta":
            if (call := self._call_at(event)) is not None:
                yield from self._argue(call, _text(event.get("delta")))
        elif kind == "response.function_call_arguments.done":
            if (call := self._call_at(event)) is not None:
                yield from self._conclude(call, _text(event.get("arguments")))
        elif kind == "response.output_item.done":
            item = _object(event.get("item"))
            _check(item)
            yield from self._supply(self._items.at(Named.of_item(item, event)), item)

    def _added(self, item: Json, event: Json) -> Iterator[Json]:
        _check(item)
        begun = self._items.begin(Named.of_item(item, event))
        if begun.kind == CALL and item.get("name") and not begun.is_told:
            yield self._open(begun, item)

    def _stands(self, item: Json) -> Iterator[Json]:
        """An item of a whole response, of which nobody was told before."""
        _check(item)
        yield from self._supply(self._items.begin(Named.of_item(item, {})), item)

    def _supply(self, told: Item, item: Json) -> Iterator[Json]:
        """All that an item says, less what was told of it."""
        told.is_done = True
        if told.kind == CALL:
            yield from self._call_done(told, item)
        elif told.kind == WORDS:
            for name, whole in _words(item).items():
                if rest := self._items.rest(told, name, whole, _same_words):
                    yield self._say(told, name, rest)
        elif told.kind == THOUGHTS and not told.is_told and (thoughts := _thoughts(item)):
            yield self._say(told, _REASONING, thoughts)

    # Words.

    def _hear(self, kind: str, event: Json) -> Iterator[Json]:
        name, text = _SPOKEN[kind], _text(event.get("delta"))
        if not text:
            return
        if name != _REASONING:
            item = self._items.at(Named.of_event(WORDS, event))
            self._items.add(item, name, text)
            yield self._say(item, name, text)
            return
        item = self._items.at(Named.of_event(THOUGHTS, event))
        item.thinks_by = item.thinks_by or kind
        if kind == item.thinks_by:  # else the same thoughts, once in full and once in short
            item.is_told = True
            yield self._say(item, name, text)

    def _say(self, item: Item, name: str, text: str) -> Json:
        last, self._spoke[name] = self._spoke.get(name), item
        is_apart = last is not None and last is not item
        if name == _REASONING:
            is_apart = is_apart or (self._starts_part and last is not None)
            self._starts_part = False
        return {name: _PARAGRAPH + text if is_apart else text}

    # Calls.

    def _call_at(self, event: Json) -> Item | None:
        """The call that an event adds to; None where the client could not be told of it yet."""
        call = self._items.find(Named.of_event(CALL, event))
        return call if call is not None and call.is_told else None

    def _call_done(self, call: Item, item: Json) -> Iterator[Json]:
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
        opened = {"index": call.index, "id": self._call_id(item, call), "type": "function"}
        return {"tool_calls": [{**opened, "function": function}]}

    def _call_id(self, item: Json, call: Item) -> str:
        """What its result will be sent back under. The item's own id is another one, but for want.

        One that is made up is the only one in the conversation, if the reply's id is.
        """
        parts = filter(None, ("call", self._reply_id, str(call.index)))
        return _text(item.get("call_id")) or _text(item.get("id")) or "_".join(parts)

    def _argue(self, call: Item, piece: str) -> Iterator[Json]:
        if piece:
            self._items.add(call, _ARGUMENTS, piece)
            yield _argued(call, piece)

    def _conclude(self, call: Item, whole: str) -> Iterator[Json]:
        """All of a call's arguments: tells the rest of what was told piece by piece."""
        if rest := self._items.rest(call, _ARGUMENTS, whole, _same_json):
            yield _argued(call, rest)

    # The end.

    def _end(self, response: Json) -> Iterator[Json]:
        """What the whole response tells of calls and words that no event told."""
        output = _objects(response.get("output"))
        for item in output:
            _check(item)
        kinds = {CALL} if self._has_said_all(output) else {CALL, WORDS}
        # Engines open messages that then say nothing, and leave them out in the end.
        output = [each for each in output if each["type"] in kinds and _says_anything(each)]
        named = [Named.of_item(item, {}) for item in output]
        pairs = zip(output, named, self._items.paired(named), strict=True)
        for item, names, told in pairs:
            yield from self._supply(told or self._items.begin(names), item)

    def _has_said_all(self, output: list[Json]) -> bool:
        """All words were told, maybe in other messages than the whole response has."""
        items, messages = self._items.told(WORDS), [_words(each) for each in output]
        told = ["".join(item.texts[name].getvalue() for item in items) for name in _WORDS]
        whole = ["".join(words.get(name, "") for words in messages) for name in _WORDS]
        return all(map(_same_words, told, whole))

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


def _check(item: Json) -> None:
    kind = str(item.get("type"))
    if kind not in (WORDS, THOUGHTS, CALL) and kind not in _TRACES:
        raise StrangeReply(f"the model's answer holds a {kind[:48]}, unknown here")


def _words(item: Json) -> dict[str, str]:
    """What a message says, by the hub's names."""
    if item.get("type") != WORDS:
        return {}
    pieces: defaultdict[str, list[str]] = defaultdict(list)
    for part in _objects(item.get("content")):
        name, member = _PARTS.get(str(part.get("type")), ("content", "text"))
        pieces[name].append(_text(part.get(member)))
    return {name: "".join(said) for name, said in pieces.items()}


def _thoughts(item: Json) -> str:
    """Reasoning in full; its summary for want of it."""
    full = "".join(_text(part.get("text")) for part in _objects(item.get("content")))
    short = [_text(part.get("text")) for part in _objects(item.get("summary"))]
    return full or _PARAGRAPH.join(filter(None, short))


def _says_anything(item: Json) -> bool:
    return item.get("type") == CALL or any(_words(item).values())


def _argued(call: Item, piece: str) -> Json:
    return {"tool_calls": [{"index": call.index, "function": {"arguments": piece}}]}


def _chunk(delta: Json, finish_reason: str | None = None) -> Json:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def _message(deltas: Iterable[Json]) -> Json:
    said: defaultdict[str, list[str]] = defaultdict(list)
    calls: dict[int, Json] = {}
    for delta in deltas:
        for name in delta.keys() - {"tool_calls"}:
            said[name].append(delta[name])
        for piece in delta.get("tool_calls", ()):
            call = calls.setdefault(piece["index"], piece)
            call["function"].update(piece["function"])  # its name first, then all its arguments
    message = {"role": "assistant", "content": None}
    message |= {name: "".join(pieces) for name, pieces in said.items()}
    return {**message, "tool_calls": list(calls.values())} if calls else message


def _same_words(one: str, other: str) -> bool:
    """Engines trim what they streamed."""
    return one == other or "".join(one.split()) == "".join(other.split())


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
