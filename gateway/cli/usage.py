"""`gatehouse usage`: requests, tokens and spend by team, user, model and assistant."""

import math
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import AsJson, Data, Server
from gateway.cli.output import ReaderGone, note, print_all, print_json, print_line
from gateway.cli.state import state_at
from gateway.cli.times import format_unix_us, parse_moment
from gateway.cli.usage_csv import write_csv
from gateway.cli.usage_tables import (
    Drawing,
    days_line,
    dearest_first,
    total_line,
    total_of,
    usage_table,
)
from gateway.usage import Asked, Dimension, UsageRow, whole_hours

SHOWN_ROWS: Final = 20
OVERVIEW_ROWS: Final = 5
OVERVIEW: Final = (Dimension.TEAM, Dimension.USER, Dimension.MODEL, Dimension.ASSISTANT)

_DAYS = re.compile(r"[0-9]+[dw]")


def usage(
    by: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="day, team, user, model, assistant, vendor or target; or some: day,team.",
        ),
    ] = None,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="From then on: 7d (ago), 2026-11-01. Whole hours.")
    ] = "30d",
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Before then. Default: now.")
    ] = None,
    team: Annotated[str | None, typer.Option(help="Of this team.")] = None,
    user: Annotated[str | None, typer.Option(help="Of this user or service.")] = None,
    model: Annotated[str | None, typer.Option(help="Of this model.")] = None,
    csv: Annotated[
        str | None,
        typer.Option("--csv", metavar="FILE", help="Write all of it as CSV; - is stdout."),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=0, help="Rows of a table at most; 0 shows all.")
    ] = SHOWN_ROWS,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="First sum the whole ledger anew.")
    ] = False,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Tell what was used and what it cost. Alone: an overview."""
    if csv is not None and as_json:
        raise CommandFailed("say one of --csv and --json", Exit.USAGE)
    first, last = _hours(since, until, datetime.now(UTC))
    is_data = csv is not None or as_json
    grouped = dimensions(by) if by is not None else (Dimension.TEAM,) if is_data else ()
    kinds = [grouped] if grouped else [(Dimension.DAY,), *[(each,) for each in OVERVIEW]]
    asked = [Asked(first, last, each, team, user, model) for each in kinds]
    found = [*map(dearest_first, state_at(server, data).usage.sums(asked, anew=rebuild))]
    if csv is not None:
        _write(csv, found[0], asked[0])
    elif as_json:
        print_json(row.facts() for row in found[0])
    elif not any(found):
        note(f"Nothing was used {_told(asked[0])}.")
    elif grouped:
        _show_table(found[0], asked[0], limit)
    else:
        _show_overview(found, asked)


def dimensions(text: str) -> tuple[Dimension, ...]:
    """What sums are to be grouped by, in their own order. Raises `CommandFailed` (usage)."""
    known = {each.value: each for each in Dimension}
    named = [each.strip() for each in text.split(",")]
    for each in named:
        if each not in known:
            listed = ", ".join(known)
            raise CommandFailed(f"sums are not grouped by {each!r}; by: {listed}", Exit.USAGE)
    return tuple(each for each in Dimension if each.value in named)


def _hours(since: str, until: str | None, now: datetime) -> tuple[int, int]:
    """Whole hours; a number of days or weeks ago begins with that day (UTC)."""
    begin = parse_moment(since, now)
    if _DAYS.fullmatch(since.strip()):
        begin = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    end = now if until is None else parse_moment(until, now)
    if end <= begin:
        raise CommandFailed("--since is not before --until", Exit.USAGE)
    return whole_hours(int(begin.timestamp()), math.ceil(end.timestamp()))


def _told(asked: Asked) -> str:
    since = format_unix_us(asked.since_unix_seconds * 1_000_000)
    return f"from {since} until {format_unix_us(asked.until_unix_seconds * 1_000_000)}"


def _write(file: str, rows: Sequence[UsageRow], asked: Asked) -> None:
    if file == "-":
        try:
            write_csv(rows, asked, sys.stdout)
            sys.stdout.flush()
        except BrokenPipeError:
            raise ReaderGone from None
        return
    try:
        with Path(file).expanduser().open("w", encoding="utf-8", newline="") as opened:
            write_csv(rows, asked, opened)
    except OSError as error:
        raise CommandFailed(f"cannot write {file}: {error.strerror}") from error
    note(f"{len(rows):,} rows {_told(asked)} are in {file}")


def _show_table(rows: Sequence[UsageRow], asked: Asked, limit: int) -> None:
    total, drawing = total_of(rows), Drawing.for_stdout()
    shown = rows[:limit] if limit else rows
    note(f"What was used {_told(asked)}:")
    print_all([usage_table(shown, asked.by, total, drawing)])
    if len(rows) > len(shown):
        print_line(f"and {len(rows) - len(shown):,} more (--limit 0 shows all, --csv FILE has all)")
    print_line(total_line(total))


def _show_overview(found: Sequence[Sequence[UsageRow]], asked: Sequence[Asked]) -> None:
    days, tables, drawing = found[0], found[1:], Drawing.for_stdout()
    total = total_of(days)
    note(f"What was used {_told(asked[0])}:")
    print_line(total_line(total))
    print_all(days_line(days, asked[0], drawing))
    for rows, question in zip(tables, asked[1:], strict=True):
        print_line("")
        print_all([usage_table(rows[:OVERVIEW_ROWS], question.by, total, drawing)])
        if len(rows) > OVERVIEW_ROWS:
            more = f"and {len(rows) - OVERVIEW_ROWS:,} more"
            print_line(f"{more}: gatehouse usage --by {question.by[0].value}")
