"""Who is affected by each rule, counted from recorded exchanges, as of the day on which it acts."""

from array import array
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

from gateway.replay.decided import MOST_KINDS, missing_of
from gateway.replay.likeness import Likeness
from gateway.replay.recorded import (
    RecordedExchange,
    RecordedRequest,
    circumstances_of,
    facts_of,
    identity_of,
)
from policy.engine import Policy
from policy.registers import DAY_SECONDS
from policy.rulebook.bounds import Unknown, asks_of, laxest, strictest
from policy.rulebook.reach import Effect, Reached
from policy.rulebook.rule import CompiledRule, Does

TOP: Final = 5
"""So many names of each kind are told."""


@dataclass(slots=True)
class People:
    """How often each of some numbered people did something; few bytes for each."""

    counts: "array[int]" = field(default_factory=lambda: array("L"))

    def add(self, number: int) -> None:
        """Once more."""
        if number >= len(self.counts):
            self.counts.extend([0] * (number + 1 - len(self.counts)))
        self.counts[number] += 1

    def __len__(self) -> int:
        return sum(1 for each in self.counts if each)

    def top(self, most: int) -> list[tuple[int, int]]:
        """Those who did it most, with how often."""
        busy = sorted(range(len(self.counts)), key=lambda each: (-self.counts[each], each))
        return [(each, self.counts[each]) for each in busy[:most] if self.counts[each]]


@dataclass(slots=True)
class Touched:
    """The exchanges that something happens to, and whose they are."""

    requests: int = 0
    cost_nano_usd: int = 0
    people: People = field(default_factory=People)
    teams: Counter[str] = field(default_factory=Counter)
    assistants: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    days: set[int] = field(default_factory=set)
    """Days of activity, as numbers since the epoch (UTC)."""

    def add(self, exchange: RecordedExchange, person: int) -> None:
        """Count one."""
        request = exchange.request
        self.requests += 1
        self.cost_nano_usd += exchange.cost_nano_usd
        self.people.add(person)
        self.teams[request.team or ""] += 1
        version = f" {request.assistant.version}" if request.assistant.version else ""
        self.assistants[request.assistant.name + version] += 1
        self.models[request.model or ""] += 1
        self.days.add(request.unix_seconds // DAY_SECONDS)


@dataclass(slots=True)
class RulePreview:
    """One rule, the moment as of which it is counted (UTC seconds), and whom it touches how."""

    rule: CompiledRule
    as_of: int
    by_effect: dict[Effect, Touched] = field(default_factory=dict)
    exempted_by: Counter[str] = field(default_factory=Counter)
    undecidable: int = 0

    def add(self, exchange: RecordedExchange, reached: Reached, person: int) -> None:
        """Count what the rule does to an exchange."""
        self.by_effect.setdefault(reached.effect, Touched()).add(exchange, person)
        self.exempted_by.update(reached.exempted_by)


class Preview:
    """Counts, for each rule of a policy, whom it would reach.

    Each rule is counted as of its own first day (where that is past, as of `now`), or all as of
    `at`. Rules that have lapsed by then, and exceptions, are not counted.
    """

    def __init__(
        self,
        policy: Policy,
        canonical: Callable[[str], str],
        now_unix_seconds: int,
        at_unix_seconds: int | None = None,
    ) -> None:
        self._canonical = canonical
        self.rules = {
            each.id: RulePreview(each, as_of)
            for each in policy.rules
            if (as_of := _moment(each, now_unix_seconds, at_unix_seconds)) is not None
        }
        self.names: list[tuple[str, str]] = []
        """Every person and team, by their numbers."""
        self._numbers: dict[tuple[str, str], int] = {}
        self._moments = [
            _Moment(policy.as_of(as_of), _ids_of(self.rules, as_of), canonical)
            for as_of in sorted({each.as_of for each in self.rules.values()})
        ]
        self.exchanges = 0

    def add(self, exchange: RecordedExchange) -> None:
        """Count one exchange."""
        request = exchange.request
        self.exchanges += 1
        if not request.was_read:
            return
        for moment in self._moments:
            found = moment.reached(request)
            for reached in found.certain:
                self.rules[reached.rule].add(exchange, reached, self._number(request))
            for rule in found.unsure:
                self.rules[rule].undecidable += 1

    def _number(self, request: RecordedRequest) -> int:
        whose = request.subject or "", request.team or ""
        number = self._numbers.get(whose)
        if number is None:
            number = self._numbers[whose] = len(self.names)
            self.names.append(whose)
        return number


@dataclass(frozen=True, slots=True)
class _Found:
    certain: tuple[Reached, ...]
    unsure: tuple[str, ...]


class _Moment:
    """All rules as they are at one moment, and those of them that are counted so."""

    def __init__(
        self, policy: Policy, counted: frozenset[str], canonical: Callable[[str], str]
    ) -> None:
        self._canonical = canonical
        self._counted = counted
        self._policy = policy
        self._likeness = Likeness(policy)
        self._known: dict[Hashable, _Found] = {}
        written = [each.written for each in policy.rules]
        self._unknowns = tuple[Unknown, ...](
            each for each in ("networks", "tools") if asks_of(written, each)
        )

    def reached(self, request: RecordedRequest) -> _Found:
        """What the counted rules do to a request."""
        key = self._likeness.key_of(request)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST_KINDS:
                self._known.clear()
            found = self._known[key] = self._find(request)
        return found

    def _find(self, request: RecordedRequest) -> _Found:
        unknown = missing_of(request, self._unknowns)
        if not unknown:
            return _Found(tuple(self._reach(self._policy, request)), ())
        written = [each.written for each in self._policy.rules]
        strict = self._reach(self._policy.with_rules(strictest(written, unknown)), request)
        lax = self._reach(self._policy.with_rules(laxest(written, unknown)), request)
        either = {each.rule: each for each in (*strict, *lax)}
        certain = {each.rule: each for each in strict if each in lax}
        return _Found(
            tuple(certain.values()), tuple(each for each in either if each not in certain)
        )

    def _reach(self, policy: Policy, request: RecordedRequest) -> list[Reached]:
        facts = facts_of(request, self._canonical)
        reached = policy.reached(identity_of(request), facts, circumstances_of(request))
        return [each for each in reached if each.rule in self._counted]


def _moment(rule: CompiledRule, now: int, at: int | None) -> int | None:
    """As of when a rule is counted; None for one that is not."""
    if rule.does is Does.EXEMPT:
        return None
    as_of = max(now, rule.starts) if at is None else at
    return None if rule.does_at(as_of) is None else as_of


def _ids_of(rules: dict[str, RulePreview], as_of: int) -> frozenset[str]:
    return frozenset(name for name, each in rules.items() if each.as_of == as_of)
