"""What must hold of an exception that somebody wants to open: all it names exists and restricts."""

from collections.abc import Iterator

from gateway.configuration.build import Configuration
from gateway.configuration.problems import suggestion
from policy.break_glass import Lifts
from policy.rulebook.document import MatchDocument
from policy.rulebook.patterns import compile_globs, folded, is_pattern
from policy.rulebook.rule import Does
from policy.rulebook.versions import parse_bounds
from policy.rules import RULES

_OWN_RULES = frozenset({*(rule.name for rule in RULES), "team", "no_target"})
_LIFTABLE = (Does.DENY, Does.CAP)


def check_lifts(
    lifts: Lifts, match: MatchDocument, configuration: Configuration, assistants: frozenset[str]
) -> Iterator[str]:
    """Every problem, each with what to do about it. `assistants` are those that can be told."""
    if not lifts:
        yield "lifts nothing: name a rule with --rule, or a review with --register"
    for name in lifts.rules:
        yield from _check_rule(name, configuration)
    yield from _check_reviews("vendor", lifts.vendors, configuration)
    yield from _check_reviews("assistant", lifts.assistants, configuration)
    yield from _check_budget(lifts, match, configuration)
    yield from _check_scope(match, configuration, assistants)


def _check_rule(name: str, configuration: Configuration) -> Iterator[str]:
    rules = {rule.id: rule for rule in configuration.policy.rules}
    if name in _OWN_RULES:
        yield f"{name} is a rule of the gateway's own: break-glass lifts written rules only"
    elif name not in rules:
        liftable = [each.id for each in rules.values() if each.does in _LIFTABLE]
        hint = suggestion(name, liftable) or "; none is written that restricts"
        yield f"no rule is named {name}{hint}"
    elif rules[name].does not in _LIFTABLE:
        yield f"rule {name} refuses nothing and caps nothing, so there is nothing to lift"


def _check_reviews(
    kind: str, names: tuple[str, ...], configuration: Configuration
) -> Iterator[str]:
    registers = configuration.registers
    kept = registers.vendors if kind == "vendor" else registers.assistants
    entries = registers.reviewed_vendors if kind == "vendor" else registers.reviewed_assistants
    for name in names:
        if kept is None:
            yield f"no register of {kind}s is kept, so nothing of {name} has lapsed"
        elif name not in entries:
            yield (
                f"{kind} {name} is not in its register: break-glass lifts that a review has "
                f"lapsed, not that there was none{suggestion(name, list(entries))}"
            )


def _check_budget(
    lifts: Lifts, match: MatchDocument, configuration: Configuration
) -> Iterator[str]:
    teams = configuration.policy.teams
    wanted = [teams[name] for name in match.teams or teams if name in teams]
    if lifts.extra_nano_usd and not any(each.has_budget for each in wanted):
        yield "none of the teams has a budget, so there is none to raise"


def _check_scope(
    match: MatchDocument, configuration: Configuration, assistants: frozenset[str]
) -> Iterator[str]:
    for team in match.teams or ():
        if team not in configuration.policy.teams:
            yield f"no team is named {team}{suggestion(team, list(configuration.teams))}"
    for written in match.assistants or ():
        name = parse_bounds(written).name
        if name not in assistants:
            yield f"the gateway can tell no assistant {name}{suggestion(name, sorted(assistants))}"
    for model in match.models or ():
        yield from _check_model(model, configuration)


def _check_model(name: str, configuration: Configuration) -> Iterator[str]:
    covers = compile_globs([name]).fullmatch
    if is_pattern(name) or any(covers(folded(each)) for each in configuration.models):
        return
    if name in configuration.aliases:
        yield f"{name} is an alias; name its model, {configuration.aliases[name]}"
    else:
        yield f"no model is named {name}{suggestion(name, list(configuration.models))}"
