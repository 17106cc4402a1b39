"""Why a request is decided as it is: every rule that could speak, and what each of them missed.

The decision is the engine's own; what is told beside it is asked of the same conditions.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from policy.engine import Policy
from policy.lifting import LiftedTeam
from policy.question import Question
from policy.rulebook.engine import BoundRule
from policy.rulebook.rule import CompiledRule, Does
from policy.types import (
    Circumstances,
    DataClass,
    Decision,
    Deny,
    Identity,
    RequestFacts,
)


class Standing(StrEnum):
    """What became of a rule for one request."""

    DENIES = "denies"
    NARROWS = "narrows"  # some targets are taken away, others left
    WARNS = "warns"
    CAPS = "caps"
    SHADOW = "would deny"
    EXEMPTS = "exempts"
    EXEMPTED = "exempted"
    LIFTED = "lifted"  # by a break-glass
    MISSED = "missed"
    IDLE = "idle"  # it speaks of the request, and changes nothing
    ASLEEP = "asleep"  # its dates


@dataclass(frozen=True, slots=True)
class Missed:
    """A condition that did not hold: its field, what it wants, what the request has."""

    field: str
    wanted: str
    seen: str


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one rule, and why."""

    rule: CompiledRule
    standing: Standing
    missed: tuple[Missed, ...] = ()
    exempted_by: tuple[str, ...] = ()
    lifted_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, and every rule beside it, in order."""

    decision: Decision
    rules: tuple[Told, ...]

    @property
    def effect(self) -> Literal["allow", "warn", "deny"]:
        """In one word."""
        if isinstance(self.decision, Deny):
            return "deny"
        return "warn" if self.decision.warnings else "allow"

    @property
    def speaking(self) -> tuple[str, ...]:
        """The rules that the caller hears of: the one that denies, or those that warn."""
        if isinstance(self.decision, Deny):
            return (self.decision.rule,)
        return tuple(each.rule.id for each in self.rules if each.standing is Standing.WARNS)

    @property
    def hits(self) -> frozenset[str]:
        """The rules that did something."""
        quiet = (
            Standing.MISSED,
            Standing.IDLE,
            Standing.ASLEEP,
            Standing.EXEMPTED,
            Standing.LIFTED,
        )
        return frozenset(each.rule.id for each in self.rules if each.standing not in quiet)

    @property
    def nearest(self) -> Told | None:
        """Of the rules that could have denied and did not, the one that missed fewest."""
        missed = [
            each
            for each in self.rules
            if each.standing is Standing.MISSED and each.rule.written.document.can_deny
        ]
        return min(missed, key=lambda each: len(each.missed), default=None)


def explain(
    policy: Policy,
    identity: Identity,
    facts: RequestFacts,
    circumstances: Circumstances,
    label: DataClass | None = None,
) -> Explanation:
    """Decide, and tell of every written rule what it made of the request."""
    decision = policy.decide(identity, facts, circumstances, label)
    team = policy.teams.get(identity.team)
    if team is None:
        return Explanation(decision, ())
    asked = team.ask(identity, facts, circumstances, label)
    bound = {} if team.written is None else _by_id(team.written.by_model.get(facts.model, ()))
    told = [_told(rule, bound.get(rule.id), asked, decision) for rule in policy.rules]
    if isinstance(team, LiftedTeam):
        told = list(_lifted(told, team, asked))
    exempting = {name for each in told for name in each.exempted_by}
    return Explanation(
        decision,
        tuple(
            Told(each.rule, Standing.EXEMPTS) if each.rule.id in exempting else each
            for each in told
        ),
    )


def _lifted(told: Iterable[Told], team: LiftedTeam, asked: Question) -> Iterator[Told]:
    """The same, but for rules that would restrict this request, were they not lifted."""
    opened = list(team.lifts_of(asked))
    for each in told:
        by = tuple(glass.id for glass, lifts in opened if each.rule.id in lifts.rules)
        speaks = each.standing not in (Standing.MISSED, Standing.EXEMPTED)
        yield replace(each, standing=Standing.LIFTED, lifted_by=by) if by and speaks else each


def _by_id(rules: tuple[BoundRule, ...]) -> dict[str, BoundRule]:
    return {each.rule.id: each for each in rules}


def _told(rule: CompiledRule, bound: BoundRule | None, asked: Question, decision: Decision) -> Told:
    does = rule.does_at(asked.circumstances.unix_seconds)
    missed = tuple(_missed(rule, asked))
    if does is None:
        return Told(rule, Standing.ASLEEP, missed)
    if missed:
        return Told(rule, Standing.MISSED, missed)
    if bound is None:
        return Told(rule, Standing.IDLE)
    touched = bound.touched(asked)
    exempted_by = tuple(each.rule.id for each in bound.exemptions if each.holds(asked))
    if not touched:
        return Told(rule, Standing.EXEMPTED, exempted_by=exempted_by)
    return Told(rule, _standing(rule, does, touched, decision), exempted_by=exempted_by)


def _standing(
    rule: CompiledRule, does: Does, touched: frozenset[str], decision: Decision
) -> Standing:
    if isinstance(decision, Deny):
        return Standing.DENIES if decision.rule == rule.id else Standing.IDLE
    match does:
        case Does.DENY:
            return Standing.NARROWS
        case Does.SHADOW:
            return Standing.SHADOW if rule.id in decision.shadow else Standing.IDLE
        case _ if touched.isdisjoint(decision.targets):
            return Standing.IDLE
        case Does.CAP:
            return Standing.CAPS
        case _:
            return Standing.WARNS


def _missed(rule: CompiledRule, asked: Question) -> Iterator[Missed]:
    match, team = rule.written.document.match, asked.identity.team
    if not rule.is_for_team(team):
        yield Missed("teams", ", ".join(match.teams or ()), team)
    if not rule.is_for_model(asked.facts.model):
        yield Missed("models", ", ".join(match.models or ()), asked.facts.model)
    for condition in rule.conditions:
        if not condition.holds(asked):
            yield Missed(condition.field, condition.wanted, condition.seen(asked))
    for each in rule.target:
        if asked.targets and not any(each.holds(target) for target in asked.targets):
            seen = ", ".join(each.seen(target) for target in asked.targets)
            yield Missed(each.field, each.wanted, seen)
