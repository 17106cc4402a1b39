"""The report shows what was measured, and hides nothing that went wrong."""

from pathlib import Path
from typing import Any

from benchmarks import plot
from benchmarks.report import markdown, number, ratio, scenario_table
from benchmarks.scenarios import BY_NAME

LOAD = BY_NAME["1kb-c16"]


def row(system: str, cpu: float, p50: float, **more: Any) -> dict[str, Any]:
    figures = {"rps": 10.0, "cpu_us_per_request": cpu, "latency_us": {"p50": p50, "p99": p50}}
    return {"system": system, "scenario": LOAD.name, "errors": 0, "unfinished": 0} | figures | more


def a_run(*rows: dict[str, Any]) -> dict[str, Any]:
    systems: dict[str, Any] = {each["system"]: {} for each in rows}
    return {"environment": {"kernel": "Linux"}, "systems": systems, "rows": list(rows)}


def line_of(table: str, system: str) -> list[str]:
    (line,) = [each for each in table.splitlines() if each.startswith(f"| {system} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_shows_its_ratio_to_ours_and_what_it_adds() -> None:
    direct = row("direct", 0, 100)
    table = scenario_table(
        a_run(direct, row("gatehouse", 100, 300), row("litellm-proxy", 7_500, 6_100)), LOAD
    )
    assert line_of(table, "litellm-proxy")[-2:] == ["6,000", "75.00"]
    assert line_of(table, "gatehouse")[-2:] == ["200", "1.00"]


def test_a_void_row_says_why_and_shows_no_figure() -> None:
    table = scenario_table(a_run(row("gatehouse", 1, 1), row("portkey", 5, 5, errors=3)), LOAD)
    assert line_of(table, "portkey")[1] == "void: 3 errors"
    assert set(line_of(table, "portkey")[2:]) == {""}


def test_the_span_shipper_has_a_line_of_its_own() -> None:
    table = scenario_table(a_run(row("gatehouse", 90, 1, shipper_cpu_us_per_request=12.0)), LOAD)
    assert line_of(table, "its span shipper, not in the row above")[1] == "12"
    assert line_of(table, "gatehouse")[1] == "90"


def test_the_report_names_every_bar_it_could_not_judge() -> None:
    text = markdown(a_run(row("gatehouse", 1, 1)), None)
    assert text.count("not judged") == 15
    assert "kernel: Linux" in text


def test_a_picture_is_drawn_only_when_there_is_something_to_compare(tmp_path: Path) -> None:
    target = tmp_path / "ratios.svg"
    assert not plot.draw(a_run(row("gatehouse", 1, 1)), target)
    assert plot.draw(a_run(row("gatehouse", 1, 1), row("nginx", 2, 1)), target)
    assert target.read_text().startswith("<?xml")


def test_numbers_are_written_for_people() -> None:
    assert number(12345.6, 0) == "12,346"
    assert number(None, 0) == ""
    assert ratio(0.00712) == "0.007"
    assert ratio(12.345) == "12.35"
