"""What was used, for a terminal: a line of sums, tables with a bar a row, a line of days."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Final

from rich.cells import cell_len
from rich.console import JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from gateway.cli.charts import bar, can_draw, sparkline
from gateway.cli.output import console, printable
from gateway.cli.times import format_usd_rounded
from gateway.usage import DAY_SECONDS, Asked, Dimension, UsageRow, Used

NOT_KNOWN: Final = "(not known)"
_BAR: Final = 16  # characters
_GAP: Final = 2
_BESIDE_DAYS: Final = 42  # characters of such a line beside its days


@dataclass(frozen=True, slots=True)
class Drawing:
    """How stdout is drawn on: with charts and within `columns`; None for files and pipes, which
    take every column and exact figures. `blocks`: whether it can take more than ASCII.
    """

    columns: int | None
    blocks: bool = True

    @classmethod
    def for_stdout(cls) -> "Drawing":
        """As this moment's stdout can take it."""
        return cls(console().width if sys.stdout.isatty() else None, can_draw())


@dataclass(frozen=True, slots=True)
class _Column:
    """A column; those of the highest `spare` are the first to be left out where room lacks."""

    title: str
    cells: tuple[str, ...]
    spare: int = 0
    is_number: bool = True

    @property
    def width(self) -> int:
        return max(cell_len(each) for each in (self.title, *self.cells))


def dearest_first(rows: Iterable[UsageRow]) -> list[UsageRow]:
    """Groups by what they cost; by tokens and requests where that is equal. Days in order."""

    def weight(row: UsageRow) -> tuple[object, ...]:
        used = row.used
        names = [str(each) for each in row.group.values()]
        heavy = (-used.cost_nano_usd, -used.total_tokens, -used.requests)
        return (row.group.get("day") or "", *heavy, *names)

    return sorted(rows, key=weight)


def total_of(rows: Iterable[UsageRow]) -> Used:
    """The sums over all groups."""
    found = list(rows)
    return Used(*[sum(getattr(row.used, each.name) for row in found) for each in fields(Used)])


def total_line(used: Used) -> str:
    """All sums in one sentence."""
    parts = [
        f"{used.requests:,} requests",
        f"{used.denied:,} denied",
        f"{used.failed:,} failed",
        f"{used.total_tokens:,} tokens",
        format_usd_rounded(used.cost_nano_usd),
    ]
    if used.unpriced:
        parts.append(f"price not known of {_percent(used.unpriced_share)} of what was served")
    return ", ".join(parts)


def days_line(rows: Sequence[UsageRow], asked: Asked, drawing: Drawing) -> Iterator[RenderableType]:
    """The days of the time asked about, as lines as long as they fit; nothing for one day."""
    first, last = asked.since_unix_seconds // DAY_SECONDS, asked.until_unix_seconds - 1
    numbers = range(first, last // DAY_SECONDS + 1)[-(drawing.columns or 0) + _BESIDE_DAYS :]
    if drawing.columns is None or len(numbers) < 2:
        return
    days = [(date(1970, 1, 1) + timedelta(days=each)).isoformat() for each in numbers]
    by_day = {row.group["day"]: row.used for row in rows}
    used = [by_day.get(each, Used()) for each in days]
    for title, values in (
        ("spend a day", [each.cost_nano_usd for each in used]),
        ("requests a day", [each.requests for each in used]),
    ):
        if any(values):
            line = sparkline(values, blocks=drawing.blocks)
            yield Text(f"{title:14}  {line}  {days[0]} to {days[-1]}", style="cyan")


def usage_table(
    rows: Sequence[UsageRow], by: Sequence[Dimension], total: Used, drawing: Drawing
) -> Table:
    """One group a line, with its part of the whole; in a terminal as much as fits there."""
    columns = [*_groups(rows, by), *_figures(rows, total, drawing)]
    if drawing.columns is not None:
        columns = _fitting([each for each in columns if any(each.cells)], drawing.columns)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for each in columns:
        justify: JustifyMethod = "right" if each.is_number else "left"
        table.add_column(each.title, justify=justify, no_wrap=each.is_number, overflow="fold")
    for cells in zip(*[each.cells for each in columns], strict=True):
        table.add_row(*map(Text, cells))
    return table


def _fitting(columns: Sequence[_Column], room: int) -> list[_Column]:
    left = list(columns)
    spare = sorted((each for each in columns if each.spare), key=lambda each: -each.spare)
    for each in spare:
        if sum(column.width + _GAP for column in left) - _GAP <= room:
            break
        left.remove(each)
    return left


def _groups(rows: Sequence[UsageRow], by: Sequence[Dimension]) -> Iterator[_Column]:
    for dimension in by:
        names = tuple(_name(row, dimension) for row in rows)
        yield _Column(dimension.value.upper(), names, is_number=False)


def _name(row: UsageRow, dimension: Dimension) -> str:
    name = printable(row.group[dimension.value] or NOT_KNOWN)
    is_service = dimension is Dimension.USER and row.group["kind"] == "service"
    return f"{name} (service)" if is_service else name


def _figures(rows: Sequence[UsageRow], total: Used, drawing: Drawing) -> Iterator[_Column]:
    used = [row.used for row in rows]
    tokens = in_full if drawing.columns is None else in_short
    weigh = _weighing(total)
    largest = max(map(weigh, used), default=0)

    def column(title: str, tell: Callable[[Used], str], spare: int = 0) -> _Column:
        return _Column(title, tuple(map(tell, used)), spare)

    yield column("REQUESTS", lambda each: in_full(each.requests))
    yield column("DENIED", lambda each: in_full(each.denied), 3)
    yield column("FAILED", lambda each: in_full(each.failed), 6)
    yield column("INPUT", lambda each: tokens(each.input_tokens + each.cache_write_tokens), 4)
    yield column("CACHED", lambda each: tokens(each.cache_read_tokens), 5)
    yield column("OUTPUT", lambda each: tokens(each.output_tokens), 4)
    yield column("SPEND", lambda each: format_usd_rounded(each.cost_nano_usd))
    yield column("SHARE", lambda each: _percent(weigh(each) / (weigh(total) or 1)), 1)
    if drawing.columns is not None:
        bars = [bar(weigh(each), largest, _BAR, blocks=drawing.blocks) for each in used]
        yield _Column("", tuple(bars), 2, is_number=False)
    yield column("UNPRICED", lambda each: _percent(each.unpriced_share) if each.unpriced else "", 1)


def in_full(count: int) -> str:
    """`1,234,567`; nothing for none."""
    return f"{count:,}" if count else ""


def in_short(count: int) -> str:
    """`1.23M`, for a column that has no room for more; nothing for none."""
    for unit, size in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            return f"{count / size:.3g}{unit}" if count < 999.5 * size else f"{count // size}{unit}"
    return in_full(count)


def _weighing(total: Used) -> Callable[[Used], int]:
    """What shares are of: money, or tokens where nothing cost any, or requests."""
    if total.cost_nano_usd:
        return lambda used: used.cost_nano_usd
    if total.total_tokens:
        return lambda used: used.total_tokens
    return lambda used: used.requests


def _percent(share: float) -> str:
    return "<0.1 %" if 0 < share < 0.001 else f"{share:.1%}".replace("%", " %")
