"""The conditions of a rule, compiled: each looks at one thing, and can say what it saw.

What is not known never satisfies an `allow`, and always satisfies a rule that restricts.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from policy.networks import is_within, parse_address, spans_of
from policy.question import Question
from policy.rulebook.document import WEEKDAYS, MatchDocument, RuleDocument
from policy.rulebook.moments import minute_at, minutes_of, weekday_at
from policy.rulebook.patterns import compile_globs, folded
from policy.rulebook.versions import AssistantBounds, parse_bounds
from policy.types import DataClass, TargetFacts
from policy.versions import parse_version

_TOOL_LISTS = 64
"""An assistant offers the same tools in every request: the answers for so many are kept."""

_MOST_TOOLS_KEPT = 256
"""Longer lists are looked through each time: a caller may offer ten thousand, ever others."""

Holds = Callable[[Question], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """One field of a rule, asked of a request: what it wants, whether it has it, what it has."""

    field: str
    wanted: str
    holds: Holds
    seen: Callable[[Question], str]


@dataclass(frozen=True, slots=True)
class TargetCondition:
    """One field of a rule, asked of a target."""

    field: str
    wanted: str
    holds: Callable[[TargetFacts], bool]
    seen: Callable[[TargetFacts], str]


def request_conditions(rule: RuleDocument) -> Iterator[Condition]:
    """What a rule asks of a request, but for its team, its model and the targets."""
    match, is_allow = rule.match, rule.effect == "allow"
    yield from _of_the_caller(match)
    if match.assistants is not None:
        yield _assistants(match.assistants, restricting=not is_allow)
    yield from _of_the_data(match)
    if match.operations is not None:
        yield _one_of("operations", match.operations, lambda asked: asked.facts.operation.value)
    yield from _of_the_size(match)
    yield from _of_the_time(match, rule.time_zone)
    if match.networks is not None:
        yield _networks(match.networks, restricting=not is_allow)
    if match.tools is not None:
        yield _tools(match.tools, all_of_them=is_allow)


def target_conditions(rule: RuleDocument) -> Iterator[TargetCondition]:
    """What a rule asks of a target; known when it is compiled."""
    match, unknown = rule.match, rule.effect != "allow"
    if match.vendors is not None:
        vendors = frozenset(match.vendors)
        yield TargetCondition(
            "vendors",
            _listed(match.vendors),
            lambda target: target.vendor in vendors,
            lambda target: target.vendor,
        )
    facts: tuple[tuple[str, tuple[str, ...] | None, Callable[[TargetFacts], str | None]], ...] = (
        ("regions", match.regions, lambda target: target.region),
        ("jurisdictions", match.jurisdictions, lambda target: target.jurisdiction),
        ("retentions", match.retentions, lambda target: target.retention),
    )
    for field, values, fact in facts:
        if values is not None:
            yield _target_fact(field, values, fact, unknown)
    if match.in_house is not None:
        wanted = match.in_house
        yield TargetCondition(
            "in_house",
            str(wanted).lower(),
            lambda target: target.in_house is wanted,
            lambda target: str(target.in_house).lower(),
        )


def _target_fact(
    field: str, values: Sequence[str], fact: Callable[[TargetFacts], str | None], unknown: bool
) -> TargetCondition:
    among = frozenset(map(folded, values))

    def holds(target: TargetFacts) -> bool:
        known = fact(target)
        return unknown if known is None else folded(known) in among

    return TargetCondition(
        field, _listed(values), holds, lambda target: fact(target) or "not known"
    )


def _of_the_caller(match: MatchDocument) -> Iterator[Condition]:
    if match.users is not None:
        yield _one_of("users", match.users, lambda asked: asked.identity.subject)
    if match.roles is not None:
        roles = frozenset(match.roles)
        yield Condition(
            "roles",
            _listed(match.roles),
            lambda asked: not roles.isdisjoint(asked.identity.roles),
            lambda asked: _listed(sorted(asked.identity.roles)),
        )
    if match.keys is not None:
        yield _one_of("keys", match.keys, lambda asked: asked.identity.credential_id)


def _of_the_data(match: MatchDocument) -> Iterator[Condition]:
    def seen(asked: Question) -> str:
        return asked.data_class.label

    if match.data_from is not None:
        least = DataClass.parse(match.data_from)
        yield Condition("data_from", least.label, lambda asked: asked.data_class >= least, seen)
    if match.data_up_to is not None:
        most = DataClass.parse(match.data_up_to)
        yield Condition("data_up_to", most.label, lambda asked: asked.data_class <= most, seen)


def _of_the_size(match: MatchDocument) -> Iterator[Condition]:
    largest = match.request_bytes_over
    if largest is not None:
        yield Condition(
            "request_bytes_over",
            str(largest),
            lambda asked: asked.facts.body_bytes > largest,
            lambda asked: str(asked.facts.body_bytes),
        )
    most = match.input_tokens_over
    if most is not None:
        yield Condition(
            "input_tokens_over",
            str(most),
            lambda asked: asked.facts.input_tokens_estimate > most,
            lambda asked: str(asked.facts.input_tokens_estimate),
        )


def _of_the_time(match: MatchDocument, zone: str) -> Iterator[Condition]:
    if match.weekdays is not None:
        days = frozenset(WEEKDAYS.index(each) for each in match.weekdays)
        yield Condition(
            "weekdays",
            _listed(match.weekdays),
            lambda asked: weekday_at(zone, asked.circumstances.unix_seconds) in days,
            lambda asked: WEEKDAYS[weekday_at(zone, asked.circumstances.unix_seconds)],
        )
    if match.hours is not None:
        minutes = minutes_of(match.hours)

        def clock(asked: Question) -> str:
            hour, minute = divmod(minute_at(zone, asked.circumstances.unix_seconds), 60)
            return f"{hour:02}:{minute:02} {zone}"

        yield Condition(
            "hours",
            _listed(match.hours),
            lambda asked: minute_at(zone, asked.circumstances.unix_seconds) in minutes,
            clock,
        )


def _assistants(written: Sequence[str], *, restricting: bool) -> Condition:
    by_name: dict[str, list[AssistantBounds]] = {}
    for each in map(parse_bounds, written):
        by_name.setdefault(each.name, []).append(each)

    @lru_cache(maxsize=1024)
    def admits(name: str, text: str | None) -> bool:
        bounds = by_name.get(name)
        if bounds is None:
            return False
        if any(not each.bounds for each in bounds):
            return True
        version = parse_version(text)
        if version is None:
            return restricting
        return any(each.admits(version, restricting=restricting) for each in bounds)

    def seen(asked: Question) -> str:
        now = asked.circumstances
        known = now.assistant_version or "of unknown version"
        return now.assistant if now.assistant == "unrecognised" else f"{now.assistant} {known}"

    return Condition(
        "assistants",
        _listed(written),
        lambda asked: admits(asked.circumstances.assistant, asked.circumstances.assistant_version),
        seen,
    )


def _networks(written: Sequence[str], *, restricting: bool) -> Condition:
    spans = spans_of(written, restricting=restricting)

    def holds(asked: Question) -> bool:
        address = parse_address(asked.circumstances.address)
        return restricting if address is None else is_within(address, spans)

    return Condition(
        "networks",
        _listed(written),
        holds,
        lambda asked: asked.circumstances.address or "an unknown address",
    )


def _tools(globs: Sequence[str], *, all_of_them: bool) -> Condition:
    """Any tool offered that is covered; an exception must cover all, or it would exempt others."""
    covers = compile_globs(globs).fullmatch
    enough = all if all_of_them else any

    def covered(names: tuple[str, ...]) -> bool:
        return enough(covers(folded(name)) is not None for name in names)

    remembered = lru_cache(maxsize=_TOOL_LISTS)(covered)

    def holds(asked: Question) -> bool:
        names = asked.facts.tool_names
        return remembered(names) if len(names) <= _MOST_TOOLS_KEPT else covered(names)

    return Condition(
        "tools",
        _listed(globs),
        holds,
        lambda asked: _listed(asked.facts.tool_names) or "no tools",
    )


def _one_of(field: str, values: Sequence[str], fact: Callable[[Question], str]) -> Condition:
    among = frozenset(values)
    return Condition(field, _listed(values), lambda asked: fact(asked) in among, fact)


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values)
