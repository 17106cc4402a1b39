"""OpenAI's chat completions: the protocol most assistants and in-house engines speak."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from gateway.wire import fields, input_size, segments, splice
from gateway.wire.base import EstimateTokens, Reading
from gateway.wire.openai_chat_reply import ChatObserver
from gateway.wire.openai_form import OpenAiForm, streams
from policy.types import Operation, RequestFacts, Segment, Zone
from providers.base import WireName

MOST_ANSWERS: Final = 128  # OpenAI's own limit for `n`

_TEXT_MEMBERS: Final = ("messages", "tools", "functions", "response_format", "prediction")


@dataclass(frozen=True, slots=True)
class OpenAiChat(OpenAiForm):
    """`POST /v1/chat/completions`."""

    estimate: EstimateTokens

    name: ClassVar[WireName] = WireName.OPENAI_CHAT
    path: ClassVar[str] = "/v1/chat/completions"
    summary: ClassVar[str] = "OpenAI chat completions, streamed or whole."

    def read(self, body: bytes) -> Reading:
        """Read the facts. Raises `MalformedRequest` naming what is wrong."""
        values, spans = splice.parse(body)
        model = fields.model_of(values)
        facts = RequestFacts(
            model=model,
            streaming=streams(values),
            operation=Operation.CHAT,
            body_bytes=len(body),
            input_tokens_estimate=input_size.estimate_input(
                self.estimate, model, values, _TEXT_MEMBERS
            ),
            output_tokens_limit=_output_limit(values),
            answers=fields.count(values, "n", MOST_ANSWERS) or 1,
            tool_names=fields.names_of_tools(values, ("tools", "functions"), _tool_names),
            read_segments=lambda: _read_segments(values),
        )
        return Reading(facts, body, spans, lambda: (values["messages"],))

    def observer(self, facts: RequestFacts, *, asked_for_usage: bool) -> ChatObserver:
        """A fresh observer for one reply."""
        return ChatObserver(facts.answers, asked_for_usage=asked_for_usage)


def _output_limit(values: splice.Members) -> int | None:
    newer = fields.count(values, "max_completion_tokens", fields.MOST_TOKENS)
    older = fields.count(values, "max_tokens", fields.MOST_TOKENS)
    if newer is None or older is None:
        return older if newer is None else newer
    return max(newer, older)


def _tool_names(values: splice.Members) -> Iterator[str]:
    """Every name a tool goes by, wherever an upstream may look for it; else its type."""
    for path, tool in fields.compact_tools_of(values, "tools"):
        names = [fields.tool_name(tool, path)]
        for key in ("function", "custom"):
            if fields.is_given(tool, key):
                inner = splice.members(tool[key], f"{path}.{key}")
                names.append(fields.tool_name(inner, f"{path}.{key}"))
        known = [name for name in names if name is not None]
        yield from known or (fields.tool_type(tool, path),)
    for path, function in fields.compact_tools_of(values, "functions"):
        yield fields.tool_name(function, path) or fields.tool_type(function, path)


def _read_segments(values: splice.Members) -> tuple[Segment, ...]:
    found = list(segments.of_messages(values["messages"]))
    for path, tool in fields.tools_of(values, "tools"):
        for key in ("function", "custom"):
            if fields.is_given(tool, key):
                inner = splice.members(tool.pop(key), f"{path}.{key}")
                found += segments.of_tool(inner, f"{path}.{key}")
        found += segments.of_tool(tool, path)
    for path, function in fields.tools_of(values, "functions"):
        found += segments.of_tool(function, path)
    for name in ("response_format", "prediction"):
        if name in values:
            found += segments.search(values[name], name, Zone.USER)
    return tuple(found)
