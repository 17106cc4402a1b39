"""Teams left without any target, now or on a day to come: by rules, and by reviews that lapse."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from policy.engine import CompiledTeam, Policy
from policy.registers import Review, day_of
from policy.rulebook.moments import NEVER
from policy.rulebook.rule import CompiledRule, Does

REGISTER = "vendor_register"

_LONG_AGO = 1
"""A day on which every review still holds."""


@dataclass(frozen=True, slots=True)
class Deserted:
    """A team without any target, whatever it asks: from when until when (UTC seconds), by what.

    `until` None: nothing that is known ends it.
    """

    team: str
    since_unix_seconds: int
    until_unix_seconds: int | None
    rules: tuple[str, ...]


def deserted(policy: Policy, now_unix_seconds: int) -> Iterator[Deserted]:
    """Every such time from now on, team by team."""
    moments = _moments(policy, now_unix_seconds)
    for name, team in policy.teams.items():
        if team.targets:
            yield from _spans(name, [(each, _shut(team, each)) for each in moments])


def always_deserted(policy: Policy) -> Mapping[str, tuple[str, ...]]:
    """The teams that never have a target, whatever the day, and by which rules."""
    return {
        name: shut
        for name, team in policy.teams.items()
        if team.targets and (shut := _shut(team, None)) is not None
    }


def _spans(team: str, moments: Sequence[tuple[int, tuple[str, ...] | None]]) -> Iterator[Deserted]:
    """Moments in order, each with what shuts the team then; None: it is not shut."""
    since: int | None = None
    rules: dict[str, None] = {}
    for moment, shut in moments:
        if shut is None:
            if since is not None:
                yield Deserted(team, since, moment, tuple(rules))
            since, rules = None, {}
        else:
            since = moment if since is None else since
            rules |= dict.fromkeys(shut)
    if since is not None:
        yield Deserted(team, since, None, tuple(rules))


def _shut(team: CompiledTeam, moment: int | None) -> tuple[str, ...] | None:
    """The rules that together leave nothing at a moment; None where something may be left.

    Without a moment: at every moment there is.
    """
    found: dict[str, None] = {}
    for model in team.targets:
        shut = _model_shut(team, model, moment)
        if shut is None:
            return None
        found |= dict.fromkeys(shut)
    return tuple(found)


def _model_shut(team: CompiledTeam, model: str, moment: int | None) -> tuple[str, ...] | None:
    targets = team.targets[model]
    cleared = {each.name for each in targets if each.clearance >= team.data_class}
    day = _LONG_AGO if moment is None else day_of(moment)
    left = cleared & set(team.registers.open_targets(targets, team.data_class, day))
    taking = [] if left == cleared else [REGISTER]
    for each in team.written.by_model.get(model, ()) if team.written else ():
        if each.rule.conditions or not _denies(each.rule, moment):
            continue
        awake = (one.targets for one in each.exemptions if _may_hold(one.rule, moment))
        surely = each.touches.difference(*awake)
        if left & surely:
            left -= surely
            taking.append(each.rule.id)
    return None if left else tuple(taking)


def _denies(rule: CompiledRule, moment: int | None) -> bool:
    if moment is not None:
        return rule.does_at(moment) is Does.DENY
    return rule.does is Does.DENY and rule.starts == -NEVER and rule.ends == NEVER


def _may_hold(exception: CompiledRule, moment: int | None) -> bool:
    return moment is None or exception.does_at(moment) is not None


def _moments(policy: Policy, now: int) -> list[int]:
    """Now, and every moment to come at which a rule or a review begins or ends."""
    coming = {each for rule in policy.rules for each in (rule.starts, rule.ends)}
    reviews: list[Review] = list((policy.sources.registers.vendors or {}).values())
    coming |= {_midnight_after(each.valid_until) for each in reviews}
    return sorted({now, *(each for each in coming if now < each < NEVER)})


def _midnight_after(day: date) -> int:
    if day == date.max:
        return NEVER
    return int(datetime.combine(day + timedelta(1), time(), UTC).timestamp())
