"""How two rules lie to each other, as far as their texts prove it: one within the other, or apart.

Whatever is claimed here holds for every request. What is not claimed may be so all the same.
"""

from collections.abc import Callable, Iterable
from typing import Final

from policy.rulebook.document import WEEKDAYS, MatchDocument, RuleDocument
from policy.rulebook.moments import minutes_of
from policy.rulebook.patterns import compile_globs, folded, is_pattern
from policy.rulebook.rule import CompiledRule
from policy.rulebook.versions import AssistantBounds, parse_bounds
from policy.types import DataClass, Operation

_MINUTES: Final = 24 * 60


def is_within(narrow: RuleDocument, wide: RuleDocument, least: DataClass) -> bool:
    """Whether each request that one rule speaks of is one that the other speaks of.

    Both restrict. Of teams, models and targets nothing is asked; `least` is the lowest data class
    there can be.
    """
    return all(check(narrow, wide, least) for check in _WITHIN)


def are_apart(exception: RuleDocument, rule: RuleDocument) -> bool:
    """Whether there is no request that both an exception and a rule speak of.

    Of teams, models, targets and days nothing is asked.
    """
    match, other = exception.match, rule.match
    if any(
        _are_disjoint(getattr(match, field), getattr(other, field))
        for field in ("users", "keys", "operations")
    ):
        return True
    return (
        _are_disjoint(_assistants(match), _assistants(other))
        or _is_below(match.data_up_to, other.data_from)
        or _is_below(other.data_up_to, match.data_from)
        or _tools_are_apart(match, other)
        or (exception.time_zone == rule.time_zone and _clocks_are_apart(match, other))
    )


def are_never_awake_together(one: CompiledRule, other: CompiledRule) -> bool:
    """Whether the days of one rule end before those of the other begin."""
    return min(one.ends, other.ends) <= max(one.warns, other.warns)


def admits_no_version(match: MatchDocument) -> bool:
    """Whether no version of any of the assistants can be within its bounds."""
    if match.assistants is None:
        return False
    return all(_is_empty(parse_bounds(each)) for each in match.assistants)


def _of_values(field: str) -> Callable[[RuleDocument, RuleDocument, DataClass], bool]:
    def check(narrow: RuleDocument, wide: RuleDocument, _: DataClass) -> bool:
        values, wanted = getattr(narrow.match, field), getattr(wide.match, field)
        return wanted is None or (values is not None and set(values) <= set(wanted))

    return check


def _operations(narrow: RuleDocument, wide: RuleDocument, _: DataClass) -> bool:
    every = tuple(each.value for each in Operation)
    wanted = wide.match.operations
    return wanted is None or set(narrow.match.operations or every) <= set(wanted)


def _over(field: str) -> Callable[[RuleDocument, RuleDocument, DataClass], bool]:
    def check(narrow: RuleDocument, wide: RuleDocument, _: DataClass) -> bool:
        value, wanted = getattr(narrow.match, field), getattr(wide.match, field)
        return wanted is None or (value is not None and value >= wanted)

    return check


def _data(narrow: RuleDocument, wide: RuleDocument, least: DataClass) -> bool:
    lowest = max(least, DataClass.parse(narrow.match.data_from or "public"))
    highest = DataClass.parse(narrow.match.data_up_to or "restricted")
    wanted = wide.match
    return lowest >= DataClass.parse(wanted.data_from or "public") and highest <= DataClass.parse(
        wanted.data_up_to or "restricted"
    )


def _assistants_within(narrow: RuleDocument, wide: RuleDocument, _: DataClass) -> bool:
    """Bounds are within bounds when they are the same, and maybe more of them."""
    wanted, values = wide.match.assistants, narrow.match.assistants
    if wanted is None or values is None:
        return wanted is None
    wider = [parse_bounds(each) for each in wanted]
    return all(
        any(one.name == each.name and set(one.bounds) <= set(each.bounds) for one in wider)
        for each in map(parse_bounds, values)
    )


def _tools(narrow: RuleDocument, wide: RuleDocument, _: DataClass) -> bool:
    wanted, values = wide.match.tools, narrow.match.tools
    if wanted is None or values is None:
        return wanted is None
    same, covers = set(map(folded, wanted)), compile_globs(wanted).fullmatch
    return all(
        folded(each) in same or (not is_pattern(each) and covers(folded(each))) for each in values
    )


def _clock(narrow: RuleDocument, wide: RuleDocument, _: DataClass) -> bool:
    if wide.match.hours is None and wide.match.weekdays is None:
        return True
    days, minutes = _days(wide.match), _minutes(wide.match)
    if len(days) == len(WEEKDAYS) and len(minutes) == _MINUTES:
        return True
    return (
        narrow.time_zone == wide.time_zone
        and _days(narrow.match) <= days
        and _minutes(narrow.match) <= minutes
    )


_WITHIN: Final = (
    *map(_of_values, ("users", "roles", "keys", "networks")),
    *map(_over, ("request_bytes_over", "input_tokens_over")),
    _operations,
    _data,
    _assistants_within,
    _tools,
    _clock,
)


def _are_disjoint(one: Iterable[str] | None, other: Iterable[str] | None) -> bool:
    return one is not None and other is not None and set(one).isdisjoint(other)


def _assistants(match: MatchDocument) -> frozenset[str] | None:
    if match.assistants is None:
        return None
    return frozenset(parse_bounds(each).name for each in match.assistants)


def _is_below(highest: str | None, lowest: str | None) -> bool:
    return (
        highest is not None
        and lowest is not None
        and DataClass.parse(highest) < DataClass.parse(lowest)
    )


def _tools_are_apart(exception: MatchDocument, rule: MatchDocument) -> bool:
    """All tools are of the exception, and one is of the rule: by names alone, no patterns."""
    allowed, wanted = exception.tools, rule.tools
    if allowed is None or wanted is None or any(map(is_pattern, (*allowed, *wanted))):
        return False
    return set(map(folded, allowed)).isdisjoint(map(folded, wanted))


def _clocks_are_apart(one: MatchDocument, other: MatchDocument) -> bool:
    return _days(one).isdisjoint(_days(other)) or _minutes(one).isdisjoint(_minutes(other))


def _days(match: MatchDocument) -> frozenset[str]:
    return frozenset(WEEKDAYS if match.weekdays is None else match.weekdays)


def _minutes(match: MatchDocument) -> frozenset[int]:
    return frozenset(range(_MINUTES)) if match.hours is None else minutes_of(match.hours)


def _is_empty(bounds: AssistantBounds) -> bool:
    lower = [bound for sign, bound in bounds.bounds if sign in (">", ">=", "==")]
    upper = [bound for sign, bound in bounds.bounds if sign in ("<", "<=", "==")]
    return bool(lower and upper) and max(lower) > min(upper)
