"""OpenAI's plain completions: what an editor's autocomplete asks most engines for."""

from dataclasses import dataclass
from typing import ClassVar

from gateway.wire import plain_completion
from gateway.wire.base import EstimateTokens, Reading
from gateway.wire.openai_chat_reply import ChatObserver, Choice
from gateway.wire.openai_form import OpenAiForm
from policy.types import RequestFacts
from providers.base import WireName


@dataclass(frozen=True, slots=True)
class OpenAiCompletions(OpenAiForm):
    """`POST /v1/completions`."""

    estimate: EstimateTokens

    name: ClassVar[WireName] = WireName.OPENAI_COMPLETIONS
    path: ClassVar[str] = "/v1/completions"
    summary: ClassVar[str] = "OpenAI plain completions (autocomplete), streamed or whole."

    def read(self, body: bytes) -> Reading:
        """Read the facts. Raises `MalformedRequest` naming what is wrong."""
        return plain_completion.read(body, self.estimate)

    def observer(self, facts: RequestFacts, *, asked_for_usage: bool) -> "CompletionObserver":
        """A fresh observer for one reply."""
        return CompletionObserver(facts.answers, asked_for_usage=asked_for_usage)


class CompletionObserver(ChatObserver):
    """Reads a reply whose answers hold `text`; in all else it is a chat completion's."""

    kind: ClassVar[str] = "text completion"

    __slots__ = ()

    @staticmethod
    def is_answer(choice: Choice) -> bool:
        """Whether one of a whole reply's choices is an answer of this protocol."""
        return choice.text is not None
