"""The client protocols, one file each. `wires` and `families` are the table of contents."""

from gateway.wire.anthropic_messages import AnthropicCountTokens, AnthropicMessages
from gateway.wire.base import EstimateTokens, Wire, WireFamily
from gateway.wire.gemini import GeminiFamily
from gateway.wire.jina_rerank import JinaRerank
from gateway.wire.mistral_fim import MistralFim
from gateway.wire.openai_chat import OpenAiChat
from gateway.wire.openai_completions import OpenAiCompletions
from gateway.wire.openai_embeddings import OpenAiEmbeddings
from gateway.wire.openai_responses import OpenAiResponses

WIRES = (
    OpenAiChat,
    OpenAiResponses,
    AnthropicMessages,
    AnthropicCountTokens,
    OpenAiCompletions,
    MistralFim,
    OpenAiEmbeddings,
    JinaRerank,
)
FAMILIES = (GeminiFamily,)


def wires(estimate: EstimateTokens) -> tuple[Wire, ...]:
    """Every client protocol of one path, each with the way to estimate tokens."""
    return tuple(wire(estimate) for wire in WIRES)


def families(estimate: EstimateTokens) -> tuple[WireFamily, ...]:
    """Every client protocol that names the model in its paths."""
    return tuple(family(estimate) for family in FAMILIES)
