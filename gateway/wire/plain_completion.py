"""Read the facts of a plain completion: text goes on where it stops, or between two texts."""

from typing import Final

from gateway.wire import fields, plain_input, segments, splice
from gateway.wire.base import EstimateTokens, Reading
from gateway.wire.openai_form import streams
from policy.types import Operation, RequestFacts, Segment, Zone

MOST_ANSWERS: Final = 128  # to each prompt: OpenAI's own limit for `n`

_TEXTS: Final = ("prompt", "suffix")


def read(body: bytes, estimate: EstimateTokens) -> Reading:
    """The facts of a body with a `prompt`. Raises `MalformedRequest` naming what is wrong."""
    values, spans = splice.parse(body)
    model = fields.model_of(values)
    prompt = plain_input.size_up(values, "prompt")
    streaming = streams(values)
    facts = RequestFacts(
        model=model,
        streaming=streaming,
        operation=Operation.TEXT_COMPLETION,
        body_bytes=len(body),
        input_tokens_estimate=prompt.tokens
        + estimate(model, prompt.text_bytes + prompt.inputs * _suffix_bytes(values)),
        output_tokens_limit=fields.count(values, "max_tokens", fields.MOST_TOKENS, least=0),
        answers=prompt.inputs * _answers_to_each(values, streaming=streaming),
        tool_names=(),
        read_segments=lambda: _read_segments(values),
    )
    return Reading(facts, body, spans, lambda: (values["prompt"], values.get("suffix")))


def _suffix_bytes(values: splice.Members) -> int:
    if not fields.is_given(values, "suffix"):
        return 0
    fields.text(values["suffix"], "'suffix'")
    return len(values["suffix"])


def _answers_to_each(values: splice.Members, *, streaming: bool) -> int:
    """How many are written: `best_of` writes more than it shows, but never in a stream."""
    shown = fields.count(values, "n", MOST_ANSWERS) or 1
    written = fields.count(values, "best_of", MOST_ANSWERS) or 1
    return shown if streaming else max(shown, written)


def _read_segments(values: splice.Members) -> tuple[Segment, ...]:
    found = list(plain_input.texts(values, _TEXTS))
    if "response_format" in values:
        found += segments.search(values["response_format"], "response_format", Zone.USER)
    return tuple(found)
