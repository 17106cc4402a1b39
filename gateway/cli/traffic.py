"""Recorded traffic for the commands that ask what a policy would make of it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.data import opened_ledger
from gateway.cli.output import note
from gateway.cli.times import parse_moment, unix_us

if TYPE_CHECKING:
    from gateway.replay.recorded import RecordedExchange

Since = Annotated[
    str, typer.Option(metavar="TIME", help="From then on: 30d (ago), or a date: 2026-06-01.")
]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Before then. Default: now.")]


@dataclass(frozen=True, slots=True)
class Span:
    """From when until when, in UTC microseconds."""

    since_unix_us: int
    until_unix_us: int


def span_of(since: str, until: str | None) -> Span:
    """What the options say. Raises `CommandFailed`."""
    now = datetime.now(UTC)
    end = now if until is None else parse_moment(until, now)
    return Span(unix_us(parse_moment(since, now)), unix_us(end))


def count_exchanges(folder: Path, span: Span, add: "Callable[[RecordedExchange], None]") -> None:
    """Hand over every exchange of the span, and say how many there were and how fast it went.

    Raises `CommandFailed`.
    """
    asyncio.run(_count(folder, span, add))


async def _count(folder: Path, span: Span, add: "Callable[[RecordedExchange], None]") -> None:
    from gateway.replay.exchanges import Exchanges

    started, counted, exchanges = time.monotonic(), 0, Exchanges()
    async with opened_ledger(folder) as ledger:
        pages = ledger.traffic(span.since_unix_us, span.until_unix_us)
        async for found in exchanges.of(pages):
            for exchange in found:
                add(exchange)
            counted += len(found)
    seconds = max(time.monotonic() - started, 1e-3)
    note(f"{counted:,} exchanges in {seconds:.1f} s ({counted / seconds:,.0f} a second)")
    if exchanges.unreadable:
        note(f"{exchanges.unreadable:,} records could not be read and are not counted")
