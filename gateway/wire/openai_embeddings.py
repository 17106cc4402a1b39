"""OpenAI's embeddings: what a code index asks for. Texts or tokens go in, vectors come out."""

from dataclasses import dataclass
from typing import ClassVar, Final

from gateway.wire import fields, plain_input, splice
from gateway.wire.base import EstimateTokens, Reading
from gateway.wire.openai_form import OpenAiForm
from gateway.wire.whole_reply import WholeObserver
from policy.types import Operation, RequestFacts
from providers.base import WireName

# Beside `input`, what engines take for it: nothing an upstream may read goes unseen.
_TEXTS: Final = ("input", "content", "messages")


@dataclass(frozen=True, slots=True)
class OpenAiEmbeddings(OpenAiForm):
    """`POST /v1/embeddings`. Never streamed."""

    estimate: EstimateTokens

    name: ClassVar[WireName] = WireName.OPENAI_EMBEDDINGS
    path: ClassVar[str] = "/v1/embeddings"
    summary: ClassVar[str] = "OpenAI embeddings of texts or tokens."
    keep_alive: ClassVar[bytes | None] = None

    def read(self, body: bytes) -> Reading:
        """Read the facts. Raises `MalformedRequest` naming what is wrong."""
        values, spans = splice.parse(body)
        model = fields.model_of(values)
        size = plain_input.size_up(values, "input")
        facts = RequestFacts(
            model=model,
            streaming=False,
            operation=Operation.EMBEDDINGS,
            body_bytes=len(body),
            input_tokens_estimate=size.tokens + self.estimate(model, size.text_bytes),
            output_tokens_limit=None,
            answers=1,
            tool_names=(),
            read_segments=lambda: tuple(plain_input.texts(values, _TEXTS)),
        )
        return Reading(facts, body, spans, lambda: tuple([values.get(name) for name in _TEXTS]))

    def observer(self, facts: RequestFacts, *, asked_for_usage: bool) -> WholeObserver:
        """A fresh observer for one reply."""
        return WholeObserver("data")
