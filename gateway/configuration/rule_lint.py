"""What an author of rules should look at: what can never match, exempts from nothing, has lapsed.

None of it refuses a configuration: a rule may stand there before what it speaks of.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from gateway.configuration.problems import suggestion
from policy.engine import Policy
from policy.rulebook.patterns import compile_globs, folded, is_pattern
from policy.rulebook.rule import CompiledRule, Does
from policy.types import TargetFacts

Targets = Mapping[str, tuple[TargetFacts, ...]]


def lint(policy: Policy, targets: Targets) -> Iterator[str]:
    """Each finding with file, line and rule."""
    bound = _bound_anywhere(policy)
    for rule in policy.rules:
        found = list(_values_of_nobody(rule, targets))
        if rule.does is Does.EXEMPT:
            if rule.id not in bound:
                found.append("exempts from nothing: it meets none of the rules it names")
        elif rule.id not in bound and not found:
            found.append("can never match: no team has a model with a target it speaks of")
        yield from (f"{rule.written.place}: {rule.id} {each}" for each in found)
    yield from _unpriced_targets(policy)
    yield from _teams_without_a_target(policy)


def lapsed(policy: Policy, unix_seconds: int) -> Iterator[str]:
    """The rules whose time is over."""
    for rule in policy.rules:
        if rule.ends <= unix_seconds:
            until = rule.written.document.until
            yield (
                f"{rule.written.place}: {rule.id} has lapsed (until {until}); "
                f"take it out, or give it a later day"
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


def _teams_without_a_target(policy: Policy) -> Iterator[str]:
    """Teams whose every model is denied by rules that ask nothing of a request."""
    for name, team in policy.teams.items():
        if team.written is None or not team.targets:
            continue
        shut = [_shut_by(policy, name, model) for model in team.targets]
        if all(shut):
            rules = ", ".join(dict.fromkeys(rule for each in shut for rule in each))
            yield f"team {name} is left without any target, whatever it asks: {rules}"


def _shut_by(policy: Policy, team: str, model: str) -> tuple[str, ...]:
    """The rules that together leave nothing of a model that the team is cleared for."""
    compiled = policy.teams[team]
    cleared = {
        each.name for each in compiled.targets[model] if each.clearance >= compiled.data_class
    }
    taking: list[str] = []
    for each in compiled.written.by_model.get(model, ()) if compiled.written else ():
        is_certain = each.rule.does is Does.DENY and not each.rule.conditions
        if is_certain and not each.exemptions and cleared & each.touches:
            cleared -= each.touches
            taking.append(each.rule.id)
    return () if cleared else tuple(taking)
