"""Build the stand-in model and the load generator, and see that they can be trusted."""

import shutil
import subprocess
from pathlib import Path

from benchmarks import bodies
from benchmarks.bars import is_void
from benchmarks.measure import Bench, Endpoint
from benchmarks.scenarios import ANTHROPIC, Scenario

NATIVE = Path(__file__).parent / "native"
PROGRAMS = ("mock_upstream", "loadgen")


class CannotMeasure(Exception):
    """The bench itself is not in order: no figure it gave could be believed."""


def build(work: Path) -> None:
    """Compile what is older than its source, and write the bodies."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise CannotMeasure("a C compiler is needed for the stand-in and the load generator")
    work.mkdir(parents=True, exist_ok=True)
    newest_header = max(each.stat().st_mtime for each in NATIVE.glob("*.[ch]"))
    for name in PROGRAMS:
        source, program = NATIVE / f"{name}.c", work / name
        if not program.exists() or program.stat().st_mtime < newest_header:
            flags = ["-O2", "-Wall", "-Wextra", "-o", str(program)]
            subprocess.run([compiler, *flags, str(source), "-lm"], check=True)
    bodies.write_all(work / "bodies")


def check(bench: Bench, direct: Endpoint) -> list[str]:
    """Put the generator on the bare stand-in and try to catch either in an error.

    Returns what was seen, in words. Raises `CannotMeasure` with the first thing that is wrong.
    """
    seen = []
    plain, streams = Scenario("check", "1kb", 4), Scenario("check", "1kb", 4, chunks=20)
    messages = Scenario("check", "100kb", 4, wire=ANTHROPIC, chunks=20)
    for scenario in (plain, streams, messages):
        row = bench.measure(scenario, direct)
        require(not is_void(row), f"the bare stand-in gave errors: {row}")
        require(row["ok"] > 0, f"nothing was answered: {row}")
        if scenario.streamed:
            require(row["chunks"] == row["ok"] * scenario.chunks, f"chunks were lost: {row}")
        seen.append(
            f"{row['ok']} answers on {scenario.wire}, {row.get('chunks', 0)} chunks, no error"
        )
    counted = bench.stand_in.counts()
    row = bench.measure(plain, direct)
    asked = bench.stand_in.counts()["requests"] - counted["requests"]
    require(asked >= row["ok"], f"{row['ok']} answers to {asked} requests")
    seen.append(f"the stand-in counted the generator's {row['ok']} answers among {asked} requests")
    return [*seen, sees_failure(bench, direct), sees_short_stream(bench, direct)]


def sees_failure(bench: Bench, direct: Endpoint) -> str:
    """A generator that cannot fail proves nothing: every 500 must count as an error."""
    bench.stand_in.set(chunks=0, chunk_delay_us=0, fail=500)
    row, _ = bench.run_load(bench.load_command(Scenario("check", "1kb", 2), direct), direct)
    require(row["ok"] == 0 and row["errors"] > 0, f"a failing model went unseen: {row}")
    return f"{row['errors']} answers of status 500 were all counted as errors"


def sees_short_stream(bench: Bench, direct: Endpoint) -> str:
    """A stream that lacks a chunk must count as an error."""
    bench.stand_in.set(chunks=19, chunk_delay_us=0)
    expects_20 = Scenario("check", "1kb", 2, chunks=20)
    row, _ = bench.run_load(bench.load_command(expects_20, direct), direct)
    require(row["ok"] == 0 and row["errors"] > 0, f"a lost chunk went unseen: {row}")
    return f"{row['errors']} streams that lacked a chunk were all counted as errors"


def require(holds: bool, complaint: str) -> None:
    """Raise `CannotMeasure` unless it holds."""
    if not holds:
        raise CannotMeasure(complaint)
