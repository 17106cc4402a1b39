"""What each rule alone would do to a request, whatever the other rules say of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from policy.question import Question
from policy.rulebook.engine import BoundRule
from policy.rulebook.rule import Does
from policy.types import Allow


class Effect(StrEnum):
    """What a rule alone does."""

    DENIES = "denies"
    NARROWS = "narrows"  # some targets are taken away, others left
    WARNS = "warns"
    CAPS = "caps"
    SHADOW = "would deny"
    EXEMPTED = "exempted"  # an exception keeps it from doing anything


@dataclass(frozen=True, slots=True)
class Reached:
    """A rule that speaks of a request, what it does, and the exceptions that hold for it."""

    rule: str
    effect: Effect
    exempted_by: tuple[str, ...] = ()


def reach(rules: Iterable[BoundRule], asked: Question, allow: Allow) -> Iterator[Reached]:
    """What each of the rules does; `allow` is what is allowed without any of them."""
    now, targets = asked.circumstances.unix_seconds, frozenset(allow.targets)
    for each in rules:
        does = each.rule.does_at(now)
        if does is None or each.touches.isdisjoint(targets):
            continue
        if not all(holds(asked) for holds in each.asks):
            continue
        exempted_by = tuple(one.rule.id for one in each.exemptions if one.holds(asked))
        touched = each.touched(asked) & targets
        effect = _effect(does, touched, targets)
        if effect is not None:
            yield Reached(each.rule.id, effect, exempted_by)


def _effect(does: Does, touched: frozenset[str], targets: frozenset[str]) -> Effect | None:
    if not touched:
        return Effect.EXEMPTED
    match does:
        case Does.DENY:
            return Effect.DENIES if touched == targets else Effect.NARROWS
        case Does.SHADOW:
            return Effect.SHADOW if touched == targets else None
        case Does.CAP:
            return Effect.CAPS
        case _:
            return Effect.WARNS
