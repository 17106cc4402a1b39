"""Deny assistants that nobody has approved, in other versions, or after their review."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from policy.question import Question, Team, shown
from policy.registers import Review, ReviewedAssistant
from policy.types import Circumstances, Decision, Deny


@dataclass(frozen=True, slots=True)
class AssistantRegister:
    """Allow assistants of the register, in versions it approves, while their review holds."""

    name: ClassVar[str] = "assistant_register"
    is_standing: ClassVar[bool] = False
    approved: Mapping[str, ReviewedAssistant]

    @classmethod
    def compile(cls, team: Team) -> Self | None:
        """The assistants, where a register of them is kept."""
        approved = team.registers.assistants
        return None if approved is None else cls(approved)

    def decide(self, question: Question) -> Decision:
        """All targets or none: an assistant is approved whatever the model."""
        asking, day = question.circumstances, question.day
        entry = self.approved.get(asking.assistant)
        if entry is None:
            return self._deny(_stranger(asking), asking, day)
        review = entry.review
        if review.has_lapsed(day):
            return self._deny(
                f"the review of assistant {asking.assistant} has lapsed ({_dates(review)})",
                asking,
                day,
            )
        if not entry.approved.admits(asking.assistant_version):
            return self._deny(_wrong_version(asking, entry), asking, day)
        if review.ends_soon(day):
            told = f"the review of assistant {asking.assistant} lapses soon ({_dates(review)})"
            return question.allow(warnings=(f"{told}: after that it is refused",))
        return question.allow()

    def _deny(self, reason: str, asking: Circumstances, day: int) -> Deny:
        others = ", ".join(self._others(asking.assistant, day))
        use = f"approved here: {others}" if others else "no other assistant is approved here"
        return Deny(self.name, reason, use)

    def _others(self, asking: str, day: int) -> Iterator[str]:
        for name, entry in self.approved.items():
            if name not in (asking, "unrecognised") and not entry.review.has_lapsed(day):
                yield f"{name} {entry.approved.written}" if entry.approved.bounds else name


def _stranger(asking: Circumstances) -> str:
    if asking.assistant == "unrecognised":
        return "the assistant that asks cannot be told, and the register approves only named ones"
    return f"assistant {shown(asking.assistant)} is not in the register of assistants"


def _wrong_version(asking: Circumstances, entry: ReviewedAssistant) -> str:
    wanted = f"approved: {entry.approved.written}"
    if asking.assistant_version is None:
        return f"assistant {asking.assistant} does not tell its version ({wanted})"
    version = shown(asking.assistant_version)
    return f"version {version} of {asking.assistant} is not approved ({wanted})"


def _dates(review: Review) -> str:
    return f"valid until {review.valid_until}, reviewed on {review.reviewed}, owner: {review.by}"
