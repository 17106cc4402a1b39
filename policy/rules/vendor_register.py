"""Keep requests off vendors that nobody has reviewed, or whose review has lapsed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from policy.question import Question, Team, other_models
from policy.registers import Review
from policy.types import Decision, Deny, TargetFacts


@dataclass(frozen=True, slots=True)
class VendorRegister:
    """Allow targets whose vendor's review still holds; in the house none is needed.

    Of targets that the data class shuts out anyway nothing is said.
    """

    name: ClassVar[str] = "vendor_register"
    is_standing: ClassVar[bool] = True
    team: Team
    reviews: Mapping[str, Review]

    @classmethod
    def compile(cls, team: Team) -> Self | None:
        """The reviews, where a register of vendors is kept."""
        reviews = team.registers.vendors
        return None if reviews is None else cls(team, reviews)

    def decide(self, question: Question) -> Decision:
        """Narrow to what is reviewed; deny when nothing is left of what the data class allows."""
        day, registers = question.day, self.team.registers
        cleared = [each for each in question.targets if each.clearance >= question.data_class]
        left = [each for each in cleared if registers.holds_for(each, day)]
        refused = tuple(self._refusals([each for each in cleared if each not in left]))
        if refused and not left:
            return Deny(
                self.name,
                "; ".join(refused),
                other_models(self.team, question)
                or "the gateway's operator knows who reviews vendors",
            )
        warnings = (*(f"{why}: it is left out" for why in refused), *self._warnings(left, day))
        names = tuple([each.name for each in question.targets if registers.holds_for(each, day)])
        return question.allow(targets=names, warnings=warnings)

    def _refusals(self, targets: Sequence[TargetFacts]) -> Iterator[str]:
        for vendor in _vendors_of(targets):
            review = self.reviews.get(vendor)
            if review is None:
                yield f"vendor {vendor} is not in the register of vendors"
            else:
                yield f"the review of vendor {vendor} has lapsed ({_dates(review)})"

    def _warnings(self, targets: Sequence[TargetFacts], day: int) -> Iterator[str]:
        for vendor in _vendors_of(targets):
            review = self.reviews.get(vendor)
            if review is not None and review.ends_soon(day):
                yield (
                    f"the review of vendor {vendor} lapses soon ({_dates(review)}): "
                    "after that it is refused"
                )


def _vendors_of(targets: Sequence[TargetFacts]) -> Iterator[str]:
    return iter(dict.fromkeys(each.vendor for each in targets))


def _dates(review: Review) -> str:
    return f"valid until {review.valid_until}, reviewed by {review.by} on {review.reviewed}"
