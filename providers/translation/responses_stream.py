"""Hub to responses: chat chunks become items, each told by its events, and then the whole response.

Items have numbers of their own, so calls whose arguments come interleaved are told as they come.
Words end when something else begins. A call ends only with the reply: some clients run a tool as
soon as its item is done, and must not do so for an answer that then breaks off.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import orjson

from providers.translation.ending import Ending, responses_usage
from providers.translation.hub import Json, ToolName
from providers.translation.responses_tools import plain_input

_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
}
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


@dataclass(slots=True)
class _Part:
    """Words of one kind: `output_text`, `refusal` or `reasoning_text`."""

    kind: str
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def value(self, text: str) -> Json:
        if self.kind == "output_text":
            return {"type": self.kind, "text": text, "annotations": [], "logprobs": []}
        return {"type": self.kind, "refusal" if self.kind == "refusal" else "text": text}


@dataclass(slots=True)
class _Item:
    """One item of the output. `parts` are an item's words, `arguments` those of a call."""

    kind: str
    index: int
    id: str
    status: str = "in_progress"
    parts: list[_Part] = field(default_factory=list)
    call_id: str = ""
    tool: ToolName = field(default_factory=lambda: ToolName(""))
    arguments: list[str] = field(default_factory=list)

    def value(self) -> Json:
        """The item as it stands now."""
        head: Json = {"id": self.id, "type": self.kind, "status": self.status}
        if self.kind == "message":
            content = [part.value(part.text) for part in self.parts]
            return {**head, "role": "assistant", "content": content}
        if self.kind == "reasoning":
            return {**head, "summary": [], "content": [p.value(p.text) for p in self.parts]}
        named = {"call_id": self.call_id, "name": self.tool.name}
        if self.tool.namespace is not None:
            named["namespace"] = self.tool.namespace
        written = "".join(self.arguments)
        if self.tool.is_plain:
            text = plain_input(written) if self.status == "completed" else ""
            return {**head, **named, "input": text}
        return {**head, **named, "arguments": written}


@dataclass(slots=True)
class _Call:
    """A call of the hub's, and the item it is told by once its name is known."""

    call_id: str = ""
    name: str = ""
    waiting: list[str] = field(default_factory=list)
    item: _Item | None = None


class ResponsesStream:
    """One streamed reply as the events of a response. `unix_time` dates its end, in seconds.

    `names` gives the client's names of tools; `echo` what the response repeats of its request.
    """

    def __init__(
        self,
        *,
        reply_id: str | None,
        model: str,
        created: int,
        unix_time: Callable[[], float],
        names: Mapping[str, ToolName],
        echo: Json,
    ) -> None:
        self._id = reply_id or ""
        self._model = model
        self._created = created
        self._unix_time = unix_time
        self._names = names
        self._echo = echo
        self._events = 0
        self._items: list[_Item] = []
        self._speaking: _Item | None = None
        self._calls: dict[int, _Call] = {}
        self._finish_reason = "stop"
        self._has_begun = False

    def encode(self, chunk: Json) -> bytes:
        """See `ReplyEncoder`."""
        if not self._has_begun:
            self._id = self._id or str(chunk.get("id") or "")
        found = b""
        for choice in chunk.get("choices") or []:
            if choice.get("index"):
                continue  # a response is one answer
            self._finish_reason = choice.get("finish_reason") or self._finish_reason
            found += self._take(choice.get("delta") or {})
        return found

    def close(self, ending: Ending) -> bytes:
        """See `ReplyEncoder`."""
        found = self._begin()
        reason = _INCOMPLETE.get(self._finish_reason)
        found += self._stop_speaking("completed" if reason is None else "incomplete")
        for item in self._items:
            if item.kind in ("function_call", "custom_tool_call"):
                found += self._finish_call(item) if reason is None else self._leave_call(item)
        kind = "response.completed" if reason is None else "response.incomplete"
        return found + self._event(kind, response=self.response(ending))

    def response(self, ending: Ending) -> Json:
        """The whole response, once `close` has been called."""
        reason = _INCOMPLETE.get(self._finish_reason)
        value = self._response("completed" if reason is None else "incomplete")
        value["completed_at"] = int(self._unix_time()) if reason is None else None
        value["incomplete_details"] = None if reason is None else {"reason": reason}
        value["usage"] = responses_usage(ending.usage)
        value["service_tier"] = ending.service_tier or value["service_tier"]
        return value

    # Taking chunks in.

    def _take(self, delta: Json) -> bytes:
        found = b""
        if delta.get("reasoning_content"):
            found += self._say("reasoning", "reasoning_text", delta["reasoning_content"])
        if delta.get("content"):
            found += self._say("message", "output_text", delta["content"])
        if delta.get("refusal"):
            found += self._say("message", "refusal", delta["refusal"])
        for call in delta.get("tool_calls") or []:
            found += self._take_call(call)
        return found

    def _take_call(self, given: Json) -> bytes:
        at, call_id = given.get("index") or 0, given.get("id") or ""
        function = given.get("function") or {}
        call = self._calls.get(at)
        # Some engines number every parallel call 0: a new id is a new call.
        if call is None or (call_id and call.call_id and call_id != call.call_id):
            call = self._calls[at] = _Call()
        call.call_id = call.call_id or call_id
        call.name = call.name or function.get("name") or ""
        if function.get("arguments"):
            call.waiting.append(function["arguments"])
        if call.item is None and not (call.name and (call.call_id or call.waiting)):
            return b""
        return self._tell_call(call)

    def _tell_call(self, call: _Call) -> bytes:
        found = b""
        if call.item is None:
            tool = self._names.get(call.name) or ToolName(call.name)
            found += self._stop_speaking("completed")
            kind = "custom_tool_call" if tool.is_plain else "function_call"
            item = call.item = self._new_item(kind)
            item.call_id, item.tool = call.call_id or f"call_{item.id}", tool
            found = self._begin() + found + self._item_event("response.output_item.added", item)
        said = "".join(call.waiting)
        call.waiting.clear()
        call.item.arguments.append(said)
        if said and not call.item.tool.is_plain:
            kind = "response.function_call_arguments.delta"
            found += self._event(kind, **_place(call.item), delta=said)
        return found

    # Telling.

    def _begin(self) -> bytes:
        if self._has_begun:
            return b""
        self._has_begun = True
        response = {**self._response("in_progress"), "completed_at": None, "usage": None}
        opened = self._event("response.created", response=response)
        return opened + self._event("response.in_progress", response=response)

    def _say(self, kind: str, part_kind: str, text: str) -> bytes:
        found = self._begin()
        item = self._speaking
        if item is None or item.kind != kind:
            found += self._stop_speaking("completed")
            item = self._speaking = self._new_item(kind)
            found += self._item_event("response.output_item.added", item)
        if not item.parts or item.parts[-1].kind != part_kind:
            found += self._stop_part(item)
            item.parts.append(_Part(part_kind))
            found += self._part_event("response.content_part.added", item, item.parts[-1])
        item.parts[-1].pieces.append(text)
        more: Json = {"logprobs": []} if part_kind == "output_text" else {}
        return found + self._event(
            f"response.{part_kind}.delta", **_place_in(item), delta=text, **more
        )

    def _stop_part(self, item: _Item) -> bytes:
        if not item.parts:
            return b""
        part = item.parts[-1]
        told = {"refusal" if part.kind == "refusal" else "text": part.text}
        more: Json = {"logprobs": []} if part.kind == "output_text" else {}
        done = self._event(f"response.{part.kind}.done", **_place_in(item), **told, **more)
        return done + self._part_event("response.content_part.done", item, part)

    def _stop_speaking(self, status: str) -> bytes:
        item, self._speaking = self._speaking, None
        if item is None:
            return b""
        found = self._stop_part(item)
        item.status = status
        return found + self._item_event("response.output_item.done", item)

    def _finish_call(self, item: _Item) -> bytes:
        item.status = "completed"
        value = item.value()
        if item.tool.is_plain:
            text = value["input"]
            found = self._event("response.custom_tool_call_input.delta", **_place(item), delta=text)
            found += self._event("response.custom_tool_call_input.done", **_place(item), input=text)
        else:
            found = self._event(
                "response.function_call_arguments.done",
                **_place(item),
                name=item.tool.name,
                arguments=value["arguments"],
            )
        return found + self._item_event("response.output_item.done", item)

    @staticmethod
    def _leave_call(item: _Item) -> bytes:
        """The model was stopped in the middle of it: nobody is told that it is done."""
        item.status = "incomplete"
        return b""

    def _new_item(self, kind: str) -> _Item:
        index = len(self._items)
        item = _Item(kind, index, f"{_PREFIXES[kind]}_{self._id or 'unnamed'}_{index}")
        self._items.append(item)
        return item

    def _item_event(self, kind: str, item: _Item) -> bytes:
        return self._event(kind, output_index=item.index, item=item.value())

    def _part_event(self, kind: str, item: _Item, part: _Part) -> bytes:
        text = part.text if kind.endswith("done") else ""
        return self._event(kind, **_place_in(item), part=part.value(text))

    def _response(self, status: str) -> Json:
        return {
            **self._echo,
            "id": response_id(self._id),
            "object": "response",
            "created_at": self._created,
            "status": status,
            "model": self._model,
            "output": [item.value() for item in self._items],
        }

    def _event(self, kind: str, **members: object) -> bytes:
        value = {"type": kind, "sequence_number": self._events, **members}
        self._events += 1
        return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(value) + b"\n\n"


def response_id(chat_id: str) -> str:
    """A response id in OpenAI's form that still shows the vendor's own."""
    return chat_id if chat_id.startswith("resp_") else f"resp_{chat_id or 'unnamed'}"


def responses_document(reply: Json, stream: ResponsesStream, ending: Ending) -> bytes:
    """A whole reply as one document: what `stream` comes to, given all of it at once."""
    for choice in (reply.get("choices") or [])[:1]:
        message = dict(choice.get("message") or {})
        calls = enumerate(message.get("tool_calls") or [])
        message["tool_calls"] = [{**call, "index": at} for at, call in calls]
        stream.encode({**reply, "choices": [{**choice, "index": 0, "delta": message}]})
    stream.close(ending)
    return orjson.dumps(stream.response(ending))


def _place(item: _Item) -> Json:
    return {"item_id": item.id, "output_index": item.index}


def _place_in(item: _Item) -> Json:
    return {**_place(item), "content_index": len(item.parts) - 1}
