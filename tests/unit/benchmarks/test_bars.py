"""What counts as met, missed, void and not judged."""

from typing import Any

import pytest

from benchmarks.bars import BARS, Bar, Verdict, exit_code, figure, is_void, judge, judge_one

CPU_BAR = Bar("cpu", "1kb-c16", "cpu_us_per_request", "litellm-proxy", bar=0.04, aim=0.02)


def row(system: str, **figures: Any) -> dict[str, Any]:
    return {"system": system, "scenario": "1kb-c16", "errors": 0, "unfinished": 0, **figures}


def run_of(*rows: dict[str, Any], **systems: dict[str, Any]) -> dict[str, Any]:
    return {"rows": list(rows), "systems": systems}


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [(2.0, Verdict.AIM), (2.1, Verdict.BAR), (4.0, Verdict.BAR), (4.1, Verdict.MISSED)],
)
def test_a_ratio_is_held_against_bar_and_aim(ours: float, verdict: Verdict) -> None:
    run = run_of(
        row("gatehouse", cpu_us_per_request=ours), row("litellm-proxy", cpu_us_per_request=100.0)
    )
    assert judge_one(run, CPU_BAR).verdict is verdict


@pytest.mark.parametrize(
    ("share", "verdict"), [(99.0, Verdict.AIM), (95.0, Verdict.BAR), (89.0, Verdict.MISSED)]
)
def test_a_share_of_the_direct_rate_must_be_high(share: float, verdict: Verdict) -> None:
    bar = Bar("share", "1kb-c16", "rps", "direct", bar=0.90, aim=0.99, at_least=True)
    run = run_of(row("gatehouse", rps=share), row("direct", rps=100.0))
    assert judge_one(run, bar).verdict is verdict


def test_added_latency_is_taken_less_the_direct_road() -> None:
    bar = Bar("added", "1kb-c16", "latency_us.p50", "litellm-proxy", 0.1, 0.05, added=True)
    run = run_of(
        row("direct", latency_us={"p50": 100.0}),
        row("gatehouse", latency_us={"p50": 300.0}),
        row("litellm-proxy", latency_us={"p50": 4100.0}),
    )
    assert judge_one(run, bar).ratio == pytest.approx(0.05)


def test_figures_are_medians_over_rounds() -> None:
    run = run_of(row("nginx", rps=1.0), row("nginx", rps=50.0), row("nginx", rps=2.0))
    assert figure(run, "nginx", "1kb-c16", "rps") == 2.0


@pytest.mark.parametrize("fault", ["errors", "unfinished", "backlog"])
def test_one_fault_voids_a_row_and_its_scenario(fault: str) -> None:
    bad = row("nginx", rps=2.0) | {fault: 1}
    assert is_void(bad)
    assert figure(run_of(row("nginx", rps=1.0), bad), "nginx", "1kb-c16", "rps") is None


def test_a_missing_peer_leaves_a_bar_unjudged() -> None:
    judged = judge_one(run_of(row("gatehouse", cpu_us_per_request=1.0)), CPU_BAR)
    assert judged.verdict is Verdict.UNJUDGED
    assert judged.ratio is None


def test_a_peer_that_adds_nothing_is_no_measure() -> None:
    run = run_of(
        row("gatehouse", cpu_us_per_request=1.0), row("litellm-proxy", cpu_us_per_request=0.0)
    )
    assert judge_one(run, CPU_BAR).verdict is Verdict.UNJUDGED


def test_figures_of_a_system_need_no_load() -> None:
    bar = Bar("idle", None, "idle_mb", "litellm-proxy", 0.6, 0.35)
    run = run_of(gatehouse={"idle_mb": 80.0}, **{"litellm-proxy": {"idle_mb": 320.0}})
    assert judge_one(run, bar).verdict is Verdict.AIM


def test_a_run_that_lacks_systems_cannot_pass() -> None:
    run = run_of()
    assert exit_code(run, judge(run)) == 2


def test_an_error_in_our_own_row_fails_the_run() -> None:
    run = run_of(row("gatehouse") | {"errors": 1})
    assert exit_code(run, judge(run)) == 1


def test_every_bar_is_stricter_at_its_aim() -> None:
    assert [bar.name for bar in BARS if (bar.aim > bar.bar) is not bar.at_least] == []
