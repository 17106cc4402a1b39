"""Requests and ends are put together as they come; what begins and never ends comes last."""

from collections.abc import AsyncIterator, Sequence

import orjson

from gateway.replay.exchanges import Exchanges
from gateway.replay.recorded import RecordedExchange
from gateway.store.traffic import TrafficRow
from tests.fakes.ledger import Story, a_story, complete, some_records

RECORDS = some_records()


def row(story: Story, body) -> TrafficRow:
    cost = story.exchange.cost_nano_usd if body["kind"] == "completed" else None
    return TrafficRow(story.exchange.id, body["kind"], cost, orjson.dumps(body).decode())


async def exchanges_of(*pages: Sequence[TrafficRow]) -> tuple[list[RecordedExchange], int]:
    async def read() -> AsyncIterator[Sequence[TrafficRow]]:
        for page in pages:
            yield page

    made = Exchanges()
    found = [each async for group in made.of(read()) for each in group]
    return found, made.unreadable


def told(exchange: RecordedExchange) -> tuple[str, str | None, int]:
    return exchange.request.exchange_id, exchange.target, exchange.cost_nano_usd


async def test_a_request_gets_its_end_whatever_page_that_is_on():
    one, other = a_story(RECORDS), a_story(RECORDS)
    begun = [row(one, one.admitted()), row(other, other.admitted())]
    one.attempted()
    complete(one.exchange)
    found, _ = await exchanges_of(begun, [row(one, one.completed())])
    assert [told(each) for each in found] == [
        (one.exchange.id, "house/qwen3-coder", 12_345),
        (other.exchange.id, None, 0),
    ]


async def test_a_denial_is_whole():
    story = a_story(RECORDS)
    found, _ = await exchanges_of([row(story, story.denied("few"))])
    assert [(each.request.rule, each.target) for each in found] == [("few", None)]


async def test_an_end_without_its_beginning_is_passed_over():
    story = a_story(RECORDS)
    assert await exchanges_of([row(story, story.completed())]) == ([], 0)


async def test_an_exchange_whose_end_nobody_saw_cost_nothing_that_is_known():
    story = a_story(RECORDS)
    lost = TrafficRow(story.exchange.id, "unknown", None, "{}")
    found, _ = await exchanges_of([row(story, story.admitted()), lost])
    assert [told(each) for each in found] == [(story.exchange.id, None, 0)]


async def test_what_cannot_be_read_is_counted():
    broken = TrafficRow("gh-1", "denied", None, "{}")
    assert await exchanges_of([broken]) == ([], 1)
