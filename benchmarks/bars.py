"""The bars: ratios inside one run that the gateway must reach, and the aims beyond them."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Any

SUBJECT = "gatehouse"
Run = dict[str, Any]


class Verdict(StrEnum):
    """How a figure stands to its bar."""

    AIM = "aim reached"
    BAR = "bar met"
    MISSED = "MISSED"
    UNJUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Bar:
    """One ratio: a figure of the gateway over the same figure of `peer`.

    `added`: both figures are taken less the direct value first. `scenario` None: the figure
    belongs to the system, not to a load. `at_least`: more is better.
    """

    name: str
    scenario: str | None
    figure: str
    peer: str
    bar: float
    aim: float
    added: bool = False
    at_least: bool = False

    def verdict(self, ratio: float | None) -> Verdict:
        """Judge a ratio; None could not be measured."""
        if ratio is None:
            return Verdict.UNJUDGED
        reaches: Callable[[float], bool] = ratio.__ge__ if self.at_least else ratio.__le__
        if reaches(self.aim):
            return Verdict.AIM
        return Verdict.BAR if reaches(self.bar) else Verdict.MISSED


CPU, CHUNK = "cpu_us_per_request", "cpu_us_per_chunk"
BARS = (
    Bar("1 KB: CPU per request / LiteLLM Proxy's", "1kb-c16", CPU, "litellm-proxy", 0.04, 0.02),
    Bar("1 KB: CPU per request / Portkey's", "1kb-c16", CPU, "portkey", 0.20, 0.10),
    Bar("1 KB: CPU per request / nginx's", "1kb-c16", CPU, "nginx", 20, 8),
    Bar(
        "100 KB: CPU per request / LiteLLM Proxy's", "100kb-c16", CPU, "litellm-proxy", 0.05, 0.025
    ),
    Bar("100 KB: CPU per request / Portkey's", "100kb-c16", CPU, "portkey", 0.30, 0.15),
    Bar("100 KB: CPU per request / nginx's", "100kb-c16", CPU, "nginx", 25, 12),
    Bar("1 MB: CPU per request / LiteLLM Proxy's", "1mb-c4", CPU, "litellm-proxy", 0.10, 0.06),
    Bar(
        "added p50 at one connection / LiteLLM Proxy's",
        "1kb-c1",
        "latency_us.p50",
        "litellm-proxy",
        0.10,
        0.05,
        added=True,
    ),
    Bar(
        "added time to first token / LiteLLM Proxy's",
        "1kb-stream-c1",
        "ttft_us.p50",
        "litellm-proxy",
        0.10,
        0.04,
        added=True,
    ),
    Bar(
        "CPU per chunk, 20 streams / LiteLLM Proxy's",
        "streams-20x50",
        CHUNK,
        "litellm-proxy",
        0.12,
        0.08,
    ),
    Bar("CPU per chunk, 20 streams / Portkey's", "streams-20x50", CHUNK, "portkey", 0.50, 0.30),
    Bar("CPU per chunk, 200 streams / nginx's", "streams-200x50", CHUNK, "nginx", 3.5, 2.2),
    Bar(
        "1,000 streams of 20 chunks a second: share of the direct rate",
        "streams-1000x20",
        "chunks_per_s",
        "direct",
        0.90,
        0.99,
        at_least=True,
    ),
    Bar(
        "start to first answer / LiteLLM Proxy's",
        None,
        "start_seconds",
        "litellm-proxy",
        0.30,
        0.15,
    ),
    Bar("idle memory / LiteLLM Proxy's", None, "idle_mb", "litellm-proxy", 0.60, 0.35),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A bar with what was measured."""

    bar: Bar
    ours: float | None
    theirs: float | None
    ratio: float | None
    verdict: Verdict


def is_void(row: Run) -> bool:
    """A row with an error, an unfinished answer or arrivals never served says nothing."""
    return bool(
        row.get("error") or row.get("errors") or row.get("unfinished") or row.get("backlog")
    )


def figure_of(row: Run, path: str) -> float | None:
    """A number by its dotted path (`latency_us.p50`); None where the row has none."""
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) else None


def figure(run: Run, system: str, scenario: str | None, path: str) -> float | None:
    """The median of a figure over the rounds; None when any of its rows is void."""
    if scenario is None:
        return figure_of(run["systems"].get(system, {}), path)
    rows = [r for r in run["rows"] if (r["system"], r["scenario"]) == (system, scenario)]
    values = [figure_of(row, path) for row in rows]
    known = [value for value in values if value is not None]
    if not known or any(is_void(row) for row in rows):
        return None
    return median(known)


def judge(run: Run) -> tuple[Judged, ...]:
    """Every bar against one run."""
    return tuple(judge_one(run, bar) for bar in BARS)


def judge_one(run: Run, bar: Bar) -> Judged:
    """One bar against one run."""
    ours = figure(run, SUBJECT, bar.scenario, bar.figure)
    theirs = figure(run, bar.peer, bar.scenario, bar.figure)
    if bar.added:
        direct = figure(run, "direct", bar.scenario, bar.figure)
        ours, theirs = less(ours, direct), less(theirs, direct)
    ratio = ours / theirs if ours is not None and theirs is not None and theirs > 0 else None
    return Judged(bar, ours, theirs, ratio, bar.verdict(ratio))


def less(value: float | None, base: float | None) -> float | None:
    """`value - base` where both are known."""
    return None if value is None or base is None else value - base


def exit_code(run: Run, judged: tuple[Judged, ...]) -> int:
    """1 when a bar is missed or a row of ours is void, 2 when one could not be judged, else 0."""
    void = any(is_void(row) for row in run["rows"] if row["system"] == SUBJECT)
    verdicts = {each.verdict for each in judged}
    if void or Verdict.MISSED in verdicts:
        return 1
    return 2 if Verdict.UNJUDGED in verdicts else 0
