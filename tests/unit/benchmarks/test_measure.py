"""Costs are read from the kernel, for whole process trees."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import measure
from benchmarks.measure import Bench, Endpoint, StandIn, cost, cost_of, tree
from benchmarks.scenarios import BY_NAME

NESTED = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1); input()'])"


def test_a_tree_holds_children_and_grandchildren() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", NESTED], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()  # the grandchild speaks, so it is there
        found = tree(parent.pid)
        parent.communicate(b"\n")
    assert found[0] == parent.pid
    assert len(found) == 2


def test_our_own_cost_is_what_the_kernel_says() -> None:
    used = os.times()
    assert cost_of(os.getpid()).cpu_seconds == pytest.approx(used.user + used.system, abs=0.1)
    assert cost_of(os.getpid()).memory_mb > 5


def test_a_process_that_is_gone_costs_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    assert cost_of(ended.pid) == measure.Cost()


def test_the_direct_road_costs_nothing() -> None:
    assert cost(None) == (measure.Cost(), measure.Cost())


def test_the_span_shipper_is_counted_apart() -> None:
    shipper = "import sys; print(1, flush=True); input()"
    starter = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {shipper!r}, "
        f"{measure.SHIPPER!r}])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", starter], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as gateway:
        assert gateway.stdout is not None
        gateway.stdout.readline()
        serving, shipping = cost(gateway.pid)
        gateway.communicate(b"\n")
    assert shipping.memory_mb > 5
    assert serving.memory_mb > 5


def test_a_shipper_that_still_works_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = iter([1.0, 1.5, 1.9, 1.91, 5.0])
    monkeypatch.setattr(measure, "cost", lambda _: (measure.Cost(), measure.Cost(next(shipped))))
    monkeypatch.setattr(measure.time, "sleep", lambda _: None)
    assert measure.cost_at_rest(1).cpu_seconds == 1.91


def test_a_shipper_that_never_rests_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = iter(range(1000))
    monkeypatch.setattr(measure, "cost", lambda _: (measure.Cost(), measure.Cost(next(seconds))))
    monkeypatch.setattr(measure.time, "sleep", lambda _: None)
    assert measure.cost_at_rest(1).cpu_seconds == 80


def test_an_open_loop_of_streams_is_asked_for_in_full() -> None:
    bench = Bench(Path("/tools"), StandIn("127.0.0.1:1"), 4.0, 1.0)
    endpoint = Endpoint("portkey", "127.0.0.1:2", "key", headers=("x-a: b",))
    command = bench.load_command(BY_NAME["100kb-stream-open10"], endpoint)
    text = " ".join(command)
    assert text.startswith("/tools/loadgen -a 127.0.0.1:2 -p /v1/chat/completions")
    assert "-b /tools/bodies/openai_chat-100kb-streamed.json -c 400 -d 4.0 -w 1.0" in text
    assert text.endswith("-H Authorization: Bearer key -H x-a: b -r 10 -P -s -u -m 50")
