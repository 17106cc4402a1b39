"""The client protocols, one file each. `wires` and `families` are the table of contents."""

from collections.abc import Mapping
from typing import Final

from gateway.wire.anthropic_messages import AnthropicCountTokens, AnthropicMessages
from gateway.wire.anthropic_messages_note import MessagesNotes
from gateway.wire.base import EstimateTokens, Wire, WireFamily
from gateway.wire.gemini import GeminiFamily
from gateway.wire.gemini_note import GeminiNotes
from gateway.wire.jina_rerank import JinaRerank
from gateway.wire.mistral_fim import MistralFim
from gateway.wire.note_form import NoteForm
from gateway.wire.openai_chat import OpenAiChat
from gateway.wire.openai_chat_note import ChatNotes
from gateway.wire.openai_completions import OpenAiCompletions
from gateway.wire.openai_embeddings import OpenAiEmbeddings
from gateway.wire.openai_responses import OpenAiResponses
from gateway.wire.openai_responses_note import ResponsesNotes
from providers.base import WireName

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
NOTE_FORMS: Final[Mapping[WireName, NoteForm]] = {
    WireName.OPENAI_CHAT: ChatNotes(),
    WireName.OPENAI_RESPONSES: ResponsesNotes(),
    WireName.ANTHROPIC_MESSAGES: MessagesNotes(),
    WireName.GEMINI: GeminiNotes(),
}
"""Where a warning may stand inside an answer: in these protocols, which people talk by."""


def wires(estimate: EstimateTokens) -> tuple[Wire, ...]:
    """Every client protocol of one path, each with the way to estimate tokens."""
    return tuple(wire(estimate) for wire in WIRES)


def families(estimate: EstimateTokens) -> tuple[WireFamily, ...]:
    """Every client protocol that names the model in its paths."""
    return tuple(family(estimate) for family in FAMILIES)
