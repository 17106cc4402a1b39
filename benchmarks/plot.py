"""Draw the ratios of a run: what each peer costs, in multiples of the gateway."""

from pathlib import Path

from benchmarks.bars import SUBJECT, Run, figure, less

# scenario (None: the system itself), figure, label, whether less the direct road
PANELS = (
    ("1kb-c16", "cpu_us_per_request", "1 KB\nCPU /\nrequest", False),
    ("100kb-c16", "cpu_us_per_request", "100 KB\nCPU /\nrequest", False),
    ("1mb-c4", "cpu_us_per_request", "1 MB\nCPU /\nrequest", False),
    ("streams-20x50", "cpu_us_per_chunk", "20 streams\nCPU /\nchunk", False),
    ("streams-200x50", "cpu_us_per_chunk", "200 streams\nCPU /\nchunk", False),
    ("1kb-c1", "latency_us.p50", "added\nlatency", True),
    ("1kb-stream-c1", "ttft_us.p50", "added time\nto first\ntoken", True),
    (None, "start_seconds", "start to\nfirst\nanswer", False),
    (None, "idle_mb", "idle\nmemory", False),
)
COLOURS = {"nginx": "#7a8b99", "portkey": "#d98e04", "litellm-proxy": "#b23a48"}


def ratio(run: Run, system: str, scenario: str | None, path: str, added: bool) -> float | None:
    """A system's figure over ours; None where either is missing or nothing."""
    theirs, ours = (figure(run, each, scenario, path) for each in (system, SUBJECT))
    if added:
        direct = figure(run, "direct", scenario, path)
        theirs, ours = less(theirs, direct), less(ours, direct)
    return theirs / ours if theirs and ours and theirs > 0 and ours > 0 else None


def ratios(run: Run, system: str) -> dict[str, float]:
    """A system's ratios by the label of their panel."""
    found = {
        label: ratio(run, system, scenario, path, added) for scenario, path, label, added in PANELS
    }
    return {label: value for label, value in found.items() if value is not None}


def draw(run: Run, target: Path) -> bool:
    """Write an SVG; False when the run holds nothing to compare."""
    by_system = {system: ratios(run, system) for system in COLOURS if system in run["systems"]}
    labels = [label for *_, label, _ in PANELS if any(label in r for r in by_system.values())]
    if not labels:
        return False
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "gatehouse", "font.size": 8}
    from matplotlib import pyplot

    canvas, axes = pyplot.subplots(figsize=(9, 4), layout="constrained")
    width = 0.84 / len(by_system)
    for place, (system, values) in enumerate(by_system.items()):
        at = [labels.index(label) - 0.42 + width * (place + 0.5) for label in values]
        heights = [value - 1 for value in values.values()]  # bars stand on the line at 1
        drawn = axes.bar(at, heights, width, bottom=1, label=system, color=COLOURS[system])
        names = [f"{v:.0f}" if v >= 10 else f"{v:.2g}" for v in values.values()]
        axes.bar_label(drawn, names, fontsize=7, padding=1)
    axes.axhline(1, color="black", linewidth=1, label=f"{SUBJECT} = 1")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g} x")
    axes.set_xticks(range(len(labels)), labels)
    axes.set_ylabel(f"times {SUBJECT}'s (log)")
    canvas.legend(loc="outside upper center", frameon=False, ncols=len(by_system) + 1)
    axes.spines[["top", "right"]].set_visible(False)
    canvas.savefig(target, metadata={"Date": None})
    pyplot.close(canvas)
    return True
