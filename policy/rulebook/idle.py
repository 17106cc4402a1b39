"""Rules that can do nothing, as far as that can be proven: covered by others, apart, impossible.

Proven for the teams, models and targets there are; of requests and days, for all there can be.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from policy.document import TeamDocument
from policy.engine import Policy
from policy.rulebook.document import RuleDocument
from policy.rulebook.engine import BoundRule
from policy.rulebook.overlap import (
    admits_no_version,
    are_apart,
    are_never_awake_together,
    is_within,
)
from policy.rulebook.rule import CompiledRule, Does

_WORDS = frozenset({"id", "reason", "alternative", "owner", "show"})


class Why(StrEnum):
    """Why a rule, or a part of it, does nothing."""

    TWIN = "twin"  # another one says the same
    COVERED = "covered"  # another one denies all that it speaks of
    CLASS = "class"  # no team has data so little sensitive
    SIZE = "size"  # no team may send so much
    VERSIONS = "versions"  # no version is within these bounds
    NEVER_MEETS = "never_meets"  # an exception, and a rule it names


@dataclass(frozen=True, slots=True)
class Idle:
    """A rule, why it does nothing, and the other rule that is the reason, where one is."""

    rule: CompiledRule
    why: Why
    other: CompiledRule | None = None


Place = tuple[str, str]
"""A team and one of its models."""


def idle_rules(policy: Policy) -> Iterator[Idle]:
    """One finding a rule, in order; of an exception, one for each rule it never meets."""
    bound = _bound(policy)
    twins: dict[str, CompiledRule] = {}
    for rule in policy.rules:
        twin = twins.setdefault(_shape(rule, policy), rule)
        if twin is not rule:
            yield Idle(rule, Why.TWIN, twin)
        elif rule.does is Does.EXEMPT:
            yield from _of_exception(rule, policy, bound)
        elif found := _of_restriction(rule, policy, bound):
            yield found


def _bound(policy: Policy) -> Mapping[str, Mapping[Place, BoundRule]]:
    """Where each rule is bound, by its id."""
    found: dict[str, dict[Place, BoundRule]] = {}
    for name, team in policy.teams.items():
        for model, rules in team.written.by_model.items() if team.written else ():
            for each in rules:
                found.setdefault(each.rule.id, {})[name, model] = each
    return found


def _of_restriction(
    rule: CompiledRule, policy: Policy, bound: Mapping[str, Mapping[Place, BoundRule]]
) -> Idle | None:
    places = bound.get(rule.id)
    if not places:
        return None
    teams = [policy.sources.teams[team] for team in dict.fromkeys(team for team, _ in places)]
    if impossible := _impossible(rule.written.document, teams):
        return Idle(rule, impossible)
    earlier = True
    for other in policy.rules:
        if other is rule:
            earlier = False
        elif (
            other.does is Does.DENY
            and (earlier or rule.does is not Does.DENY)
            and _covers(other, rule, places, bound.get(other.id, {}), policy)
        ):
            return Idle(rule, Why.COVERED, other)
    return None


def _impossible(rule: RuleDocument, teams: list[TeamDocument]) -> Why | None:
    """Why no request of these teams can be spoken of, if none can."""
    highest, over = rule.match.data_up_to, rule.match.request_bytes_over
    if highest is not None and all(_is_above(each, highest) for each in teams):
        return Why.CLASS
    if over is not None and all(each.limits.max_request_bytes <= over for each in teams):
        return Why.SIZE
    return None


def _is_above(team: TeamDocument, label: str) -> bool:
    return team.clearance_needed > team.clearance_needed.parse(label)


def _covers(
    wide: CompiledRule,
    narrow: CompiledRule,
    places: Mapping[Place, BoundRule],
    others: Mapping[Place, BoundRule],
    policy: Policy,
) -> bool:
    """Whether one rule denies whatever the other speaks of, whenever that does anything."""
    if not (wide.starts <= narrow.warns and wide.ends >= narrow.ends):
        return False
    return all(
        (other := others.get(place)) is not None
        and each.touches <= other.touches
        and _exempts_no_more(other, each)
        and is_within(
            narrow.written.document,
            wide.written.document,
            policy.sources.teams[place[0]].clearance_needed,
        )
        for place, each in places.items()
    )


def _exempts_no_more(wide: BoundRule, narrow: BoundRule) -> bool:
    """Whether what an exception gives back of the one it gives back of the other, too."""
    also = {each.rule.id: each.targets for each in narrow.exemptions}
    return all(
        each.targets & narrow.touches <= also.get(each.rule.id, frozenset())
        for each in wide.exemptions
    )


def _of_exception(
    rule: CompiledRule, policy: Policy, bound: Mapping[str, Mapping[Place, BoundRule]]
) -> Iterator[Idle]:
    document = rule.written.document
    if admits_no_version(document.match):
        yield Idle(rule, Why.VERSIONS)
        return
    by_id = {each.id: each for each in policy.rules}
    named = [by_id[name] for name in document.exempts or () if name in by_id]
    missed = [each for each in named if not _meets(rule, each, bound.get(each.id, {}))]
    yield from (Idle(rule, Why.NEVER_MEETS, each) for each in missed)


def _meets(exception: CompiledRule, rule: CompiledRule, places: Mapping[Place, BoundRule]) -> bool:
    """Whether a request may be spoken of by both; nothing proves that one is."""
    if are_apart(exception.written.document, rule.written.document):
        return False
    if are_never_awake_together(exception, rule):
        return False
    return any(
        exemption.rule is exception for each in places.values() for exemption in each.exemptions
    )


def _shape(rule: CompiledRule, policy: Policy) -> str:
    """What a rule does, without its words: equal for rules that do the same."""
    document = rule.written.document
    told = document.model_dump(mode="json", exclude=set(_WORDS), exclude_defaults=True)
    exceptions = [
        each.id for each in policy.rules if rule.id in (each.written.document.exempts or ())
    ]
    return repr((_sorted(told), sorted(exceptions)))


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return sorted((name, _sorted(each)) for name, each in value.items())
    return sorted(map(str, value)) if isinstance(value, list) else value
