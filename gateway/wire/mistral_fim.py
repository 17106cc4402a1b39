"""Mistral's fill-in-the-middle: a prompt and a suffix go in, a chat completion comes out."""

from dataclasses import dataclass
from typing import ClassVar

from gateway.wire import plain_completion
from gateway.wire.base import Edited, EstimateTokens, Reading
from gateway.wire.openai_chat_reply import ChatObserver
from gateway.wire.openai_form import OpenAiForm
from policy.types import RequestFacts
from providers.base import WireName


@dataclass(frozen=True, slots=True)
class MistralFim(OpenAiForm):
    """`POST /v1/fim/completions`. Its streams tell their usage unasked."""

    estimate: EstimateTokens

    name: ClassVar[WireName] = WireName.MISTRAL_FIM
    path: ClassVar[str] = "/v1/fim/completions"
    summary: ClassVar[str] = "Mistral fill-in-the-middle (autocomplete), streamed or whole."

    def read(self, body: bytes) -> Reading:
        """Read the facts. Raises `MalformedRequest` naming what is wrong."""
        return plain_completion.read(body, self.estimate)

    def edit(self, reading: Reading, *, upstream_model: str, ask_for_usage: bool) -> Edited:
        """Put the target's model name into the client's own bytes; usage comes by itself."""
        return OpenAiForm.edit(self, reading, upstream_model=upstream_model, ask_for_usage=False)

    def observer(self, facts: RequestFacts, *, asked_for_usage: bool) -> ChatObserver:
        """A fresh observer for one reply."""
        return ChatObserver(facts.answers, asked_for_usage=asked_for_usage)
