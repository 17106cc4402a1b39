"""Refuse a body larger than the team may send."""

from dataclasses import dataclass
from typing import ClassVar, Self

from policy.question import Question, Team
from policy.types import Decision, Deny


@dataclass(frozen=True, slots=True)
class RequestSize:
    """Deny requests over `max_bytes`."""

    name: ClassVar[str] = "request_size"
    is_standing: ClassVar[bool] = False
    team: str
    max_bytes: int

    @classmethod
    def compile(cls, team: Team) -> Self:
        """Every team has a limit; the document's default is 32 MiB."""
        return cls(team.name, team.document.limits.max_request_bytes)

    def decide(self, question: Question) -> Decision:
        """Compare the body's bytes as they arrived."""
        if question.facts.body_bytes <= self.max_bytes:
            return question.allow()
        return Deny(
            self.name,
            f"the request has {question.facts.body_bytes} bytes; "
            f"team {self.team} may send {self.max_bytes}",
            "start a new session, or leave large files out of the conversation",
            code="request_too_large",
            lasts=False,  # the same conversation may come with fewer tools
        )
