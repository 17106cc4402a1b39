"""Cap how many requests and tokens a team uses in a minute, an hour, a day, a week, a month."""

from dataclasses import dataclass
from typing import ClassVar, Self

from policy.caps import Amounts
from policy.question import Question, Team
from policy.types import Cap, Decision, Unit


@dataclass(frozen=True, slots=True)
class Rates:
    """Allow within the caps; the counters hold them, not this rule."""

    name: ClassVar[str] = "rates"
    is_standing: ClassVar[bool] = True
    caps: tuple[Cap, ...]

    @classmethod
    def compile(cls, team: Team) -> Self | None:
        """One cap for each rate the team's limits name."""
        limits = team.document.limits
        amounts = Amounts.of(limits, limits.time_zone, Unit.REQUESTS, Unit.TOKENS)
        return cls(amounts.caps(team.account)) if amounts else None

    def decide(self, question: Question) -> Decision:
        """All targets, within the caps."""
        return question.allow(caps=self.caps)
