"""How long an answer will probably be, and how long it can become."""

from bisect import bisect_left, insort
from collections import OrderedDict, deque

from policy.types import RequestFacts
from providers.catalogue import Price

UNSEEN_OUTPUT_TOKENS = 1_024
"""An answer's expected length when neither history nor a limit says anything."""

UNSEEN_OUTPUT_LIMIT_TOKENS = 4_096
"""Clients ask for room they seldom use: without history no more than this of it is expected."""

LARGEST_OUTPUT_TOKENS = 131_072
"""The longest answer reckoned with where neither the request nor the price book has a limit."""

_REMEMBERED_ANSWERS = 50
_REMEMBERED_PAIRS = 4_096


class RecentOutputs:
    """The lengths of the last 50 answers of each team and model; the oldest pairs are dropped."""

    def __init__(self) -> None:
        self._pairs: OrderedDict[tuple[str, str], tuple[deque[int], list[int]]] = OrderedDict()

    def learn(self, team: str, model: str, output_tokens: int) -> None:
        """Remember one answer's length."""
        key = (team, model)
        pair = self._pairs.get(key)
        if pair is None:
            pair = self._pairs[key] = (deque(), [])
            if len(self._pairs) > _REMEMBERED_PAIRS:
                self._pairs.popitem(last=False)
        self._pairs.move_to_end(key)
        arrived, ordered = pair
        if len(arrived) == _REMEMBERED_ANSWERS:
            del ordered[bisect_left(ordered, arrived.popleft())]
        arrived.append(output_tokens)
        insort(ordered, output_tokens)

    def p90(self, team: str, model: str) -> int | None:
        """The length that nine answers in ten stay within; None without history."""
        pair = self._pairs.get((team, model))
        if pair is None:
            return None
        ordered = pair[1]
        return ordered[(len(ordered) * 9 + 9) // 10 - 1]


def expected_output_tokens(facts: RequestFacts, recent: int | None) -> int:
    """All answers together: recent length, within the request's own limit."""
    if not facts.operation.writes:
        return 0
    limit = facts.output_tokens_limit
    if recent is None:
        recent = UNSEEN_OUTPUT_TOKENS if limit is None else min(limit, UNSEEN_OUTPUT_LIMIT_TOKENS)
    each = recent if limit is None else min(recent, limit)
    return each * max(1, facts.answers)


def longest_output_tokens(facts: RequestFacts, price: Price) -> int:
    """All answers together, each as long as the request and the model let it become."""
    if not facts.operation.writes:
        return 0
    limit = facts.output_tokens_limit
    if limit is None:
        limit = price.output_tokens or LARGEST_OUTPUT_TOKENS
    return limit * max(1, facts.answers)
