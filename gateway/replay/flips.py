"""What would have come of recorded exchanges otherwise: counted by team, vendor, model and rule."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from gateway.replay.decided import Decided, Verdict
from gateway.replay.recorded import CAP_CODES, OWN_RULES, RecordedExchange, RecordedRequest

ELSEWHERE: Final = "continuation"
"""The rule that keeps a conversation with the vendor that holds it."""

NO_RULE: Final = "(teams, models or registers)"
"""In place of a rule where none that people wrote made the difference."""


class Flip(StrEnum):
    """How what would have come of a request differs from what came of it."""

    SAME = "same"
    DENIED = "denied"  # was allowed
    ALLOWED = "allowed"  # was denied
    FEWER = "fewer_targets"
    MORE = "more_targets"
    OTHER = "other_targets"  # some more, some fewer
    OTHERWISE = "otherwise_denied"  # by another rule
    UNDECIDABLE = "undecidable"  # a fact that it depends on is not on record
    NOT_ASKED = "not_asked"  # refused before any policy was asked


class Dimension(StrEnum):
    """By what flips are counted."""

    TEAM = "team"
    VENDOR = "vendor"
    MODEL = "model"
    RULE = "rule"


class Before(Protocol):
    """What counts as what came of a request."""

    def verdict_on(self, request: RecordedRequest) -> Verdict:
        """Of one that was read."""
        ...


class AsRecorded:
    """What the ledger says came of it."""

    def verdict_on(self, request: RecordedRequest) -> Verdict:
        """The decision that was recorded."""
        if request.kind == "admitted":
            return Verdict(request.targets + request.left_out, warns=bool(request.warnings))
        if request.code in CAP_CODES:
            return Verdict(rule=request.rule, unknown="a cap had no room: caps are not replayed")
        return Verdict(rule=request.rule)


@dataclass(slots=True)
class Sum:
    """Exchanges by their flips, and what they had cost: of those that would have been denied, and
    of those that another target would have answered."""

    flips: Counter[Flip] = field(default_factory=Counter)
    refused_nano_usd: int = 0
    moved: int = 0
    moved_nano_usd: int = 0
    warned: int = 0
    """Allowed as before, but with a warning."""
    users: set[str] = field(default_factory=set)
    """Whom something would have been denied that was not."""

    def add(self, exchange: RecordedExchange, outcome: "Outcome") -> None:
        """Count one exchange."""
        self.flips[outcome.flip] += 1
        self.warned += outcome.is_warned
        if outcome.flip is Flip.DENIED:
            self.refused_nano_usd += exchange.cost_nano_usd
            self.users.add(exchange.request.subject or "")
        if outcome.is_moved:
            self.moved += 1
            self.moved_nano_usd += exchange.cost_nano_usd


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would have come of one exchange, by which rules, and who would have answered first."""

    flip: Flip
    rules: tuple[str, ...] = ()
    first: str | None = None
    is_moved: bool = False
    is_warned: bool = False
    unknown: str | None = None


class Comparison:
    """Asks a policy about each exchange, and counts what differs from what came `before`."""

    def __init__(self, after: Decided, before: Before) -> None:
        self._after = after
        self._before = before
        self.total = Sum()
        self.by: dict[Dimension, dict[str, Sum]] = {each: {} for each in Dimension}
        self.unknown: Counter[str] = Counter()
        self.exchanges = 0
        self.cost_nano_usd = 0

    def add(self, exchange: RecordedExchange) -> None:
        """Compare one exchange."""
        outcome = self._outcome(exchange)
        self.exchanges += 1
        self.cost_nano_usd += exchange.cost_nano_usd
        self.total.add(exchange, outcome)
        if outcome.unknown is not None:
            self.unknown[outcome.unknown] += 1
        if outcome.flip is not Flip.SAME or outcome.is_warned:
            for dimension, name in _places(exchange, outcome):
                self.by[dimension].setdefault(name, Sum()).add(exchange, outcome)

    def _outcome(self, exchange: RecordedExchange) -> Outcome:
        request = exchange.request
        if not request.was_read:
            return Outcome(Flip.NOT_ASKED)
        if request.rule in OWN_RULES and isinstance(self._before, AsRecorded):
            return Outcome(Flip.SAME)
        before = self._before.verdict_on(request)
        after = _kept_together(request, self._after.verdict_on(request))
        unknown = self._unknown(request, before, after)
        if unknown is not None:
            return Outcome(Flip.UNDECIDABLE, unknown=unknown)
        flip = _flip(before, after)
        rules = self._rules(request, flip, before, after)
        return Outcome(
            flip,
            rules,
            first=after.targets[0] if after.targets else None,
            is_moved=exchange.target in before.targets
            and not after.is_denied
            and exchange.target not in after.targets,
            is_warned=after.warns and not before.warns and not before.is_denied,
        )

    def _unknown(self, request: RecordedRequest, before: Verdict, after: Verdict) -> str | None:
        """Why nobody can tell, where nobody can."""
        if after.unknown is not None:
            return after.unknown
        is_recorded = isinstance(self._before, AsRecorded)
        if is_recorded and request.exceptions and set(before.targets) != set(after.targets):
            return "it passed because of a break-glass: exceptions are not replayed"
        return None if after.is_denied else before.unknown

    def _rules(
        self, request: RecordedRequest, flip: Flip, before: Verdict, after: Verdict
    ) -> tuple[str, ...]:
        match flip:
            case Flip.DENIED | Flip.OTHERWISE:
                return (after.rule or NO_RULE,)
            case Flip.ALLOWED:
                return (before.rule or NO_RULE,)
            case Flip.FEWER | Flip.OTHER:
                return self._after.narrowing(request) or (NO_RULE,)
            case _:
                return ()


def _kept_together(request: RecordedRequest, verdict: Verdict) -> Verdict:
    """A conversation that a vendor keeps goes on there or nowhere, whatever policy allows."""
    if request.continues is None or request.kind != "admitted" or verdict.unknown is not None:
        return verdict
    left = tuple(each for each in verdict.targets if each in request.targets)
    if left == verdict.targets:
        return verdict
    return Verdict(left, warns=verdict.warns) if left else Verdict(rule=ELSEWHERE)


def _flip(before: Verdict, after: Verdict) -> Flip:
    if before.is_denied and after.is_denied:
        return Flip.SAME if before.rule == after.rule else Flip.OTHERWISE
    if before.is_denied or after.is_denied:
        return Flip.ALLOWED if before.is_denied else Flip.DENIED
    was, becomes = set(before.targets), set(after.targets)
    if was == becomes:
        return Flip.SAME
    if becomes < was:
        return Flip.FEWER
    return Flip.MORE if was < becomes else Flip.OTHER


def _places(exchange: RecordedExchange, outcome: Outcome) -> Iterator[tuple[Dimension, str]]:
    request = exchange.request
    yield Dimension.TEAM, request.team or "(not known)"
    yield Dimension.MODEL, request.model or "(not known)"
    target = exchange.target or next(iter(request.targets), None) or outcome.first
    if target is not None:
        yield Dimension.VENDOR, target.partition("/")[0]
    for rule in outcome.rules:
        yield Dimension.RULE, rule
