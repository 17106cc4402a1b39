"""Cap what a team spends a month, and keep it to targets whose price is known."""

from dataclasses import dataclass
from typing import ClassVar, Self

from policy.document import nano_usd
from policy.question import Question, Team
from policy.types import Cap, Decision, Deny, Unit, Window


@dataclass(frozen=True, slots=True)
class Budget:
    """Allow priced targets within the budget. No known price, no request: it may cost anything."""

    name: ClassVar[str] = "budget"
    is_standing: ClassVar[bool] = True
    team: str
    caps: tuple[Cap, ...]

    @classmethod
    def compile(cls, team: Team) -> Self | None:
        """The cap, when the team's limits name a budget."""
        usd = team.document.limits.usd_per_month
        if usd is None:
            return None
        cap = Cap(team.account, Unit.NANO_USD, nano_usd(usd), Window.CALENDAR_MONTH_UTC)
        return cls(team.name, (cap,))

    def decide(self, question: Question) -> Decision:
        """Narrow to the priced targets; deny when none is left."""
        priced = tuple([each.name for each in question.targets if each.price_known])
        if priced:
            return question.allow(targets=priced, caps=self.caps)
        return Deny(
            self.name,
            f"team {self.team} has a budget, and no price is known for "
            f"{', '.join(question.target_names)}",
            "the gateway's operator can add the price under `prices` in the configuration",
        )
