"""Tables of what was used tell the dearest first, and in a terminal as much as fits."""

import io

import pytest
from rich.console import Console, RenderableType

from gateway.cli.usage_tables import (
    Drawing,
    days_line,
    dearest_first,
    in_short,
    total_line,
    total_of,
    usage_table,
)
from gateway.usage import Asked, Dimension, UsageRow, Used
from tests.fakes.used import DAY, HOUR, NOON

FILE = Drawing(None)
MIDNIGHT = NOON - 12 * HOUR


def shown(*renderables: RenderableType, width: int = 200) -> str:
    out = io.StringIO()
    for each in renderables:
        Console(file=out, width=width, color_system=None).print(each)
    return out.getvalue()


def team(name: str | None, **sums: int) -> UsageRow:
    return UsageRow({"team": name}, Used(**sums))


def table(*rows: UsageRow, drawing: Drawing = FILE, by: Dimension = Dimension.TEAM) -> str:
    return shown(usage_table(rows, (by,), total_of(rows), drawing), width=drawing.columns or 200)


def test_the_dearest_comes_first_and_days_in_order() -> None:
    rows = [team("a", cost_nano_usd=1), team("b", output_tokens=9), team("c", cost_nano_usd=2)]
    assert [row.group["team"] for row in dearest_first(rows)] == ["c", "a", "b"]
    days = [UsageRow({"day": each}, Used(requests=1)) for each in ("2026-02-02", "2026-01-01")]
    assert [row.group["day"] for row in dearest_first(days)] == ["2026-01-01", "2026-02-02"]


def test_a_file_has_every_column_exactly() -> None:
    row = team("web", requests=1200, input_tokens=1_234_567, cache_write_tokens=1)
    heading, line = table(row).splitlines()
    for title in ("REQUESTS", "DENIED", "FAILED", "INPUT", "CACHED", "OUTPUT", "UNPRICED"):
        assert title in heading
    assert "1,234,568" in line
    assert "█" not in line


def test_shares_are_of_money_else_of_tokens_else_of_requests() -> None:
    paid = table(team("a", cost_nano_usd=3), team("b", cost_nano_usd=1))
    free = table(team("a", output_tokens=1), team("b", output_tokens=4))
    denied = table(team("a", requests=1), team("b", requests=1))
    assert ("75.0 %" in paid, "80.0 %" in free, denied.count("50.0 %")) == (True, True, 2)


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_a_terminal_is_never_wider_than_it_is(columns: int) -> None:
    used = Used(12_345, 5, 4, 3, 10**9, 10**10, 10**6, 10**8, 10**13)
    row = UsageRow({"user": "somebody@example.com", "kind": "person"}, used)
    text = table(row, drawing=Drawing(columns), by=Dimension.USER)
    assert len(text.splitlines()) == 2
    assert max(map(len, text.splitlines())) <= columns
    assert all(each in text for each in ("somebody@example.com", "12,345", "$10,000.00"))


def test_a_terminal_shows_no_column_without_a_figure() -> None:
    text = table(team("web", requests=1, output_tokens=2), drawing=Drawing(200))
    assert "OUTPUT" in text
    assert "DENIED" not in text
    assert "UNPRICED" not in text


def test_a_terminal_without_blocks_has_ascii_only() -> None:
    text = table(team("web", requests=1, cost_nano_usd=2), drawing=Drawing(200, blocks=False))
    assert "####" in text
    assert text.isascii()


def test_names_are_marked_or_made_harmless() -> None:
    service = UsageRow({"user": "ci", "kind": "service"}, Used())
    assert "ci (service)" in table(service, by=Dimension.USER)
    assert "(not known)" in table(team(None))
    assert "\x1b" not in table(team("\x1b[31m"))


def test_the_total_tells_what_is_not_known() -> None:
    assert "price not known of 50.0 %" in total_line(Used(requests=2, unpriced=1))
    assert "not known" not in total_line(Used(requests=2))


def test_days_without_use_are_in_the_line() -> None:
    rows = [UsageRow({"day": "2026-09-22"}, Used(requests=4, cost_nano_usd=4))]
    asked = Asked(MIDNIGHT - DAY, MIDNIGHT + 2 * DAY, (Dimension.DAY,))
    text = shown(*days_line(rows, asked, Drawing(100)))
    assert "▁█▁" in text
    assert "2026-09-21 to 2026-09-23" in text


def test_days_are_drawn_only_where_they_can_be() -> None:
    rows = [UsageRow({"day": "2026-09-22"}, Used(requests=4))]
    long = Asked(MIDNIGHT - 400 * DAY, MIDNIGHT + DAY)
    assert max(map(len, shown(*days_line(rows, long, Drawing(80))).splitlines())) <= 80
    assert list(days_line(rows, long, FILE)) == []
    assert list(days_line(rows, Asked(MIDNIGHT, MIDNIGHT + HOUR), Drawing(80))) == []


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, ""), (999, "999"), (1000, "1k"), (12_345, "12.3k"), (999_600, "999k"), (10**9, "1G")],
)
def test_counts_in_short(count: int, told: str) -> None:
    assert in_short(count) == told
