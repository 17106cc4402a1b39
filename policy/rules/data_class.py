"""Keep content on targets that are cleared for it."""

from dataclasses import dataclass
from typing import ClassVar, Self

from policy.question import Question, Team, other_models
from policy.types import DataClass, Decision, Deny


@dataclass(frozen=True, slots=True)
class DataClassClearance:
    """Allow the targets whose clearance reaches the effective data class."""

    name: ClassVar[str] = "data_class"
    is_standing: ClassVar[bool] = True
    team: Team

    @classmethod
    def compile(cls, team: Team) -> Self:
        """Every team has a data class."""
        return cls(team)

    def decide(self, question: Question) -> Decision:
        """Narrow to the cleared targets; deny when none is left."""
        needed = question.data_class
        cleared = tuple([each.name for each in question.targets if each.clearance >= needed])
        if cleared:
            return question.allow(targets=cleared)
        return Deny(
            self.name,
            f"{self._why(needed)}; {_clearances(question)}",
            other_models(self.team, question),
        )

    def _why(self, needed: DataClass) -> str:
        if needed > self.team.document.clearance_needed:
            return f"this content is labelled {needed.label}"
        return f"team {self.team.name} handles {needed.label} code"


def _clearances(question: Question) -> str:
    by_vendor = {each.vendor: each.clearance for each in question.targets}
    return "; ".join(
        f"vendor {vendor} is cleared for {clearance.label} only"
        for vendor, clearance in by_vendor.items()
    )
