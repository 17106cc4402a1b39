"""The hot road's bench asks the assembled application for whole answers, and tells what they cost.

Few requests and no figure compared: what a machine takes is not for a test to judge.
"""

from collections.abc import Iterator

import pytest

from benchmarks.hot_road import Cost, measure, roads, table
from tests.fakes.collector import collector_put_back


@pytest.fixture(scope="module", autouse=True)
def _collector() -> Iterator[None]:
    """The bench rests the collector, as the server does; tests after it need it."""
    with collector_put_back():
        yield


async def test_every_road_is_answered_whole_and_its_cost_is_known() -> None:
    chosen = list(roads(16))

    costs = await measure(chosen, rounds=1)

    assert list(costs) == [road.name for road in chosen]
    assert all(0 < each.loop <= each.process for each in costs.values())


async def test_an_answer_that_is_none_is_an_error() -> None:
    road = next(roads(16))
    broken = type(road)(road.name, road.path, road.body, (b"no answer",), road.requests)

    with pytest.raises(RuntimeError, match="chat-1kb was answered with 502"):
        await measure([broken], rounds=1)


def test_the_table_tells_the_ledgers_thread_apart_from_the_loops() -> None:
    lines = table({"chat-1kb": Cost(loop=120.0, process=200.5)}).splitlines()

    assert lines[1].split() == ["chat-1kb", "120.0", "80.5", "200.5"]
