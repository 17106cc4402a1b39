"""The client protocols, one file each. `wires` is the table of contents."""

from gateway.wire.anthropic_messages import AnthropicCountTokens, AnthropicMessages
from gateway.wire.base import EstimateTokens, Wire
from gateway.wire.jina_rerank import JinaRerank
from gateway.wire.mistral_fim import MistralFim
from gateway.wire.openai_chat import OpenAiChat
from gateway.wire.openai_completions import OpenAiCompletions
from gateway.wire.openai_embeddings import OpenAiEmbeddings

WIRES = (
    OpenAiChat,
    AnthropicMessages,
    AnthropicCountTokens,
    OpenAiCompletions,
    MistralFim,
    OpenAiEmbeddings,
    JinaRerank,
)


def wires(estimate: EstimateTokens) -> tuple[Wire, ...]:
    """Every client protocol, each with the way to estimate tokens."""
    return tuple(wire(estimate) for wire in WIRES)
