"""The stand-in and the load generator, built and tried against each other."""

from pathlib import Path

from benchmarks import tools
from benchmarks.fleet import Fleet
from benchmarks.measure import Bench


def test_the_tools_agree_and_see_faults(tmp_path: Path) -> None:
    tools.build(tmp_path)
    with Fleet(tmp_path) as fleet:
        bench = Bench(tmp_path, fleet.stand_in, 0.1, 0.0)
        seen = tools.check(bench, fleet.endpoints["direct"])
    assert len(seen) == 6


def test_what_is_newer_than_its_source_is_not_built_again(tmp_path: Path) -> None:
    tools.build(tmp_path)
    built = (tmp_path / "loadgen").stat().st_mtime_ns
    tools.build(tmp_path)
    assert (tmp_path / "loadgen").stat().st_mtime_ns == built
