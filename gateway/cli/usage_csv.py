"""What was used as CSV for finance: a header that never changes, money exact, no formulas."""

import csv
from collections.abc import Iterable, Iterator
from typing import TextIO

from gateway.cli.times import format_unix_us
from gateway.usage import SUMS, Asked, UsageRow

GROUPS = ("day", "team", "user", "kind", "model", "assistant", "vendor", "target")
HEADER = ("since", "until", *GROUPS, *SUMS, "total_tokens", "cost_usd")
"""Always all of it: what the sums are not grouped by stays empty."""

_FORMULAS = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - spreadsheets take the wide ones, too


def write_csv(rows: Iterable[UsageRow], asked: Asked, to: TextIO) -> None:
    """RFC 4180: lines end with CR LF, and what holds a comma or a quote is quoted."""
    writer = csv.writer(to, lineterminator="\r\n")
    writer.writerow(HEADER)
    since = format_unix_us(asked.since_unix_seconds * 1_000_000)
    until = format_unix_us(asked.until_unix_seconds * 1_000_000)
    for row in rows:
        writer.writerow((since, until, *_cells(row)))


def decimal_usd(nano_usd: int) -> str:
    """Dollars, exactly: `12.345000000`."""
    whole, nano = divmod(nano_usd, 1_000_000_000)
    return f"{whole}.{nano:09d}"


def harmless(text: str) -> str:
    """A cell that a spreadsheet shows and does not carry out: a formula gets a quote before it."""
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _cells(row: UsageRow) -> Iterator[object]:
    for name in GROUPS:
        yield harmless(row.group.get(name) or "")
    for name in SUMS:
        yield getattr(row.used, name)
    yield row.used.total_tokens
    yield decimal_usd(row.used.cost_nano_usd)
