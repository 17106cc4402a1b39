"""Hub to messages, streamed: chat chunks become Anthropic's events, block after block.

Anthropic's blocks follow one another, while chat may interleave the arguments of parallel calls.
So one block is live and those behind it wait: text and thinking end when something else begins,
a tool call when its arguments are whole JSON, and whatever waits is told at the end.
"""

from dataclasses import dataclass, field

import orjson

from providers.translation.ending import Ending, messages_usage, stop_reason
from providers.translation.hub import Json


class LateArguments(Exception):
    """The upstream added to the arguments of a call that it had brought to an end."""


@dataclass(slots=True)
class _Block:
    """One content block. `pieces` wait to be told; `told` is what the client has."""

    kind: str  # text, thinking, tool_use, redacted_thinking
    call_id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    signature: str = ""
    data: str = ""
    is_open: bool = False
    is_closed: bool = False

    @property
    def may_open(self) -> bool:
        return self.kind != "tool_use" or bool(self.name and (self.call_id or self.pieces))

    @property
    def may_close(self) -> bool:
        if self.kind != "tool_use":
            return True
        try:
            orjson.loads("".join([*self.told, *self.pieces]))
        except orjson.JSONDecodeError:
            return False
        return self.may_open


class MessagesStream:
    """One streamed reply as Anthropic's events.

    `signed`: the upstream is Anthropic's kind, its thinking bears signatures worth keeping.
    """

    def __init__(self, *, reply_id: str | None, model: str, signed: bool = False) -> None:
        self._signed = signed
        self._id = reply_id or ""
        self._model = model
        self._index = 0  # of the block at the head
        self._blocks: list[_Block] = []
        self._calls: dict[int, _Block] = {}
        self._has_begun = False
        self._has_called = False
        self._finish_reason = "stop"

    def encode(self, chunk: Json) -> bytes:
        """See `ReplyEncoder`. Raises `LateArguments`."""
        self._id = self._id or str(chunk.get("id") or "")
        for choice in chunk.get("choices") or []:
            if choice.get("index"):
                continue  # messages has one answer
            self._finish_reason = choice.get("finish_reason") or self._finish_reason
            self._take(choice.get("delta") or {})
        return self._begin() + self._advance() if self._blocks else b""

    def close(self, ending: Ending) -> bytes:
        """See `ReplyEncoder`."""
        found = self._begin() + self._advance()
        while self._blocks:
            found += self._tell(self._blocks[0], is_last=True) + self._stop_head()
            found += self._advance()
        reason = stop_reason(self._finish_reason, ending, called_tools=self._has_called)
        sequence = ending.stop_sequence if reason == "stop_sequence" else None
        delta = {"stop_reason": reason, "stop_sequence": sequence}
        usage = messages_usage(ending.usage, ending.service_tier)
        found += _event({"type": "message_delta", "delta": delta, "usage": usage})
        return found + _event({"type": "message_stop"})

    # Taking chunks in.

    def _take(self, delta: Json) -> None:
        thoughts = delta.get("thinking_blocks")
        if thoughts and self._signed:
            for each in thoughts:
                self._take_thought(each)
        elif delta.get("reasoning_content"):
            self._latest("thinking").pieces.append(delta["reasoning_content"])
        for text in (delta.get("content"), delta.get("refusal")):
            if text:
                self._latest("text").pieces.append(text)
        for call in delta.get("tool_calls") or []:
            self._take_call(call)

    def _take_thought(self, thought: Json) -> None:
        if thought.get("type") == "redacted_thinking":
            self._blocks.append(_Block("redacted_thinking", data=thought.get("data") or ""))
            return
        block = self._latest("thinking")
        if thought.get("thinking"):
            block.pieces.append(thought["thinking"])
        block.signature += thought.get("signature") or ""

    def _latest(self, kind: str) -> _Block:
        if not self._blocks or self._blocks[-1].kind != kind:
            self._blocks.append(_Block(kind))
        return self._blocks[-1]

    def _take_call(self, call: Json) -> None:
        at = call.get("index") or 0
        call_id, function = call.get("id") or "", call.get("function") or {}
        block = self._calls.get(at)
        # Some engines number every parallel call 0: a new id is a new call.
        if block is None or (call_id and block.call_id and call_id != block.call_id):
            block = self._calls[at] = _Block("tool_use")
            self._blocks.append(block)
            self._has_called = True
        block.call_id = block.call_id or call_id
        block.name = block.name or function.get("name") or ""
        arguments = function.get("arguments")
        if arguments and block.is_closed and arguments.strip():
            raise LateArguments
        if arguments:
            block.pieces.append(arguments)

    # Telling what may be told.

    def _begin(self) -> bytes:
        if self._has_begun:
            return b""
        self._has_begun = True
        message: Json = {
            "id": message_id(self._id),
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        return _event({"type": "message_start", "message": message})

    def _advance(self) -> bytes:
        found = b""
        while self._blocks:
            found += self._tell(self._blocks[0])
            if len(self._blocks) == 1 or not self._blocks[0].may_close:
                break
            found += self._stop_head()
        return found

    def _tell(self, block: _Block, *, is_last: bool = False) -> bytes:
        if not (block.may_open or is_last):
            return b""
        found = b""
        if not block.is_open:
            block.is_open = True
            found += self._block_event("content_block_start", content_block=self._opening(block))
        text = "".join(block.pieces)
        if text:
            block.told.append(text)
            block.pieces.clear()
            found += self._block_event("content_block_delta", delta=_delta(block.kind, text))
        return found

    def _stop_head(self) -> bytes:
        block = self._blocks.pop(0)
        block.is_closed = True
        found = b""
        if block.signature:
            delta = {"type": "signature_delta", "signature": block.signature}
            found = self._block_event("content_block_delta", delta=delta)
        found += self._block_event("content_block_stop")
        self._index += 1
        return found

    def _opening(self, block: _Block) -> Json:
        if block.kind == "tool_use":
            call_id = block.call_id or f"toolu_{self._id}_{self._index}"
            return {"type": "tool_use", "id": call_id, "name": block.name, "input": {}}
        if block.kind == "thinking":
            return {"type": "thinking", "thinking": "", "signature": ""}
        if block.kind == "redacted_thinking":
            return {"type": "redacted_thinking", "data": block.data}
        return {"type": "text", "text": ""}

    def _block_event(self, kind: str, **members: object) -> bytes:
        return _event({"type": kind, "index": self._index, **members})


def message_id(chat_id: str) -> str:
    """A message id in Anthropic's form that still shows the vendor's own."""
    return chat_id if chat_id.startswith("msg_") else f"msg_{chat_id or 'unnamed'}"


def _delta(kind: str, text: str) -> Json:
    if kind == "tool_use":
        return {"type": "input_json_delta", "partial_json": text}
    if kind == "thinking":
        return {"type": "thinking_delta", "thinking": text}
    return {"type": "text_delta", "text": text}


def _event(value: Json) -> bytes:
    return b"event: " + str(value["type"]).encode() + b"\ndata: " + orjson.dumps(value) + b"\n\n"
