"""The caps of one written rule: for each of whom, and on whose answers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from policy.caps import MOST_REMEMBERED, Amounts, account
from policy.question import Question
from policy.rulebook.document import PerLabel, RuleDocument
from policy.types import Cap, TargetFacts

Whose = tuple[tuple[str, str], ...]
"""Parts of an account's name."""


@dataclass(frozen=True, slots=True, eq=False)
class RuleCaps:
    """What a rule lets be used, ready to be given the name of an account."""

    per: tuple[PerLabel, ...]
    has_money: bool
    caps_of: Callable[[Whose, tuple[str, ...]], tuple[Cap, ...]]
    """By account and the names of the targets that count, as `Cap.targets` has them."""

    @classmethod
    def compile(cls, rule: RuleDocument) -> Self:
        """Of a rule with effect `cap`."""
        assert rule.cap is not None
        amounts, within = Amounts.of(rule.cap, rule.time_zone), f"rule {rule.id}"

        def caps_of(whose: Whose, targets: tuple[str, ...]) -> tuple[Cap, ...]:
            return amounts.caps(account(whose, within), targets)

        return cls(rule.cap.per, amounts.has_money, lru_cache(MOST_REMEMBERED)(caps_of))

    def of(
        self, asked: Question, touched: Sequence[TargetFacts], *, is_all: bool
    ) -> tuple[Cap, ...]:
        """The caps for whoever asks, on what the touched targets answer.

        `is_all`: no other target may be tried, so that whatever answers is counted.
        """
        caps: tuple[Cap, ...] = ()
        for targets in self._groups(touched):
            whose = tuple([(kind, _whose(kind, asked, targets[0])) for kind in self.per])
            covers_all = is_all and len(targets) == len(touched)
            names = () if covers_all else tuple([each.name for each in targets])
            caps += self.caps_of(whose, names)
        return caps

    def _groups(self, touched: Sequence[TargetFacts]) -> Iterator[Sequence[TargetFacts]]:
        """The targets that share an account."""
        if "target" in self.per:
            yield from [(each,) for each in touched]
        elif "vendor" in self.per:
            for vendor in dict.fromkeys([each.vendor for each in touched]):
                yield [each for each in touched if each.vendor == vendor]
        else:
            yield touched


def _whose(kind: PerLabel, asked: Question, target: TargetFacts) -> str:
    match kind:
        case "team":
            return asked.identity.team
        case "user":
            return asked.identity.subject
        case "key":
            return asked.identity.counted_key
        case "assistant":
            return asked.circumstances.assistant
        case "model":
            return asked.facts.model
        case "vendor":
            return target.vendor
        case "target":
            return target.name
        case "together":
            return ""
