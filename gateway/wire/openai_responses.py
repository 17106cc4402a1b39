"""OpenAI's responses: the protocol Codex speaks, and others for the newest of OpenAI's models."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import msgspec

from gateway.errors import MalformedRequest
from gateway.exchange import Assistant
from gateway.wire import fields, input_size, phrases, segments, splice
from gateway.wire.base import Answer, Denial, Edited, EstimateTokens, Reading, ReplyFacts
from gateway.wire.openai_form import OpenAiForm
from gateway.wire.openai_responses_reply import ResponsesFacts, ResponsesObserver
from policy.types import Operation, RequestFacts, Segment, Zone
from providers.base import WireName

_TEXT_MEMBERS: Final = ("input", "instructions", "tools", "text")
_CONVERSATION: Final = ("instructions", "input", "previous_response_id")
_LONGEST_ID: Final = 256
_STRING: Final = 0x22
_LIST: Final = 0x5B

# What the gateway cannot answer for: who asked, what it cost, or what the model was shown.
_NOT_OFFERED: Final = (
    ("conversation", "send the whole conversation in 'input'"),
    ("prompt", "send its text in 'instructions' and 'input'"),
)
_HELD_BY_NAME: Final = frozenset(("function", "custom", "namespace"))
# Input items may bring tools, or stand for others. An escaped letter may hide either.
_MARKS: Final = (b'"tools"', b"item_reference", b"\\u00")

# Codex stops at these codes and shows the message; any other failure of a stream it repeats.
# Source: measured with Codex CLI 0.169.0.
_DENIED_STREAM_CODE: Final = "invalid_prompt"
# Ends of ours, said in a stream that had to open before they were known, that are final, too.
_FINAL_CODES: Final = frozenset(("refused", "unsupported_feature", "upstream_rejected"))
_STREAM: Final = ((b"content-type", b"text/event-stream; charset=utf-8"),)
# Of an upstream's own failure these say what to do next, so they reach the client as they came.
_TELLING_CODES: Final = frozenset(
    (
        "context_length_exceeded",
        "cyber_policy",
        "insufficient_quota",
        "invalid_prompt",
        "rate_limit_exceeded",
        "server_is_overloaded",
        "slow_down",
        "usage_not_included",
    )
)


class _Kind(msgspec.Struct):
    """What an item of the input says it is."""

    type: str | None = None
    role: str | None = None


_KINDS: Final = msgspec.json.Decoder(list[_Kind])


@dataclass(frozen=True, slots=True)
class OpenAiResponses(OpenAiForm):
    """`POST /v1/responses`."""

    estimate: EstimateTokens

    name: ClassVar[WireName] = WireName.OPENAI_RESPONSES
    path: ClassVar[str] = "/v1/responses"
    summary: ClassVar[str] = "OpenAI responses, streamed or whole."
    end_marker: ClassVar[bytes] = b""  # `response.completed` is the last event, as at OpenAI

    def read(self, body: bytes) -> Reading:
        """Read the facts. Raises `MalformedRequest` naming what is wrong."""
        values, spans = splice.parse(body)
        model = fields.model_of(values)
        continues = _continued(values)
        _check_input(values, continues)
        _refuse_what_is_kept_elsewhere(values)
        brought = _names_brought_in(values)
        facts = RequestFacts(
            model=model,
            streaming=fields.flag(values, "stream"),
            operation=Operation.CHAT,
            body_bytes=len(body),
            input_tokens_estimate=input_size.estimate_input(
                self.estimate, model, values, _TEXT_MEMBERS, held_in="input"
            ),
            output_tokens_limit=fields.count(values, "max_output_tokens", fields.MOST_TOKENS),
            answers=1,
            tool_names=(
                *fields.names_of_tools(values, ("tools",), _tool_names),
                *brought,
            ),
            read_segments=lambda: _read_segments(values),
            continues=continues,
        )
        return Reading(
            facts, body, spans, lambda: tuple([values.get(name) for name in _CONVERSATION])
        )

    def edit(self, reading: Reading, *, upstream_model: str, ask_for_usage: bool) -> Edited:
        """Put the target's model name into the client's own bytes. Usage comes unasked here."""
        return OpenAiForm.edit(self, reading, upstream_model=upstream_model, ask_for_usage=False)

    def observer(self, facts: RequestFacts, *, asked_for_usage: bool) -> ResponsesObserver:
        """A fresh observer for one reply."""
        return ResponsesObserver()

    def phrase_denial(self, denial: Denial, assistant: Assistant) -> Answer:
        """400, or 429 for a short rate limit.

        Codex prints a 400 as raw JSON: it gets a stream that fails at once, whose message it
        shows as it is. It asks for streams only.
        """
        if denial.retry_after_seconds is None and assistant.name == "codex":
            failed = _failed(_DENIED_STREAM_CODE, denial.message, denial.audit_id, ResponsesFacts())
            return Answer(200, _STREAM, failed)
        return OpenAiForm.phrase_denial(self, denial, assistant)

    def phrase_cut(
        self, code: str, message: str, audit_id: str, seen: ReplyFacts | None = None
    ) -> bytes:
        """`response.failed` and nothing after it: no item is finished, no status made up.

        Its code is the upstream's own where clients act on it, the one of a denial where asking
        again is pointless, else `server_error`: the protocol has a closed list, ours stands in
        the message.
        """
        known = seen if isinstance(seen, ResponsesFacts) else ResponsesFacts()
        message = phrases.with_audit_id(f"{message} [{code}]", audit_id)
        told = known.failure_code if known.failure_code in _TELLING_CODES else None
        if code in _FINAL_CODES:
            told = _DENIED_STREAM_CODE
        return _failed(told or "server_error", message, audit_id, known)


def _continued(values: splice.Members) -> str | None:
    """The id of the response that this request goes on from."""
    if not fields.is_given(values, "previous_response_id"):
        return None
    response_id = fields.text(values["previous_response_id"], "'previous_response_id'")
    if not (0 < len(response_id) <= _LONGEST_ID and response_id.isprintable()):
        raise MalformedRequest(f"'previous_response_id' must be 1 to {_LONGEST_ID} characters")
    return response_id


def _check_input(values: splice.Members, continues: str | None) -> None:
    if not fields.is_given(values, "input"):
        if continues is None:
            raise MalformedRequest("'input' is missing: send a text or an array of items")
    elif memoryview(values["input"])[0] not in (_STRING, _LIST):
        raise MalformedRequest("'input' must be a text or an array of items")


def _refuse_what_is_kept_elsewhere(values: splice.Members) -> None:
    for name, instead in _NOT_OFFERED:
        if fields.is_given(values, name):
            raise MalformedRequest(f"'{name}' is not offered here: {instead}")
    if fields.flag(values, "background"):
        raise MalformedRequest("'background' is not offered here: stream the answer instead")


def _names_brought_in(values: splice.Members) -> list[str]:
    """Names of tools that stand in the input. Refuses items that stand for others.

    An item is taken apart only where not plainly all of them are plain.
    """
    if not fields.is_given(values, "input") or memoryview(values["input"])[0] == _STRING:
        return []
    source = bytes(values["input"])
    if not any(mark in source for mark in _MARKS) and _all_say_what_they_are(source):
        return []
    names: list[str] = []
    for path, item in _items(values):
        _refuse_reference(item, path)
        names += _names_brought_by(item, path)
    return names


def _all_say_what_they_are(source: bytes) -> bool:
    try:
        return all(kind.type or kind.role for kind in _KINDS.decode(source))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def _refuse_reference(item: splice.Members, path: str) -> None:
    """An item named by its id alone would bring in a text that nobody here has seen."""
    kind = "" if fields.is_given(item, "role") else "item_reference"
    if fields.is_given(item, "type"):
        kind = fields.text(item["type"], f"'{path}.type'")
    if kind == "item_reference":
        raise MalformedRequest(f"'{path}' names an item kept elsewhere: send the item itself")


def _tool_names(values: splice.Members) -> Iterator[str]:
    """Every name a tool goes by; a tool without one gives its type."""
    for path, tool in fields.compact_tools_of(values, "tools"):
        yield from _names_of(tool, path)


def _names_brought_by(item: splice.Members, path: str) -> Iterator[str]:
    """Names of the tools in one item of the input: a search for tools may have found them."""
    for inner_path, tool in fields.tools_of(item, "tools"):
        where = f"{path}.{inner_path}"
        name = None if "type" in tool else fields.tool_name(tool, where)
        # Tools that a remote server listed have a name and no type.
        yield from _names_of(tool, where) if name is None else (name,)


def _names_of(tool: splice.Members, path: str) -> Iterator[str]:
    kind = fields.tool_type(tool, path)
    name = fields.tool_name(tool, path)
    if name is None or kind not in _HELD_BY_NAME:
        yield kind  # a tool of the vendor's own, whatever else it is called
    if name is not None:
        yield name
    if kind == "function" and fields.is_given(tool, "function"):  # written as in chat
        inner = splice.members(tool["function"], f"{path}.function")
        yield fields.tool_name(inner, f"{path}.function") or kind
    if kind == "namespace":
        for inner_path, inner in fields.tools_of(tool, "tools"):
            where = f"{path}.{inner_path}"
            yield fields.tool_name(inner, where) or fields.tool_type(inner, where)


def _items(values: splice.Members) -> Iterator[tuple[str, splice.Members]]:
    if not fields.is_given(values, "input") or memoryview(values["input"])[0] == _STRING:
        return
    items = splice.items(values["input"], "'input'")
    if len(items) > splice.MOST_OBJECTS:
        raise MalformedRequest(f"'input' holds more than {splice.MOST_OBJECTS} items; send fewer")
    for number, item in enumerate(items):
        path = f"input.{number}"
        yield path, splice.members(item, path)


def _read_segments(values: splice.Members) -> tuple[Segment, ...]:
    found: list[Segment] = []
    if "instructions" in values:
        found += segments.search(values["instructions"], "instructions", Zone.SYSTEM)
    if "input" in values and memoryview(values["input"])[0] == _STRING:
        found += segments.search(values["input"], "input", Zone.USER)
    for path, item in _items(values):
        found += segments.of_item(item, path)
    for path, tool in fields.tools_of(values, "tools"):
        found += segments.of_tool(tool, path)
    if "text" in values:
        found += segments.search(values["text"], "text", Zone.USER)
    return tuple(found)


def _failed(code: str, message: str, audit_id: str, seen: ResponsesFacts) -> bytes:
    """A response that failed. What was said of it before stands in `seen`."""
    response: dict[str, object] = {
        "id": seen.response_id or f"resp_{audit_id}",
        "object": "response",
        "created_at": seen.created_at or 0,
        "status": "failed",
        "error": {"code": code, "message": message},
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": seen.response_model or "",
        "output": [],
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": None,
    }
    event = {
        "type": "response.failed",
        "sequence_number": seen.events,
        "response": response,
    }
    return b"event: response.failed\ndata: " + msgspec.json.encode(event) + b"\n\n"
