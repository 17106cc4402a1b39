"""Cap how many requests of a team are answered at the same time."""

from dataclasses import dataclass
from typing import ClassVar, Self

from policy.question import Question, Team
from policy.types import Cap, Decision, Unit, Window


@dataclass(frozen=True, slots=True)
class Parallel:
    """Allow within the cap; the counters hold it, not this rule."""

    name: ClassVar[str] = "parallel"
    is_standing: ClassVar[bool] = True
    caps: tuple[Cap, ...]

    @classmethod
    def compile(cls, team: Team) -> Self | None:
        """The cap, when the team's limits name it."""
        amount = team.document.limits.parallel
        if amount is None:
            return None
        return cls((Cap(team.account, Unit.PARALLEL, amount, Window.NOW),))

    def decide(self, question: Question) -> Decision:
        """All targets, within the cap."""
        return question.allow(caps=self.caps)
