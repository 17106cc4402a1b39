"""Rules and registers as of a moment: what sleeps then is left out, the rest has no dates."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from policy.registers import Registers, Review, day_of
from policy.rulebook.rule import CompiledRule, Does, Placed

_NO_DATES: Mapping[str, object] = {"from_": None, "warn_from": None, "until": None}


def rules_as_of(rules: Iterable[Placed], unix_seconds: int) -> tuple[Placed, ...]:
    """The rules that do something at that moment, to do just that at any other.

    One that will deny and warns until then is a warning.
    """
    undated = (_as_of(each, unix_seconds) for each in rules)
    return tuple(each for each in undated if each is not None)


def registers_as_of(registers: Registers, unix_seconds: int) -> Registers:
    """The reviews: those that hold then hold for ever, and the others never did."""
    day = day_of(unix_seconds)
    vendors, assistants = registers.vendors, registers.assistants
    return Registers(
        None if vendors is None else {name: _held(each, day) for name, each in vendors.items()},
        None
        if assistants is None
        else {
            name: replace(each, review=_held(each.review, day)) for name, each in assistants.items()
        },
    )


def _as_of(rule: Placed, unix_seconds: int) -> Placed | None:
    does = CompiledRule.compile(rule).does_at(unix_seconds)
    if does is None:
        return None
    update = dict(_NO_DATES)
    if does is Does.WARN and rule.document.can_deny:
        update["effect"] = "warn"
    return replace(rule, document=rule.document.model_copy(update=update))


def _held(review: Review, day: int) -> Review:
    return replace(review, valid_until=date.min if review.has_lapsed(day) else date.max)
