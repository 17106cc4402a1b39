"""What must hold of rules that people wrote: all they name exists, and each says what it means."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.configuration.checks import check_amounts
from gateway.configuration.document import GatehouseDocument
from gateway.configuration.policy_files import PolicyFile
from gateway.configuration.problems import Path, Problem, suggestion
from policy.rulebook.document import CaseDocument, MatchDocument, RuleDocument
from policy.rulebook.patterns import compile_globs, folded, is_pattern
from policy.rulebook.versions import parse_bounds
from policy.rules import RULES
from policy.types import DataClass

Found = Iterator[tuple[Path, str]]

_OWN_RULES = frozenset({*(rule.name for rule in RULES), "team", "no_target"})


@dataclass(frozen=True, slots=True)
class Names:
    """Every name that a rule may use. `rules` leads from an id to the first place it stands at."""

    document: GatehouseDocument
    assistants: Sequence[str]
    rules: Mapping[str, str]
    exceptions: frozenset[str]


def check_rules(
    files: Sequence[PolicyFile], document: GatehouseDocument, assistants: frozenset[str]
) -> Iterator[Problem]:
    """Every problem, with its file and place."""
    places: dict[str, str] = {}
    exceptions = set()
    for file in files:
        for rule in file.rules():
            places.setdefault(rule.document.id, rule.place)
            if rule.document.effect == "allow":
                exceptions.add(rule.document.id)
    names = Names(document, sorted(assistants), places, frozenset(exceptions))
    for file in files:
        for at, rule in enumerate(file.rules()):
            here: Path = ("rules", at)
            if places[rule.document.id] != rule.place:
                first = places[rule.document.id]
                told = f"{rule.document.id} is the name of a rule already ({first}); rename one"
                yield file.problem((*here, "id"), told)
            yield from _placed(file, here, _check_rule(rule.document, names))
        for at, case in enumerate(file.written.document.tests):
            yield from _placed(file, ("tests", at), _check_case(case, names))


def _placed(file: PolicyFile, above: Path, found: Found) -> Iterator[Problem]:
    for path, text in found:
        yield file.problem((*above, *path), text)


def _check_rule(rule: RuleDocument, names: Names) -> Found:
    if rule.id in _OWN_RULES:
        yield ("id",), f"{rule.id} is a rule of the gateway's own; take another name"
    if rule.reason is None and rule.effect in ("deny", "warn", "require_in_house"):
        yield (), f"a `{rule.effect}` rule needs a `reason`; developers will read it"
    if rule.mode == "shadow" and not rule.can_deny:
        yield ("mode",), "shadow means something for deny and require_in_house only; leave it out"
    if rule.show is not None and not rule.can_warn:
        yield ("show",), "says where a warning is read, and this rule never warns; take it out"
    yield from _check_exempts(rule, names)
    yield from _check_cap(rule)
    yield from _check_dates(rule)
    yield from _check_match(rule.match, names)


def _check_exempts(rule: RuleDocument, names: Names) -> Found:
    if rule.effect != "allow":
        if rule.exempts is not None:
            yield ("exempts",), "stands in an `allow` only; take it out, or make the effect allow"
        return
    if rule.exempts is None:
        yield (
            (),
            (
                "an `allow` is an exception: name the rules it exempts from under `exempts` "
                "(what a team may use stands in gatehouse.yaml)"
            ),
        )
    for at, name in enumerate(rule.exempts or ()):
        path: Path = ("exempts", at)
        if name in names.exceptions:
            yield path, f"{name} is an exception itself; name a rule that restricts"
        elif name in _OWN_RULES:
            yield path, f"nothing exempts from {name}: what a team may use is in gatehouse.yaml"
        elif name not in names.rules:
            restricting = [each for each in names.rules if each not in names.exceptions]
            yield path, f"no rule is named {name}{suggestion(name, restricting)}"


def _check_cap(rule: RuleDocument) -> Found:
    if rule.effect != "cap":
        if rule.cap is not None:
            yield ("cap",), "stands in a rule with effect cap only; take it out"
        return
    if rule.cap is None:
        yield (), "a `cap` rule says how much: add cap: { per: user, requests_per_minute: 60 }"
        return
    yield from check_amounts(("cap",), rule.cap)


def _check_dates(rule: RuleDocument) -> Found:
    if rule.warn_from is not None:
        if not rule.can_deny:
            yield ("warn_from",), f"means nothing for a `{rule.effect}` rule; give it `from`"
        elif rule.from_ is None:
            yield ("warn_from",), "needs `from`, the day on which it begins to deny; add it"
        elif rule.warn_from >= rule.from_:
            yield ("warn_from",), f"is not before `from` ({rule.from_}), so nobody is warned"
    if rule.until is not None and rule.from_ is not None and rule.until <= rule.from_:
        yield ("until",), f"is not after `from` ({rule.from_}), so the rule never holds"


def _check_match(match: MatchDocument, names: Names) -> Found:
    document = names.document
    yield from _known(("match", "teams"), match.teams, list(document.teams), "team")
    yield from _known(("match", "vendors"), match.vendors, list(document.vendors), "vendor")
    for at, written in enumerate(match.assistants or ()):
        name = parse_bounds(written).name
        if name not in names.assistants:
            hint = suggestion(name, names.assistants)
            yield ("match", "assistants", at), f"the gateway can tell no assistant {name}{hint}"
    for at, model in enumerate(match.models or ()):
        if not is_pattern(model):
            yield from _check_model(("match", "models", at), model, document)
    least, most = match.data_from, match.data_up_to
    if least and most and DataClass.parse(least) > DataClass.parse(most):
        yield ("match", "data_up_to"), f"is below data_from ({least}), so the rule never holds"


def _check_model(path: Path, name: str, document: GatehouseDocument) -> Found:
    covers = compile_globs([name]).fullmatch
    if any(covers(folded(each)) for each in document.models):
        return
    for model, each in document.models.items():
        if name in each.aliases:
            yield path, f"{name} is an alias; name its model, {model}, and the rule holds for both"
            return
    yield path, f"no model is named {name}{suggestion(name, list(document.models))}"


def _check_case(case: CaseDocument, names: Names) -> Found:
    request, expect, document = case.request, case.expect, names.document
    yield from _known(("request", "team"), (request.team,), list(document.teams), "team")
    offered = [*document.models, *(a for each in document.models.values() for a in each.aliases)]
    yield from _known(("request", "model"), (request.model,), offered, "model")
    assistant = request.assistant.partition(" ")[0]
    yield from _known(("request", "assistant"), (assistant,), names.assistants, "assistant")
    if expect.effect == "allow" and expect.rule is not None:
        yield ("expect", "rule"), "an `allow` has none; expect warn or deny, or take it out"
    elif expect.rule is not None:
        rules = [*names.rules, *_OWN_RULES]
        yield from _known(("expect", "rule"), (expect.rule,), rules, "rule")
    yield from _known(("expect", "shadow"), expect.shadow, list(names.rules), "rule")
    targets = [target for each in document.models.values() for target in each.targets]
    yield from _known(("expect", "targets"), expect.targets, targets, "target")


def _known(path: Path, values: Sequence[str] | None, known: Sequence[str], what: str) -> Found:
    is_list = path[-1] in ("teams", "vendors", "shadow", "targets")
    for at, value in enumerate(values or ()):
        if value not in known:
            told = f"no {what} is named {value}{suggestion(value, known)}"
            yield (*path, at) if is_list else path, told
