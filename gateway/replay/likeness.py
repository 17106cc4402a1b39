"""Which requests a policy cannot tell apart: what it does not look at makes no other decision.

A ledger holds millions of requests and few kinds of them. Each kind is decided once.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from gateway.replay.recorded import RecordedRequest
from policy.engine import Policy
from policy.registers import WARNING_DAYS, Review
from policy.rulebook.document import WEEKDAYS, MatchDocument, RuleDocument
from policy.rulebook.moments import NEVER, minute_at, minutes_of, weekday_at

Part = Callable[[RecordedRequest], Hashable]


class Likeness:
    """What a policy looks at in a request, as a key: equal for those it decides alike."""

    def __init__(self, policy: Policy) -> None:
        documents = [each.written.document for each in policy.rules]
        matches = [each.match for each in documents]
        self._parts = tuple(_parts(matches))
        self._sizes = _sorted(
            [each.request_bytes_over for each in matches],
            [each.limits.max_request_bytes for each in policy.sources.teams.values()],
        )
        self._tokens = _sorted([each.input_tokens_over for each in matches])
        self._moments = sorted({*_moments_of_rules(policy), *_moments_of_reviews(policy)})
        self._clock = _clock(documents)

    def key_of(self, request: RecordedRequest) -> Hashable:
        """The same for two requests only where the policy decides both alike."""
        seconds = request.unix_seconds
        return (
            request.team,
            request.name,
            request.assistant,
            request.operation,
            bisect_left(self._sizes, request.body_bytes),
            bisect_left(self._tokens, request.input_tokens_estimate),
            bisect_right(self._moments, seconds),
            self._clock(seconds // 60),
            request.tool_names_omitted > 0,
            *[part(request) for part in self._parts],
        )


def _parts(matches: Iterable[MatchDocument]) -> Iterator[Part]:
    """What only some policies look at."""
    asked = {field for each in matches for field in each.model_fields_set}
    if "users" in asked:
        yield lambda request: request.subject
    if "roles" in asked:
        yield lambda request: request.roles
    if "keys" in asked:
        yield lambda request: request.credential_id
    if "networks" in asked:
        yield lambda request: request.address
    if "tools" in asked:
        yield lambda request: request.tool_names


def _sorted(*bounds: Iterable[int | None]) -> list[int]:
    """All bounds; a value is over those that stand before its place (`bisect_left`)."""
    return sorted({each for group in bounds for each in group if each is not None})


def _moments_of_rules(policy: Policy) -> Iterator[int]:
    for rule in policy.rules:
        yield from (each for each in (rule.warns, rule.starts, rule.ends) if abs(each) < NEVER)


def _moments_of_reviews(policy: Policy) -> Iterator[int]:
    """The days on which a review begins to end soon, and has lapsed."""
    registers = policy.sources.registers
    reviews: list[Review] = [*(registers.vendors or {}).values()]
    reviews += [each.review for each in (registers.assistants or {}).values()]
    for each in reviews:
        for days in (-WARNING_DAYS, 1):
            if date.min + timedelta(WARNING_DAYS) < each.valid_until < date.max:
                yield _midnight(each.valid_until + timedelta(days))


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


def _clock(documents: Iterable[RuleDocument]) -> Callable[[int], Hashable]:
    """Of a minute (UTC): which conditions on hours and weekdays hold then."""
    wanted = [
        (
            each.time_zone,
            None
            if each.match.weekdays is None
            else frozenset(WEEKDAYS.index(day) for day in each.match.weekdays),
            None if each.match.hours is None else minutes_of(each.match.hours),
        )
        for each in documents
        if each.match.weekdays is not None or each.match.hours is not None
    ]
    if not wanted:
        return lambda _: None

    @lru_cache(maxsize=65_536)
    def holding(unix_minute: int) -> Hashable:
        seconds = unix_minute * 60
        return tuple(
            (
                days is None or weekday_at(zone, seconds) in days,
                minutes is None or minute_at(zone, seconds) in minutes,
            )
            for zone, days, minutes in wanted
        )

    return holding
