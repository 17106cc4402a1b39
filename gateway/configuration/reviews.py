"""How each review stands on a day: it holds, lapses soon, has lapsed, or was never made."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gateway.configuration.build import Configuration
from gateway.configuration.register_documents import (
    ReviewedAssistantDocument,
    ReviewedVendorDocument,
)
from policy.registers import Review


class State(StrEnum):
    """What a review is worth on a day."""

    HOLDS = "holds"
    ENDING = "lapses soon"
    LAPSED = "lapsed"
    MISSING = "missing"  # a vendor of this gateway that its register does not know

    @property
    def refuses(self) -> bool:
        """Whether requests are refused for it."""
        return self in (State.LAPSED, State.MISSING)


@dataclass(frozen=True, slots=True)
class Standing:
    """One vendor or assistant on a day. `where` is the place of its last day, if it has one."""

    register: str
    name: str
    state: State
    days_left: int | None = None
    entry: ReviewedVendorDocument | ReviewedAssistantDocument | None = None
    where: str | None = None

    def told(self) -> str:
        """The state as a sentence."""
        kind = self.register.removesuffix("s")
        if self.entry is None:
            return f"{kind} {self.name} is in no register: it is refused"
        until = f"valid until {self.entry.valid_until}, {self.entry.review.by}"
        match self.state:
            case State.LAPSED:
                return f"{self.where}: the review of {kind} {self.name} has lapsed ({until})"
            case State.ENDING:
                left = (
                    "today is its last day" if not self.days_left else f"{self.days_left} days left"
                )
                return (
                    f"{self.where}: the review of {kind} {self.name} lapses soon: {left} ({until})"
                )
            case _:
                return f"{self.where}: the review of {kind} {self.name} holds ({until})"


def standings(configuration: Configuration, day: int) -> Iterator[Standing]:
    """Every entry of both registers, and the vendors that should have one."""
    registers = configuration.registers
    if registers.vendors is not None:
        for name, entry in registers.reviewed_vendors.items():
            where = registers.vendors.where(("vendors", name, "valid_until"))
            yield _standing("vendors", name, entry, where, day)
        for name, vendor in configuration.vendors.items():
            if name not in registers.reviewed_vendors and not vendor.record.in_house:
                yield Standing("vendors", name, State.MISSING)
    if registers.assistants is not None:
        for name, approved in registers.reviewed_assistants.items():
            where = registers.assistants.where(("assistants", name, "valid_until"))
            yield _standing("assistants", name, approved, where, day)


def _standing(
    register: str,
    name: str,
    entry: ReviewedVendorDocument | ReviewedAssistantDocument,
    where: str,
    day: int,
) -> Standing:
    review = entry.review
    return Standing(register, name, _state(review, day), review.days_left(day), entry, where)


def _state(review: Review, day: int) -> State:
    if review.has_lapsed(day):
        return State.LAPSED
    return State.ENDING if review.ends_soon(day) else State.HOLDS
