"""Decide recorded requests by a policy, each kind once, and say where nobody can tell."""

from collections.abc import Callable, Hashable, Iterable
from typing import Final

import msgspec

from gateway.replay.likeness import Likeness
from gateway.replay.recorded import (
    RecordedRequest,
    circumstances_of,
    facts_of,
    identity_of,
)
from policy.engine import Policy
from policy.rulebook.bounds import Unknown, asks_of, laxest, strictest
from policy.rulebook.reach import Effect
from policy.types import Allow, Circumstances, Deny, Identity, RequestFacts

MOST_KINDS: Final = 200_000
"""Decisions remembered; beyond them all are forgotten, which costs time and nothing else."""

_UNKNOWN: Final[dict[Unknown, str]] = {
    "networks": "where the caller was is not on record",
    "tools": "not all names of tools are on record",
}


def missing_of(request: RecordedRequest, asked_of: Iterable[Unknown]) -> frozenset[Unknown]:
    """Which of these facts a record lacks."""
    lacks = {"networks": request.address is None, "tools": request.tool_names_omitted > 0}
    return frozenset(each for each in asked_of if lacks[each])


class Verdict(msgspec.Struct, frozen=True):
    """What a policy makes of a request: where it may go, or (nowhere) the rule that denies it.

    `unknown` says which fact is missing; nothing else is then to be relied on.
    """

    targets: tuple[str, ...] = ()
    rule: str | None = None
    warns: bool = False
    unknown: str | None = None

    @property
    def is_denied(self) -> bool:
        """Whether it may go nowhere."""
        return not self.targets


class Decided:
    """One policy, asked about many recorded requests. `canonical` leads from aliases to models."""

    def __init__(self, policy: Policy, canonical: Callable[[str], str]) -> None:
        self._policy = policy
        self._canonical = canonical
        self._likeness = Likeness(policy)
        self._known: dict[Hashable, Verdict] = {}
        self._narrowing: dict[Hashable, tuple[str, ...]] = {}
        self._written = [each.written for each in policy.rules]
        self._asked_of = tuple[Unknown, ...](
            each for each in _UNKNOWN if asks_of(self._written, each)
        )
        self._bounds: dict[frozenset[Unknown], tuple[Policy, Policy]] = {}

    def verdict_on(self, request: RecordedRequest) -> Verdict:
        """What this policy makes of a request that was read."""
        key = self._likeness.key_of(request)
        verdict = self._known.get(key)
        if verdict is None:
            if len(self._known) >= MOST_KINDS:
                self._known.clear()
            verdict = self._known[key] = self._decide(request)
        return verdict

    def narrowing(self, request: RecordedRequest) -> tuple[str, ...]:
        """The rules that took some of its targets away and left others; none may have."""
        key = self._likeness.key_of(request)
        found = self._narrowing.get(key)
        if found is None:
            if len(self._narrowing) >= MOST_KINDS:
                self._narrowing.clear()
            reached = self._policy.reached(*self._asked(request))
            found = self._narrowing[key] = tuple(
                each.rule for each in reached if each.effect in (Effect.DENIES, Effect.NARROWS)
            )
        return found

    def _decide(self, request: RecordedRequest) -> Verdict:
        unknown = missing_of(request, self._asked_of)
        if not unknown:
            return self._ask(self._policy, request)
        strict, lax = (self._ask(each, request) for each in self._between(unknown))
        if (strict.targets, strict.is_denied) == (lax.targets, lax.is_denied):
            return msgspec.structs.replace(lax, warns=strict.warns and lax.warns)
        return Verdict(unknown=" and ".join(_UNKNOWN[each] for each in sorted(unknown)))

    def _between(self, unknown: frozenset[Unknown]) -> tuple[Policy, Policy]:
        if unknown not in self._bounds:
            self._bounds[unknown] = (
                self._policy.with_rules(strictest(self._written, unknown)),
                self._policy.with_rules(laxest(self._written, unknown)),
            )
        return self._bounds[unknown]

    def _ask(self, policy: Policy, request: RecordedRequest) -> Verdict:
        match policy.decide(*self._asked(request)):
            case Deny(rule=rule):
                return Verdict(rule=rule)
            case Allow(targets=targets, warnings=warnings):
                return Verdict(targets, warns=bool(warnings))

    def _asked(self, request: RecordedRequest) -> tuple[Identity, RequestFacts, Circumstances]:
        facts = facts_of(request, self._canonical)
        return identity_of(request), facts, circumstances_of(request)
