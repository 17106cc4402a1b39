"""Tests of a policy: each a request and what must come of it, asked of the rules as they are."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from policy.engine import Policy
from policy.rulebook.document import CaseDocument, RequestDocument
from policy.rulebook.explain import Explanation, explain
from policy.types import (
    Allow,
    Circumstances,
    DataClass,
    Identity,
    Operation,
    RequestFacts,
)


@dataclass(frozen=True, slots=True)
class PlacedCase:
    """A test as written, and where."""

    document: CaseDocument
    file: str
    line: int

    @property
    def place(self) -> str:
        """`policy/leaving.yaml:40`."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a test. `missed` says, for each expectation not met, what came instead."""

    case: PlacedCase
    missed: tuple[str, ...]
    explanation: Explanation

    @property
    def passed(self) -> bool:
        """Whether all expectations were met."""
        return not self.missed


@dataclass(frozen=True, slots=True)
class Posed:
    """A request as policy is asked about it."""

    identity: Identity
    facts: RequestFacts
    circumstances: Circumstances
    label: DataClass | None


def run(
    policy: Policy,
    cases: Iterable[PlacedCase],
    canonical: Callable[[str], str],
    now_unix_seconds: int,
) -> tuple[Outcome, ...]:
    """Run every test. `canonical` leads from an alias to its model."""
    return tuple(_run(policy, each, canonical, now_unix_seconds) for each in cases)


def unhit(policy: Policy, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """The rules that no test hits, in order."""
    hit = {name for each in outcomes for name in each.explanation.hits}
    return tuple(each.id for each in policy.rules if each.id not in hit)


def posed(
    request: RequestDocument, canonical: Callable[[str], str], now_unix_seconds: int
) -> Posed:
    """The request of a test, as policy sees requests."""
    name, _, version = request.assistant.partition(" ")
    at = now_unix_seconds if request.at is None else int(request.at.timestamp())
    facts = RequestFacts(
        model=canonical(request.model),
        streaming=False,
        operation=Operation(request.operation),
        body_bytes=request.request_bytes,
        input_tokens_estimate=request.input_tokens,
        output_tokens_limit=None,
        answers=1,
        tool_names=request.tools,
        read_segments=tuple,
    )
    return Posed(
        Identity(request.user, request.team, frozenset(request.roles), request.key),
        facts,
        Circumstances(at, name, version or None, request.address),
        None if request.data is None else DataClass.parse(request.data),
    )


def _run(
    policy: Policy, case: PlacedCase, canonical: Callable[[str], str], now_unix_seconds: int
) -> Outcome:
    asked = posed(case.document.request, canonical, now_unix_seconds)
    explanation = explain(policy, asked.identity, asked.facts, asked.circumstances, asked.label)
    return Outcome(case, tuple(_missed(case.document, explanation)), explanation)


def _missed(case: CaseDocument, told: Explanation) -> Iterable[str]:
    expected, decision = case.expect, told.decision
    if told.effect != expected.effect:
        yield f"expected {expected.effect}, got {told.effect}{_by(told)}"
    elif expected.rule is not None and expected.rule not in told.speaking:
        yield f"expected rule {expected.rule}, got {', '.join(told.speaking) or 'none'}"
    targets = decision.targets if isinstance(decision, Allow) else ()
    if expected.targets is not None and expected.targets != targets:
        yield f"expected targets {_listed(expected.targets)}, got {_listed(targets)}"
    shadow = decision.shadow if isinstance(decision, Allow) else ()
    if expected.shadow is not None and set(expected.shadow) != set(shadow):
        yield f"expected shadow {_listed(expected.shadow)}, got {_listed(shadow)}"


def _by(told: Explanation) -> str:
    return f" by {', '.join(told.speaking)}" if told.speaking else ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
