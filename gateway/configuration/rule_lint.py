"""What an author of rules should look at: what never does anything, has lapsed, shuts teams out.

None of it refuses a configuration: a rule may stand there before what it speaks of. Only what is
proven is told.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from gateway.configuration.problems import suggestion
from policy.engine import Policy
from policy.rulebook.deserted import Deserted, always_deserted, deserted
from policy.rulebook.idle import Idle, Why, idle_rules
from policy.rulebook.patterns import compile_globs, folded, is_pattern
from policy.rulebook.rule import CompiledRule, Does
from policy.types import TargetFacts

Targets = Mapping[str, tuple[TargetFacts, ...]]

_OUT = "take it out"


def lint(policy: Policy, targets: Targets) -> Iterator[str]:
    """Each finding with file, line and rule, and what to do; true on any day."""
    idle: dict[str, list[Idle]] = {}
    for each in idle_rules(policy):
        idle.setdefault(each.rule.id, []).append(each)
    bound = _bound_anywhere(policy)
    for rule in policy.rules:
        found = list(_values_of_nobody(rule, targets)) or list(
            _of_rule(rule, bound, idle.get(rule.id, []))
        )
        yield from (f"{rule.written.place}: {rule.id} {each}" for each in found)
    yield from _unpriced_targets(policy)
    for team, rules in always_deserted(policy).items():
        yield _told(team, "", rules)


def due(policy: Policy, unix_seconds: int) -> Iterator[str]:
    """What there is to look at because of days: rules whose time is over, teams shut out."""
    yield from lapsed(policy, unix_seconds)
    always = always_deserted(policy)
    for each in deserted(policy, unix_seconds):
        if each.team not in always:
            yield _told(each.team, _span(each, unix_seconds), each.rules)


def lapsed(policy: Policy, unix_seconds: int) -> Iterator[str]:
    """The rules whose time is over."""
    for rule in policy.rules:
        if rule.ends <= unix_seconds:
            until = rule.written.document.until
            yield (
                f"{rule.written.place}: {rule.id} has lapsed (until {until}); "
                f"take it out, or give it a later day"
            )


def _of_rule(rule: CompiledRule, bound: frozenset[str], idle: Sequence[Idle]) -> Iterator[str]:
    names = rule.written.document.exempts or ()
    missed = [each for each in idle if each.why is Why.NEVER_MEETS]
    if rule.does is Does.EXEMPT and (rule.id not in bound or len(missed) == len(names)):
        yield (
            f"exempts from nothing: it meets none of the rules it names; mend its match, or {_OUT}"
        )
    elif rule.does is not Does.EXEMPT and rule.id not in bound:
        yield (
            "can never match: no team has a model with a target it speaks of; "
            f"mend its match, or {_OUT}"
        )
    else:
        yield from map(_why, idle)


def _why(idle: Idle) -> str:
    match, other = idle.rule.written.document.match, idle.other
    there = "" if other is None else f"{other.id} ({other.written.place})"
    match idle.why:
        case Why.TWIN:
            return f"does just what {there} does; take one of the two out"
        case Why.COVERED:
            return (
                f"never does anything: {there} denies all that it speaks of; {_OUT}, or "
                "narrow the other"
            )
        case Why.CLASS:
            return (
                f"can never match: all data of its teams is above {match.data_up_to} "
                f"(data_up_to); mend its match, or {_OUT}"
            )
        case Why.SIZE:
            return (
                f"can never match: its teams may not send more than {match.request_bytes_over} "
                f"bytes (limits.max_request_bytes); {_OUT}, or lower request_bytes_over"
            )
        case Why.VERSIONS:
            return "can never match: no version is within these bounds; mend them"
        case Why.NEVER_MEETS:
            return (
                f"never meets {there}, which it exempts from; mend its match, or take that "
                "name out of exempts"
            )


def _told(team: str, span: str, rules: Sequence[str]) -> str:
    return (
        f"team {team} is left without any target{span}, whatever it asks: {', '.join(rules)}; "
        "give it a target they leave, or an exception"
    )


def _span(left: Deserted, now: int) -> str:
    since = left.since_unix_seconds
    begins = "" if since <= now else f" from {_moment(since)} on"
    until = left.until_unix_seconds
    return begins + ("" if until is None else f" until {_moment(until)}")


def _moment(unix_seconds: int) -> str:
    """A day, or where it does not begin then in UTC, the time."""
    moment = datetime.fromtimestamp(unix_seconds, UTC)
    return f"{moment:%Y-%m-%d}" if unix_seconds % 86_400 == 0 else f"{moment:%Y-%m-%dT%H:%MZ}"


def _unpriced_targets(policy: Policy) -> Iterator[str]:
    """Targets that a rule on money refuses, because nobody knows what they cost."""
    found: dict[tuple[str, str], str] = {}
    for team in policy.teams.values():
        for rules in team.written.by_model.values() if team.written else ():
            for each in rules:
                for target in each.unpriced:
                    found[each.rule.id, target] = each.rule.written.place
    for (rule, target), place in sorted(found.items()):
        yield (
            f"{place}: {rule} limits money, and no price is known for {target}, so it is refused "
            f"there; add it under prices"
        )


def _bound_anywhere(policy: Policy) -> frozenset[str]:
    """The rules that concern some team and model, and the exceptions to those."""
    found: set[str] = set()
    for team in policy.teams.values():
        for rules in team.written.by_model.values() if team.written else ():
            for each in rules:
                found.add(each.rule.id)
                found.update(exemption.rule.id for exemption in each.exemptions)
    return frozenset(found)


def _values_of_nobody(rule: CompiledRule, targets: Targets) -> Iterator[str]:
    match = rule.written.document.match
    for glob in match.models or ():
        covers = compile_globs([glob]).fullmatch
        if is_pattern(glob) and not any(covers(folded(model)) for model in targets):
            yield f"names models that are not here: {glob}{suggestion(glob, list(targets))}"
    facts: Sequence[tuple[str, tuple[str, ...] | None, Callable[[TargetFacts], str | None]]] = (
        ("region", match.regions, lambda each: each.region),
        ("jurisdiction", match.jurisdictions, lambda each: each.jurisdiction),
        ("retention", match.retentions, lambda each: each.retention),
    )
    for name, values, fact in facts:
        known = sorted({fact(each) or "" for served in targets.values() for each in served} - {""})
        for value in values or ():
            if folded(value) not in map(folded, known):
                yield f"names a {name} that no vendor here has: {value}{suggestion(value, known)}"
