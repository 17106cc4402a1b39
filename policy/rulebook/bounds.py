"""What a policy may have decided where a fact is not known: its strictest, and its laxest.

Rules only take away, and exceptions only give back what rules took. So a policy is strictest where
every condition on what is not known holds in rules and fails in exceptions, and laxest the other
way round; whatever the fact was, what was decided lies between the two.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from policy.rulebook.document import MatchDocument
from policy.rulebook.rule import Placed

Unknown = Literal["networks", "tools"]
"""A field of `match`. Of tools some are known: they are a part of those that were offered."""


def strictest(rules: Iterable[Placed], unknown: frozenset[Unknown]) -> tuple[Placed, ...]:
    """Rules without their conditions on it; no exception that has one."""
    return tuple(_strictest(rules, unknown))


def laxest(rules: Iterable[Placed], unknown: frozenset[Unknown]) -> tuple[Placed, ...]:
    """No rule that has a condition on it; exceptions without theirs.

    But what some known tools say for sure of all is left as it is: a rule that one of them is
    enough for, and an exception that one of them is outside of.
    """
    return tuple(_laxest(rules, unknown))


def asks_of(rules: Iterable[Placed], unknown: Unknown) -> bool:
    """Whether any of the rules has a condition on it."""
    return any(getattr(each.document.match, unknown) is not None for each in rules)


def _strictest(rules: Iterable[Placed], unknown: frozenset[Unknown]) -> Iterator[Placed]:
    for each in rules:
        asked = _asked(each.document.match, unknown)
        if each.document.effect != "allow":
            yield _without(each, asked)
        elif not asked:
            yield each


def _laxest(rules: Iterable[Placed], unknown: frozenset[Unknown]) -> Iterator[Placed]:
    for each in rules:
        asked = _asked(each.document.match, unknown) - {"tools"}
        if each.document.effect == "allow":
            yield _without(each, asked)
        elif not asked:
            yield each


def _asked(match: MatchDocument, unknown: frozenset[Unknown]) -> frozenset[Unknown]:
    return frozenset(each for each in unknown if getattr(match, each) is not None)


def _without(rule: Placed, fields: frozenset[Unknown]) -> Placed:
    if not fields:
        return rule
    match = rule.document.match.model_copy(update=dict.fromkeys(fields))
    return replace(rule, document=rule.document.model_copy(update={"match": match}))
