"""Deny models that the caller's team has not been granted."""

from dataclasses import dataclass
from typing import ClassVar, Self

from policy.question import Question, Team, shown
from policy.types import Decision, Deny


@dataclass(frozen=True, slots=True)
class ModelAccess:
    """Allow the team's models. One answer for what does not exist and what is not granted."""

    name: ClassVar[str] = "model_access"
    is_standing: ClassVar[bool] = True
    team: str
    models: frozenset[str]

    @classmethod
    def compile(cls, team: Team) -> Self:
        """The models that the team names and that exist."""
        return cls(team.name, frozenset(team.targets))

    def decide(self, question: Question) -> Decision:
        """Exact match: no patterns, no case folding."""
        if question.facts.model in self.models:
            return question.allow()
        return Deny(
            self.name,
            f"model {shown(question.facts.asked_model)} is not offered to team {self.team}",
            "GET /v1/models lists yours",
            code="model_not_found",
        )
