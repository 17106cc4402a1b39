"""Cap what each user and each key of a team uses, beside what the team may."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Self

from policy.caps import MOST_REMEMBERED, Amounts, account
from policy.question import Question, Team, unpriced_denial
from policy.types import Cap, Decision


@dataclass(frozen=True, slots=True)
class OwnLimits:
    """Allow within the caps of whoever asks; priced targets only where money is limited."""

    name: ClassVar[str] = "own_limits"
    is_standing: ClassVar[bool] = False
    team: str
    has_money: bool
    caps_of: Callable[[str, str], tuple[Cap, ...]]
    """By user and key."""

    @classmethod
    def compile(cls, team: Team) -> Self | None:
        """The amounts, when the team's limits have any for users or keys."""
        limits, within = team.document.limits, f"team {team.name}"
        per_user, per_key = (
            Amounts(()) if written is None else Amounts.of(written, limits.time_zone)
            for written in (limits.per_user, limits.per_key)
        )
        if not (per_user or per_key):
            return None

        def caps_of(user: str, key: str) -> tuple[Cap, ...]:
            of_user = per_user.caps(account([("user", user)], within))
            return of_user + per_key.caps(account([("key", key)], within))

        has_money = per_user.has_money or per_key.has_money
        return cls(team.name, has_money, lru_cache(MOST_REMEMBERED)(caps_of))

    def decide(self, question: Question) -> Decision:
        """Narrow to the priced targets where money is limited; deny when none is left."""
        caps = self.caps_of(question.identity.subject, question.identity.counted_key)
        if not self.has_money:
            return question.allow(caps=caps)
        priced = tuple([each.name for each in question.targets if each.price_known])
        if priced or not question.targets:
            return question.allow(targets=priced, caps=caps)
        why = f"team {self.team} has budgets for its users or keys"
        return unpriced_denial(self.name, why, question.target_names)
