"""`gatehouse policy preview`: whom would each rule reach, by what the ledger holds?"""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.candidate import configured
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import AsJson, Config, Data, data_folder
from gateway.cli.output import note, print_json, print_line
from gateway.cli.times import format_usd, parse_moment
from gateway.cli.traffic import Since, Until, count_exchanges, span_of

if TYPE_CHECKING:
    from gateway.replay.preview import Preview, RulePreview, Touched


def preview(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RULES]...", help="Files of rules, as if the configuration named them too."
        ),
    ] = None,
    since: Since = "30d",
    until: Until = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="As of that day. Default: each rule as of its own first day."
        ),
    ] = None,
    rule: Annotated[list[str] | None, typer.Option(help="This rule only; may be repeated.")] = None,
    config: Config = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Count who would be reached by each rule: users, teams, assistants, requests, days."""
    from gateway.replay.preview import Preview

    folder, span = data_folder(data), span_of(since, until)
    configuration = configured(config, folder, [each.absolute() for each in files or ()])
    moment = None if at is None else int(parse_moment(at, datetime.now(UTC)).timestamp())
    _refuse_unknown(rule or (), {each.id for each in configuration.policy.rules})
    counted = Preview(configuration.policy, configuration.canonical, int(time.time()), moment)
    count_exchanges(folder, span, counted.add)
    wanted = [each for name, each in counted.rules.items() if not rule or name in rule]
    if as_json:
        print_json(_object(each, counted) for each in wanted)
        return
    for each in wanted:
        for line in _lines(each, counted):
            print_line(line)
    if not wanted:
        note("no rule acts on that day")


def _refuse_unknown(wanted: "list[str] | tuple[str, ...]", known: set[str]) -> None:
    for each in wanted:
        if each not in known:
            raise CommandFailed(
                f"no rule is named {each}; here: {', '.join(sorted(known)) or 'none'}",
                Exit.NOT_FOUND,
            )


def _lines(rule: "RulePreview", counted: "Preview") -> Iterator[str]:
    day = datetime.fromtimestamp(rule.as_of, UTC).date()
    yield f"{rule.rule.id} ({rule.rule.written.place}), as of {day}"
    if not rule.by_effect and not rule.undecidable:
        yield "  reaches nobody"
    for effect, touched in rule.by_effect.items():
        yield f"  {effect}: {_gist(touched)}"
        if names := _named(touched, counted):
            told = (f"{who} of {team} ({count:,})" for who, team, count in names)
            yield f"    most: {', '.join(told)}"
        for what, counts in (("teams", touched.teams), ("with", touched.assistants)):
            yield f"    {what}: {_top(counts)}"
    if rule.exempted_by:
        yield f"  exceptions: {_top(rule.exempted_by)}"
    if rule.undecidable:
        yield f"  not decidable: {rule.undecidable:,} requests (a fact is not on record)"


def _gist(touched: "Touched") -> str:
    return (
        f"{_many(len(touched.people), 'user')} in {_many(len(touched.teams), 'team')}, "
        f"{_many(touched.requests, 'request')} on {_many(len(touched.days), 'day')}, "
        f"{format_usd(touched.cost_nano_usd)}"
    )


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _named(touched: "Touched", counted: "Preview") -> list[tuple[str, str, int]]:
    from gateway.replay.preview import TOP

    return [(*counted.names[number], count) for number, count in touched.people.top(TOP)]


def _top(counts: Counter[str]) -> str:
    from gateway.replay.preview import TOP

    told = ", ".join(f"{name} ({count:,})" for name, count in counts.most_common(TOP))
    more = len(counts) - TOP
    return f"{told} and {more:,} more" if more > 0 else told


def _object(rule: "RulePreview", counted: "Preview") -> dict[str, object]:
    return {
        "rule": rule.rule.id,
        "place": rule.rule.written.place,
        "as_of": datetime.fromtimestamp(rule.as_of, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "effects": [
            {
                "effect": effect.value,
                "users": len(touched.people),
                "requests": touched.requests,
                "days": len(touched.days),
                "cost_nano_usd": touched.cost_nano_usd,
                "teams": dict(touched.teams.most_common()),
                "assistants": dict(touched.assistants.most_common()),
                "models": dict(touched.models.most_common()),
                "top_users": [
                    {"user": user, "team": team, "requests": count}
                    for user, team, count in _named(touched, counted)
                ],
            }
            for effect, touched in rule.by_effect.items()
        ],
        "exempted_by": dict(rule.exempted_by.most_common()),
        "undecidable": rule.undecidable,
    }
