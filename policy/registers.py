"""What a company has reviewed: vendors and assistants, each until a day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from policy.types import DataClass, TargetFacts
from policy.versions import VersionRange

WARNING_DAYS: Final = 30
"""So many days before a review ends, warnings begin."""

DAY_SECONDS: Final = 86_400
_FIRST_DAY: Final = date(1970, 1, 1).toordinal()


def day_of(unix_seconds: int) -> int:
    """The day in UTC, as `date.toordinal` counts them."""
    return _FIRST_DAY + unix_seconds // DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Review:
    """Somebody looked at it on a day, and it holds until another day, that one included.

    `by` is who answers for it: a vendor's reviewer, an assistant's owner.
    """

    by: str
    reviewed: date
    valid_until: date

    def days_left(self, day: int) -> int:
        """Days after this one on which it still holds; negative once it has lapsed."""
        return self.valid_until.toordinal() - day

    def has_lapsed(self, day: int) -> bool:
        """Whether its last day has gone by."""
        return self.days_left(day) < 0

    def ends_soon(self, day: int) -> bool:
        """Whether it still holds, but for `WARNING_DAYS` at most."""
        return 0 <= self.days_left(day) <= WARNING_DAYS


@dataclass(frozen=True, slots=True)
class ReviewedAssistant:
    """An assistant that may be used, in which versions, and with which settings."""

    review: Review
    approved: VersionRange
    required_settings: Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class Registers:
    """Both registers by name; None for one that is not kept: then nothing is asked of its kind."""

    vendors: Mapping[str, Review] | None = None
    assistants: Mapping[str, ReviewedAssistant] | None = None

    @property
    def assistant_reviews(self) -> Mapping[str, Review]:
        """The reviews of assistants; none where no register of them is kept."""
        return {name: each.review for name, each in (self.assistants or {}).items()}

    def holds_for(self, target: TargetFacts, day: int) -> bool:
        """Whether a target's vendor may be used on a day. In the house, what has no entry may."""
        if self.vendors is None:
            return True
        review = self.vendors.get(target.vendor)
        return target.in_house if review is None else not review.has_lapsed(day)

    def open_targets(
        self, targets: Iterable[TargetFacts], data_class: DataClass, day: int
    ) -> tuple[str, ...]:
        """Those of the targets that are cleared for a data class and may be used on a day."""
        return tuple(
            [
                each.name
                for each in targets
                if each.clearance >= data_class and self.holds_for(each, day)
            ]
        )


NO_REGISTERS: Final = Registers()
