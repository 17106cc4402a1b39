"""Draw the ratios of a run: what each peer costs, in multiples of the gateway."""

from pathlib import Path

from benchmarks.bars import SUBJECT, Run
from benchmarks.report import medians

# scenario, figure, label
PANELS = (
    ("1kb-c16", "cpu_us_per_request", "1 KB\nCPU / request"),
    ("100kb-c16", "cpu_us_per_request", "100 KB\nCPU / request"),
    ("1mb-c4", "cpu_us_per_request", "1 MB\nCPU / request"),
    ("streams-20x50", "cpu_us_per_chunk", "20 streams\nCPU / chunk"),
    ("streams-200x50", "cpu_us_per_chunk", "200 streams\nCPU / chunk"),
)
COLOURS = {"nginx": "#7a8b99", "portkey": "#d98e04", "litellm-proxy": "#b23a48"}


def ratios(run: Run, system: str) -> list[float | None]:
    """A system's figure over ours, for each panel."""
    found: list[float | None] = []
    for scenario, path, _ in PANELS:
        theirs, ours = medians(run, system, scenario) or {}, medians(run, SUBJECT, scenario) or {}
        both = path in theirs and ours.get(path)
        found.append(theirs[path] / ours[path] if both else None)
    return found


def draw(run: Run, target: Path) -> bool:
    """Write an SVG; False when the run holds nothing to compare."""
    bars = {system: ratios(run, system) for system in COLOURS if system in run["systems"]}
    if not any(value for values in bars.values() for value in values):
        return False
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "gatehouse", "font.size": 9}
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 3.6), layout="constrained")
    width = 0.8 / len(bars)
    for place, (system, values) in enumerate(bars.items()):
        shown = [(i, value) for i, value in enumerate(values) if value]
        places = [i - 0.4 + width * (place + 0.5) for i, _ in shown]
        drawn = axes.bar(places, [v for _, v in shown], width, label=system, color=COLOURS[system])
        axes.bar_label(drawn, [f"{v:.2g} x" for _, v in shown], fontsize=7)
    axes.axhline(1, color="black", linewidth=1, label=f"{SUBJECT} = 1")
    axes.set_yscale("log")
    axes.set_xticks(range(len(PANELS)), [label for _, _, label in PANELS])
    axes.set_ylabel(f"times {SUBJECT}'s CPU (log)")
    axes.legend(loc="upper right", frameon=False, ncols=2)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, metadata={"Date": None})
    pyplot.close(figure)
    return True
