"""`python -m benchmarks`: measure the gateway beside its peers, judge the bars, write a report.

Exit code: 0 every bar met; 1 a bar missed, or an error in one of the gateway's rows; 2 a bar could
not be judged, because a system or a scenario was left out; 3 the bench itself is not in order.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import bars, plot, report, tools
from benchmarks.fleet import Fleet, NotReady
from benchmarks.measure import Bench, can_pin
from benchmarks.peers import LITELLM_VERSION, PEERS, PORTKEY_VERSION, CannotInstall
from benchmarks.scenarios import QUICK, SCENARIOS, Scenario, pick
from benchmarks.subject import GATEHOUSE

HERE = Path(__file__).parent
SYSTEMS = {each.name: each for each in (*PEERS, GATEHOUSE)}


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line, with the defaults that --quick changes filled in."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    option = parser.add_argument
    option("--quick", action="store_true", help="one short round of what the bars need")
    option("--rounds", type=int, help="times that every scenario runs (3; quick: 1)")
    option("--secs", type=float, help="measured seconds of a run (4; quick: 2)")
    option(
        "--starts", type=int, help="times that a system is started; the best counts (2; quick: 1)"
    )
    option("--systems", default=",".join(("direct", *SYSTEMS)), help="which, comma-separated")
    option("--scenarios", help="which, comma-separated (all)")
    option(
        "--work", type=Path, default=Path("/tmp/gatehouse-bench"), help="cache of peers and tools"
    )
    option("--out", type=Path, help="folder of the results (benchmarks/results/TIME)")
    option("--from", dest="source", type=Path, help="report on an earlier results.json, do not run")
    option("--write-results", action="store_true", help="write benchmarks/RESULTS.md from this run")
    chosen = parser.parse_args(given)
    quick = chosen.quick
    chosen.rounds = chosen.rounds or (1 if quick else 3)
    chosen.secs = chosen.secs or (2.0 if quick else 4.0)
    chosen.starts = chosen.starts or (1 if quick else 2)
    names = chosen.scenarios or ",".join(QUICK if quick else (each.name for each in SCENARIOS))
    chosen.out = chosen.out or HERE / "results" / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    try:
        chosen.scenarios = pick(names)
    except ValueError as error:
        parser.error(str(error))
    chosen.systems = [name for name in chosen.systems.split(",") if name]
    for name in chosen.systems:
        if name not in (*SYSTEMS, "direct"):
            parser.error(f"no system {name!r}; there are: direct, {', '.join(SYSTEMS)}")
    return chosen


def environment(work: Path) -> dict[str, str]:
    """What the figures depend on."""
    seen = {
        "time": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cores": f"{os.cpu_count()}, systems and load "
        + ("pinned apart" if can_pin() else "NOT pinned"),
        "load_before": f"{os.getloadavg()[0]:.2f}",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "peers": f"LiteLLM Proxy {LITELLM_VERSION}, Portkey {PORTKEY_VERSION}",
    }
    with suppress(OSError, IndexError):
        models = [x for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x]
        seen["processor"] = models[0].split(":")[1].strip()
    for what, command in {
        "nginx": ["nginx", "-v"],
        "node": ["node", "--version"],
        "disk": ["stat", "--file-system", "--format", "%T", str(work)],
        "commit": ["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"],
    }.items():
        if shutil.which(command[0]):
            said = subprocess.run(command, capture_output=True, text=True, check=False)
            seen[what] = (said.stdout + said.stderr).strip().removeprefix("nginx version: ")
    return seen


def install(names: Sequence[str], work: Path) -> list[str]:
    """The systems that are here or could be fetched."""
    here = []
    for name in names:
        try:
            if name in SYSTEMS:
                SYSTEMS[name].install(work)
        except CannotInstall as error:
            say(f"left out: {name}: {error}")
        else:
            here.append(name)
    return here


def turns(
    rounds: int, scenarios: Sequence[Scenario], systems: Sequence[str]
) -> Iterator[tuple[int, Scenario, str]]:
    """Interleaved: round by round, scenario by scenario, the order reversed every second round."""
    for number in range(rounds):
        order = list(systems)[:: -1 if number % 2 else 1]
        for scenario in scenarios:
            for system in order:
                if scenario.covers(system):
                    yield number, scenario, system


def measure(chosen: argparse.Namespace) -> bars.Run:
    """Build, install, start, check, measure; every row is saved as soon as it is known."""
    tools.build(chosen.work)
    seen = environment(chosen.work)
    names = install(chosen.systems, chosen.work)
    with Fleet(chosen.work) as fleet:
        bench = Bench(chosen.work, fleet.stand_in, 0.3, 0.0)
        for fact in tools.check(bench, fleet.endpoints["direct"]):
            say(f"check: {fact}")
        for name in (each for each in names if each != "direct"):
            try:
                fleet.add(SYSTEMS[name], starts=chosen.starts)
            except NotReady as error:
                say(f"left out: {error}")
            else:
                say(f"{name}: {fleet.facts[name]}")
        systems = [name for name in names if name in fleet.endpoints]
        run: bars.Run = {
            "environment": seen,
            "systems": {name: fleet.facts[name] for name in systems},
            "rows": [],
        }
        bench = Bench(chosen.work, fleet.stand_in, chosen.secs, min(1.0, chosen.secs / 2))
        for number, scenario, system in turns(chosen.rounds, chosen.scenarios, systems):
            row = bench.measure(scenario, fleet.endpoints[system]) | {"round": number}
            run["rows"].append(row)
            say(one_line(row))
            (chosen.out / "results.json").write_text(json.dumps(run))
    return run


def one_line(row: bars.Run) -> str:
    """A row for whoever watches."""
    figures = [
        f"{path} {value:,.1f}"
        for path in ("rps", "latency_us.p50", "cpu_us_per_request", "cpu_us_per_chunk", "core_use")
        if (value := bars.figure_of(row, path)) is not None
    ]
    void = f"  VOID {row.get('error_kinds') or row.get('error') or ''}" if bars.is_void(row) else ""
    return f"{row['round']} {row['scenario']:24} {row['system']:14} {'  '.join(figures)}{void}"


def say(line: str) -> None:
    """Progress goes to standard error; standard output is the report's."""
    print(line, file=sys.stderr, flush=True)


def publish(run: bars.Run, folder: Path, name: str) -> Path:
    """Write the report and its picture; the report's path."""
    target, picture = folder / f"{name}.md", folder / f"{name}.svg"
    drawn = plot.draw(run, picture)
    target.write_text(report.markdown(run, picture.name if drawn else None))
    return target


def main(given: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    chosen = arguments(given)
    chosen.out.mkdir(parents=True, exist_ok=True)
    try:
        run = json.loads(chosen.source.read_text()) if chosen.source else measure(chosen)
    except (tools.CannotMeasure, NotReady) as error:
        say(f"nothing was measured: {error}")
        return 3
    written = publish(run, chosen.out, "report")
    if chosen.write_results:
        written = publish(run, HERE, "RESULTS")
    judged = bars.judge(run)
    print(report.bars_table(judged))
    say(f"report: {written}; rows: {chosen.source or chosen.out / 'results.json'}")
    return bars.exit_code(run, judged)


if __name__ == "__main__":
    sys.exit(main())
