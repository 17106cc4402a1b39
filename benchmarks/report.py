"""Say in Markdown what a run measured: the bars first, then every scenario, then the rules."""

from statistics import median
from typing import Any

from benchmarks.bars import SUBJECT, Judged, Run, figure, figure_of, is_void, judge
from benchmarks.scenarios import BY_NAME, Scenario

# figure, heading, digits
COLUMNS = (
    ("cpu_us_per_request", "CPU µs / request", 0),
    ("cpu_us_per_chunk", "CPU µs / chunk", 1),
    ("rps", "requests / s", 0),
    ("chunks_per_s", "chunks / s", 0),
    ("latency_us.p50", "p50 µs", 0),
    ("latency_us.p99", "p99 µs", 0),
    ("ttft_us.p50", "first token p50 µs", 0),
    ("ttft_us.p99", "first token p99 µs", 0),
    ("chunk_delay_us.p50", "chunk delay p50 µs", 0),
    ("chunk_delay_us.p99", "chunk delay p99 µs", 0),
    ("core_use", "core use", 2),
    ("peak_mb", "peak MB", 0),
)
ADDED = {"latency_us.p50": "added p50 µs", "ttft_us.p50": "added first token µs"}
RATIO_OF = {False: "cpu_us_per_request", True: "cpu_us_per_chunk"}
SYSTEM_COLUMNS = (
    ("start_seconds", "start to first answer, s", 2),
    ("start_cpu_seconds", "CPU until then, s", 2),
    ("idle_mb", "idle, MB", 0),
    ("shipper_idle_mb", "of it the span shipper, MB", 0),
)
RULES = """\
All systems ran in one run on one machine, one worker each, scenario by scenario and round by
round, the order reversed every second round; figures are medians over the rounds. CPU is the
process tree's, from the kernel, divided by the requests or chunks that the stand-in counted: other
load on the machine hardly moves it. Requests a second mean little where `core use` is below 0.9.
`void`: a row with an error, an unfinished answer or an arrival never served. Absolute numbers
belong to this machine; the ratios are the result. How to repeat it: `benchmarks/README.md`.
"""


def number(value: float | None, digits: int) -> str:
    """A figure with thousands separators; empty when there is none."""
    return "" if value is None or value < 0 else f"{value:,.{digits}f}"


def plain(value: float | None) -> str:
    """A figure whose size is not known beforehand."""
    return number(value, 2 if value is not None and value < 10 else 0)


def ratio(value: float | None) -> str:
    """Three significant digits, never in exponent form."""
    if value is None:
        return ""
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def table(heading: list[str], lines: list[list[str]]) -> str:
    """A Markdown table; the first column is text."""
    rule = ["---"] + ["---:"] * (len(heading) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [heading, rule, *lines])


def medians(run: Run, system: str, scenario: str) -> dict[str, float] | None:
    """Median figures of a system under a scenario; None without rows, empty when one is void."""
    rows = [r for r in run["rows"] if (r["system"], r["scenario"]) == (system, scenario)]
    if not rows:
        return None
    if any(is_void(row) for row in rows):
        return {}
    figures = {path: [figure_of(row, path) for row in rows] for path, _, _ in COLUMNS}
    return {
        path: median(known)
        for path, values in figures.items()
        if (known := [value for value in values if value is not None])
    }


def why_void(run: Run, system: str, scenario: str) -> str:
    """What was wrong with a void row."""
    rows = [r for r in run["rows"] if (r["system"], r["scenario"]) == (system, scenario)]
    bad = next(row for row in rows if is_void(row))
    if bad.get("error"):
        return "void: the load generator failed"
    kinds = ("errors", "unfinished", "backlog")
    return "void: " + ", ".join(f"{bad[kind]:,} {kind}" for kind in kinds if bad.get(kind))


def scenario_table(run: Run, scenario: Scenario) -> str:
    """One scenario: every system, its figures, what it adds, and the CPU ratio to ours."""
    measured = {s: medians(run, s, scenario.name) for s in run["systems"]}
    known = {system: figures for system, figures in measured.items() if figures is not None}
    columns = [c for c in COLUMNS if any(figures.get(c[0]) for figures in known.values())]
    added = [path for path in ADDED if any(path in figures for figures in known.values())]
    heading = ["system", *(title for _, title, _ in columns), *(ADDED[path] for path in added)]
    heading.append("CPU / gatehouse's")
    direct, ours = known.get("direct", {}), known.get(SUBJECT, {})
    lines = []
    for system, figures in known.items():
        if not figures:
            empty = [""] * (len(heading) - 2)
            lines.append([system, why_void(run, system, scenario.name), *empty])
            continue
        line = [system, *(number(figures.get(path), digits) for path, _, digits in columns)]
        line += [difference(figures, direct, path) for path in added]
        line.append(ratio(quotient(figures, ours, RATIO_OF[scenario.streamed])))
        lines.append(line)
        if system == SUBJECT:
            lines.append(shipper_line(run, scenario, columns, len(heading)))
    return table(heading, lines)


def shipper_line(
    run: Run, scenario: Scenario, columns: list[tuple[str, str, int]], width: int
) -> list[str]:
    """The process that ships spans, apart: not on the road of a request."""
    found = {
        path: figure(run, SUBJECT, scenario.name, f"shipper_{path}") for path in RATIO_OF.values()
    }
    figures = [number(found.get(path), digits) for path, _, digits in columns]
    return ["its span shipper, not in the row above", *figures, *[""] * (width - 1 - len(figures))]


def difference(figures: dict[str, float], direct: dict[str, float], path: str) -> str:
    """What a system adds to the direct road."""
    if path not in figures or path not in direct or figures is direct:
        return ""
    return number(max(figures[path] - direct[path], 0.0), 0)


def quotient(figures: dict[str, float], base: dict[str, float], path: str) -> float | None:
    """One figure over another where both are known."""
    return figures[path] / base[path] if path in figures and base.get(path) else None


def describe(scenario: Scenario) -> str:
    """The load in words."""
    words = [f"{scenario.body.replace('kb', ' KB').replace('mb', ' MB')} body, {scenario.wire}"]
    if scenario.arrivals_per_second:
        words.append(f"{scenario.arrivals_per_second} arrivals/s (open loop)")
    else:
        words.append(f"{scenario.connections:,} at a time (closed loop)")
    if scenario.streamed:
        pace = f", {1e6 / scenario.chunk_delay_us:.0f} a second" if scenario.chunk_delay_us else ""
        words.append(f"streams of {scenario.chunks} chunks{pace}")
    return "; ".join(words)


def bars_table(judged: tuple[Judged, ...]) -> str:
    """Each bar with what was measured."""
    heading = ["figure", "measured", "bar", "aim", "verdict", "gatehouse", "the other"]
    lines = [
        [
            each.bar.name,
            ratio(each.ratio),
            f"{'≥' if each.bar.at_least else '≤'} {each.bar.bar:g}",
            f"{each.bar.aim:g}",
            each.verdict.value,
            plain(each.ours),
            plain(each.theirs),
        ]
        for each in judged
    ]
    return table(heading, lines)


def environment_lines(environment: dict[str, Any]) -> str:
    """What it ran on."""
    return "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in environment.items())


def markdown(run: Run, plot: str | None) -> str:
    """The whole report. `plot` is the picture's path beside it."""
    parts = ["# The gateway beside its peers", RULES.rstrip(), "## Bars", bars_table(judge(run))]
    if plot:
        parts += ["## Ratios", f"![CPU and latency of each system over the gateway's]({plot})"]
    heading = ["system", *(title for _, title, _ in SYSTEM_COLUMNS)]
    lines = [
        [system, *(number(facts.get(name), digits) for name, _, digits in SYSTEM_COLUMNS)]
        for system, facts in run["systems"].items()
        if facts
    ]
    parts += ["## Start and memory", table(heading, lines), "## Loads"]
    for name in dict.fromkeys(row["scenario"] for row in run["rows"]):
        scenario = BY_NAME[name]
        parts += [f"### {name}", describe(scenario), scenario_table(run, scenario)]
    parts += ["## Machine", environment_lines(run["environment"])]
    return "\n\n".join(parts) + "\n"
