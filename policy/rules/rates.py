"""Cap how many requests and tokens a team uses a minute."""

from dataclasses import dataclass
from typing import ClassVar, Self

from policy.question import Question, Team
from policy.types import Cap, Decision, Unit, Window


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
        wanted = (
            (Unit.REQUESTS, limits.requests_per_minute),
            (Unit.TOKENS, limits.tokens_per_minute),
        )
        caps = tuple(
            Cap(team.account, unit, amount, Window.MINUTE)
            for unit, amount in wanted
            if amount is not None
        )
        return cls(caps) if caps else None

    def decide(self, question: Question) -> Decision:
        """All targets, within the caps."""
        return question.allow(caps=self.caps)
