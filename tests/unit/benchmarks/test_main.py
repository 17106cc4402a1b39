"""The command line of the benchmark: what it chooses, and in which order it measures."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import arguments, main, turns
from benchmarks.scenarios import BY_NAME

LOADS = (BY_NAME["1kb-c1"], BY_NAME["streams-1000x20"])


def test_systems_take_turns_and_the_order_is_reversed_every_second_round() -> None:
    order = [system for _, load, system in turns(2, LOADS[:1], ["direct", "nginx", "gatehouse"])]
    assert order == ["direct", "nginx", "gatehouse", "gatehouse", "nginx", "direct"]


def test_a_load_is_left_out_for_those_who_cannot_carry_it() -> None:
    asked = [system for _, load, system in turns(1, LOADS[1:], ["litellm-proxy", "gatehouse"])]
    assert asked == ["gatehouse"]


def test_a_quick_run_is_short_and_a_full_one_repeats(tmp_path: Path) -> None:
    quick, full = arguments(["--quick"]), arguments([])
    assert (quick.rounds, full.rounds) == (1, 3)
    assert len(quick.scenarios) < len(full.scenarios)
    assert arguments(["--quick", "--rounds", "2"]).rounds == 2


@pytest.mark.parametrize(
    ("given", "complaint"),
    [(["--systems", "bifrost"], "no system 'bifrost'"), (["--scenarios", "x"], "no scenario 'x'")],
)
def test_an_unknown_name_is_refused(
    given: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        arguments(given)
    assert complaint in capsys.readouterr().err


def test_an_earlier_run_is_reported_again(tmp_path: Path) -> None:
    source = tmp_path / "results.json"
    source.write_text(json.dumps({"environment": {}, "systems": {}, "rows": []}))
    assert main(["--from", str(source), "--out", str(tmp_path / "again")]) == 2
    assert (tmp_path / "again" / "report.md").read_text().startswith("# The gateway")
