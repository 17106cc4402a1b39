"""Cap what a team spends, and keep it to targets whose price is known."""

from dataclasses import dataclass
from typing import ClassVar, Self

from policy.caps import Amounts
from policy.question import Question, Team, unpriced_denial
from policy.types import Cap, Decision, Unit


@dataclass(frozen=True, slots=True)
class Budget:
    """Allow priced targets within the budget. No known price, no request: it may cost anything."""

    name: ClassVar[str] = "budget"
    is_standing: ClassVar[bool] = True
    team: str
    caps: tuple[Cap, ...]

    @classmethod
    def compile(cls, team: Team) -> Self | None:
        """The caps, when the team's limits name a budget."""
        limits = team.document.limits
        amounts = Amounts.of(limits, limits.time_zone, Unit.NANO_USD)
        return cls(team.name, amounts.caps(team.account)) if amounts else None

    def decide(self, question: Question) -> Decision:
        """Narrow to the priced targets; deny when none is left."""
        priced = tuple([each.name for each in question.targets if each.price_known])
        if priced:
            return question.allow(targets=priced, caps=self.caps)
        return unpriced_denial(self.name, f"team {self.team} has a budget", question.target_names)
