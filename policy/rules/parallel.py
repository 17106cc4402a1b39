"""Cap how many requests of a team are answered at the same time."""

from dataclasses import dataclass
from typing import ClassVar, Self

from policy.caps import Amounts
from policy.question import Question, Team
from policy.types import Cap, Decision, Unit


@dataclass(frozen=True, slots=True)
class Parallel:
    """Allow within the cap; the counters hold it, not this rule."""

    name: ClassVar[str] = "parallel"
    is_standing: ClassVar[bool] = True
    caps: tuple[Cap, ...]

    @classmethod
    def compile(cls, team: Team) -> Self | None:
        """The cap, when the team's limits name it."""
        limits = team.document.limits
        amounts = Amounts.of(limits, limits.time_zone, Unit.PARALLEL)
        return cls(amounts.caps(team.account)) if amounts else None

    def decide(self, question: Question) -> Decision:
        """All targets, within the cap."""
        return question.allow(caps=self.caps)
