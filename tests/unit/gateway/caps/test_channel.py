"""What waits for the store goes together, in order, and stays until the store has it."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from redis.exceptions import ResponseError

from gateway.caps.channel import STEPS_AT_ONCE, Channel, Step
from gateway.caps.store import Command, Reply, StoreAway
from tests.fakes.waiting import until


class Recording:
    """A store that notes what it is asked, and is away or refuses when told."""

    def __init__(self) -> None:
        self.batches: list[list[Command]] = []
        self.is_away = False
        self.refuses = False
        self.stumbles = False
        self.closed = 0

    async def run(
        self, commands: Sequence[Command], *, patience_seconds: float | None = None
    ) -> list[Reply]:
        await asyncio.sleep(0)
        if self.is_away:
            raise StoreAway("gone")
        if self.stumbles:
            raise ValueError("a bug")
        self.batches.append(list(commands))
        return [ResponseError("ERR no") if self.refuses else each[0] for each in commands]

    async def close(self) -> None:
        self.closed += 1

    def told(self) -> list[object]:
        """The steps in the order they were taken."""
        commands = [command for batch in self.batches for command in batch]
        return [name for each in commands if each[0] == "apply" for name in each[2:]]


def step(name: object) -> Step:
    return Step((str(name),))


class Line:
    """A channel to a store that records, and how often it was away or back."""

    def __init__(self) -> None:
        self.store = Recording()
        self.changes: list[bool] = []
        self.channel = Channel(self.store, self.changes.append, most_waiting=2_000)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    opened = Line()
    opened.channel.start()
    yield opened
    await opened.channel.stop()


async def test_what_is_told_and_asked_at_once_goes_together_the_older_first(line):
    line.channel.tell(step("a"))
    replies = await asyncio.gather(line.channel.ask(("x",)), line.channel.ask(("y",)))
    assert replies == ["x", "y"]
    commands = [command for batch in line.store.batches for command in batch]
    assert commands == [["apply", 1, "a"], ("x",), ("y",)]
    assert len(line.store.batches) < 3


async def test_nothing_is_answered_before_what_was_told_first(line):
    for number in range(STEPS_AT_ONCE * 20):
        line.channel.tell(step(number))
    await line.channel.ask(("x",))
    assert line.store.told() == [str(each) for each in range(STEPS_AT_ONCE * 20)]
    assert line.store.batches[-1][-1] == ("x",)


async def test_while_the_store_is_away_nobody_waits_and_steps_stay(line):
    line.store.is_away = True
    with pytest.raises(StoreAway):
        await line.channel.ask(("x",))
    line.channel.tell(step("a"))
    with pytest.raises(StoreAway):
        await line.channel.ask(("y",))
    with pytest.raises(StoreAway):
        await line.channel.probe(("p",))
    assert (line.channel.waiting, line.changes) == (1, [True])


async def test_it_is_back_once_it_has_what_waited(line):
    line.store.is_away = True
    with pytest.raises(StoreAway):
        await line.channel.ask(("x",))
    for number in range(STEPS_AT_ONCE + 1):
        line.channel.tell(step(number))
    line.store.is_away = False
    assert await line.channel.probe(("p",)) == "p"
    assert (line.channel.waiting, line.channel.is_away) == (0, False)
    assert line.changes == [True, False]
    assert await line.channel.ask(("x",)) == "x"


async def test_of_too_many_steps_the_oldest_are_let_go_and_counted(line):
    line.store.is_away = True
    with pytest.raises(StoreAway):
        await line.channel.ask(("x",))
    for number in range(2_003):
        line.channel.tell(step(number))
    assert (line.channel.waiting, line.channel.dropped) == (2_000, 3)
    line.store.is_away = False
    await line.channel.probe(("p",))
    assert line.store.told()[0] == "3"


async def test_steps_that_the_script_refuses_are_not_tried_for_ever(line, caplog):
    line.store.refuses = True
    line.channel.tell(step("a"))
    await line.channel.flush()
    assert (line.channel.waiting, line.channel.dropped) == (0, 1)
    assert "caps_steps_refused" in caplog.messages
    with pytest.raises(StoreAway, match="refused"):
        await line.channel.ask(("x",))
    with pytest.raises(StoreAway):
        await line.channel.probe(("p",))


async def test_however_sending_ends_nobody_waits_for_ever_and_it_goes_on(line, caplog):
    line.store.stumbles = True
    async with asyncio.timeout(20):
        with pytest.raises(StoreAway):
            await line.channel.ask(("x",))
        await until(lambda: line.channel.is_away)
        line.channel.tell(step("a"))
        line.store.stumbles = False
        await line.channel.probe(("y",))
        assert await line.channel.ask(("z",)) == "z"
    assert line.changes == [True, False]
    assert line.store.told() == ["a"]
    assert "caps_channel_failed" in [each.message for each in caplog.records]


async def test_it_stops_though_sending_fails(line):
    line.channel.tell(step("a"))
    line.store.stumbles = True
    async with asyncio.timeout(20):
        await line.channel.stop()
    assert line.store.closed == 1


async def test_who_was_cancelled_is_not_answered(line):
    asking = asyncio.create_task(line.channel.ask(("x",)))
    await asyncio.sleep(0)
    asking.cancel()
    assert await line.channel.ask(("y",)) == "y"


async def test_what_was_told_is_sent_before_it_stops():
    line = Line()
    line.channel.start()
    line.channel.tell(step("a"))
    await line.channel.stop()
    await line.channel.stop()
    assert (line.store.told(), line.store.closed) == (["a"], 1)


async def test_it_stops_while_the_store_is_away():
    line = Line()
    line.channel.start()
    line.store.is_away = True
    line.channel.tell(step("a"))
    await line.channel.stop()
    assert line.channel.waiting == 1
