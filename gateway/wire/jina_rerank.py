"""Jina's rerank, as vLLM, llama.cpp and Cohere speak it: documents in the order of a query."""

from dataclasses import dataclass
from typing import ClassVar, Final

import msgspec

from gateway.errors import MalformedRequest
from gateway.wire import fields, plain_input, splice
from gateway.wire.base import EstimateTokens, Reading
from gateway.wire.openai_form import OpenAiForm
from gateway.wire.whole_reply import WholeObserver
from policy.types import Operation, RequestFacts
from providers.base import WireName

_TEXTS: Final = ("query", "documents")
_QUERIES: Final = frozenset(b'"{')  # a text, or one in an object beside an image


@dataclass(frozen=True, slots=True)
class JinaRerank(OpenAiForm):
    """`POST /v1/rerank`. Never streamed; refusals and errors have OpenAI's form."""

    estimate: EstimateTokens

    name: ClassVar[WireName] = WireName.JINA_RERANK
    path: ClassVar[str] = "/v1/rerank"
    summary: ClassVar[str] = "Rank documents by how well they answer a query."
    keep_alive: ClassVar[bytes | None] = None

    def read(self, body: bytes) -> Reading:
        """Read the facts. Raises `MalformedRequest` naming what is wrong."""
        values, spans = splice.parse(body)
        model = fields.model_of(values)
        facts = RequestFacts(
            model=model,
            streaming=False,
            operation=Operation.RERANK,
            body_bytes=len(body),
            input_tokens_estimate=self.estimate(model, _bytes_read(values)),
            output_tokens_limit=None,
            answers=1,
            tool_names=(),
            read_segments=lambda: tuple(plain_input.texts(values, _TEXTS)),
        )
        return Reading(facts, body, spans, lambda: (values["query"], values["documents"]))

    def observer(self, facts: RequestFacts, *, asked_for_usage: bool) -> WholeObserver:
        """A fresh observer for one reply."""
        return WholeObserver("results")


def _bytes_read(values: splice.Members) -> int:
    """The bytes that a model reads: every document together with the query."""
    if "query" not in values or memoryview(values["query"])[0] not in _QUERIES:
        raise MalformedRequest("'query' must be a text")
    documents: list[msgspec.Raw] = []
    if "documents" in values:
        plain_input.refuse_too_many(values["documents"], "documents")
        documents = splice.items(values["documents"], "'documents'")
    if not documents:
        raise MalformedRequest("'documents' must be a list of texts that is not empty")
    fields.count(values, "top_n", fields.MOST_TOKENS)
    return len(documents) * len(values["query"]) + len(values["documents"])
