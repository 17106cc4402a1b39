"""The rules' semantics as plainly as they can be written: every document read at every request.

The engine is measured beside this, and the tests hold it to the same answers.
"""

import ipaddress
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from policy.question import Question
from policy.rulebook.document import MatchDocument, RuleDocument
from policy.rulebook.versions import AssistantBounds, parse_bounds
from policy.types import DataClass, TargetFacts
from policy.versions import COMPARISONS, Version, parse_version

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def targets_left(
    rules: Sequence[RuleDocument], asked: Question, allowed: Sequence[str]
) -> tuple[str, ...]:
    """Of the targets that the team's document allows, those that every rule leaves."""
    facts = {each.name: each for each in asked.targets}
    return tuple(
        name
        for name in allowed
        if not any(_takes(rule, rules, asked, facts[name]) for rule in rules)
    )


def _takes(
    rule: RuleDocument, rules: Sequence[RuleDocument], asked: Question, target: TargetFacts
) -> bool:
    if rule.effect not in ("deny", "require_in_house") or rule.mode == "shadow":
        return False
    if rule.effect == "require_in_house" and target.in_house:
        return False
    if not _speaks(rule, asked, target):
        return False
    return not any(
        rule.id in (each.exempts or ()) and _speaks(each, asked, target)
        for each in rules
        if each.effect == "allow"
    )


def _speaks(rule: RuleDocument, asked: Question, target: TargetFacts) -> bool:
    now = datetime.fromtimestamp(asked.circumstances.unix_seconds, UTC)
    zone = ZoneInfo(rule.time_zone)
    if rule.from_ and now < datetime.combine(rule.from_, time(), zone):
        return False
    if rule.until and now >= datetime.combine(rule.until, time(), zone):
        return False
    unknown = rule.effect != "allow"
    checks: tuple[Callable[[], bool], ...] = (
        lambda: _caller_fits(rule.match, asked),
        lambda: _assistant_fits(rule.match, asked, unknown),
        lambda: _request_fits(rule.match, asked, unknown),
        lambda: _time_fits(rule.match, now.astimezone(zone)),
        lambda: _network_fits(rule.match, asked, unknown),
        lambda: _target_fits(rule.match, target, unknown),
    )
    return all(check() for check in checks)


def _caller_fits(match: MatchDocument, asked: Question) -> bool:
    identity = asked.identity
    return (
        (match.teams is None or identity.team in match.teams)
        and (match.users is None or identity.subject in match.users)
        and (match.roles is None or any(role in match.roles for role in identity.roles))
        and (match.keys is None or identity.credential_id in match.keys)
    )


def _assistant_fits(match: MatchDocument, asked: Question, unknown: bool) -> bool:
    if match.assistants is None:
        return True
    version = parse_version(asked.circumstances.assistant_version)
    for bounds in map(parse_bounds, match.assistants):
        if bounds.name != asked.circumstances.assistant:
            continue
        if not bounds.bounds:
            return True
        if unknown if version is None else _version_fits(bounds, version, unknown):
            return True
    return False


def _version_fits(bounds: AssistantBounds, version: Version, restricts: bool) -> bool:
    """A pre-release as what it is, and as the release that it comes before."""
    release = parse_version(".".join(map(str, version.numbers)))
    assert release is not None
    fits = [
        all(COMPARISONS[sign](each, bound) for sign, bound in bounds.bounds)
        for each in (version, release)
    ]
    return any(fits) if restricts else all(fits)


def _request_fits(match: MatchDocument, asked: Question, unknown: bool) -> bool:
    facts = asked.facts
    least, most = match.data_from, match.data_up_to
    covered = [_any_glob(name, match.tools or ()) for name in facts.tool_names]
    return (
        (match.models is None or _any_glob(facts.model, match.models))
        and (least is None or asked.data_class >= DataClass.parse(least))
        and (most is None or asked.data_class <= DataClass.parse(most))
        and (match.operations is None or facts.operation.value in match.operations)
        and (match.tools is None or (any(covered) if unknown else all(covered)))
        and (match.request_bytes_over is None or facts.body_bytes > match.request_bytes_over)
        and (
            match.input_tokens_over is None or facts.input_tokens_estimate > match.input_tokens_over
        )
    )


def _time_fits(match: MatchDocument, local: datetime) -> bool:
    if match.weekdays is not None and _DAYS[local.weekday()] not in match.weekdays:
        return False
    clock = local.strftime("%H:%M")
    return match.hours is None or any(_within(clock, *span.split("-")) for span in match.hours)


def _within(clock: str, start: str, end: str) -> bool:
    return start <= clock < end if start < end else clock >= start or clock < end


def _network_fits(match: MatchDocument, asked: Question, unknown: bool) -> bool:
    if match.networks is None:
        return True
    if asked.circumstances.address is None:
        return unknown
    address = ipaddress.ip_address(asked.circumstances.address)
    inside = ipaddress.ip_address(f"::ffff:{address}") if unknown and address.version == 4 else None
    networks = [ipaddress.ip_network(each) for each in match.networks]
    return any(address in each or (inside is not None and inside in each) for each in networks)


def _target_fits(match: MatchDocument, target: TargetFacts, unknown: bool) -> bool:
    known = (
        (match.regions, target.region),
        (match.jurisdictions, target.jurisdiction),
        (match.retentions, target.retention),
    )
    return (
        (match.vendors is None or target.vendor in match.vendors)
        and (match.in_house is None or target.in_house is match.in_house)
        and all(
            values is None
            or (unknown if fact is None else fact.casefold() in map(str.casefold, values))
            for values, fact in known
        )
    )


def _any_glob(name: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(name.casefold(), each.casefold().replace("[", "[[]")) for each in globs)
