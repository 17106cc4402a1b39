"""A batch keeps the order of an exchange: admitted, its attempts, one end."""

import pytest

from gateway.audit.batch import Batch, OpenExchanges, RecordRefused
from gateway.audit.chain import ChainHead
from gateway.audit.lost import LostExchange, PastAttempt
from gateway.store.tables import BODIES
from policy.types import Deny
from tests.fakes.ledger import Story, a_story, an_exchange, some_records

COLUMNS = BODIES.c.keys()


def a_batch(already_open: OpenExchanges | None = None) -> Batch:
    return Batch(ChainHead.of_new("01TESTLANE0000000000000000"), already_open or OpenExchanges())


def columns(batch: Batch) -> list[dict[str, object]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in batch.rows.bodies]


def durable(open_exchanges: OpenExchanges, batch: Batch) -> None:
    for body in batch.records:
        open_exchanges.note_durable(body)


def opened(*stories: Story) -> OpenExchanges:
    open_exchanges, batch = OpenExchanges(), a_batch()
    for story in stories:
        batch.add(story.admitted())
    durable(open_exchanges, batch)
    return open_exchanges


def test_records_are_numbered_and_linked_in_the_order_they_came():
    story, batch = a_story(some_records()), a_batch()
    for body in (story.admitted(), story.attempted(), story.completed()):
        batch.add(body)
    assert [body["seq"] for body in batch.records] == [1, 2, 3]
    links = [leaf[4] for leaf in batch.rows.leaves[1:]]
    assert links == [leaf[3] for leaf in batch.rows.leaves[:-1]]
    assert batch.head.seq == 3


def test_what_is_searched_for_stands_beside_the_body():
    story, batch = a_story(some_records()), a_batch()
    for body in (story.admitted(), story.attempted(), story.completed()):
        batch.add(body)
    admitted, attempted, completed = columns(batch)
    assert (admitted["team"], admitted["subject"], admitted["model"]) == ("web", "ann", "coder")
    assert (attempted["team"], attempted["outcome"]) == (None, None)
    assert (completed["outcome"], completed["cost_nano_usd"]) == ("complete", 12_345)
    assert completed["total_tokens"] == 100 + 20 + 3 + 2 + 50


@pytest.mark.parametrize(
    ("response_id", "kept"), [("resp_1", "resp_1"), ("chatcmpl-1", None), (None, None)]
)
def test_an_answer_that_a_later_request_may_name_is_found_by_its_id(response_id, kept):
    story, batch = a_story(some_records()), a_batch()
    story.exchange.response_id = response_id
    for body in (story.admitted(), story.attempted(), story.completed()):
        batch.add(body)
    assert [row["response_id"] for row in columns(batch)] == [None, None, kept]


def test_a_denial_is_found_by_its_rule():
    batch = a_batch()
    batch.add(some_records().denied(an_exchange("gh-1"), Deny("model_access", "no"), 403))
    assert columns(batch)[0]["outcome"] == "model_access"


@pytest.mark.parametrize("kind", ["attempted", "completed"])
def test_what_was_never_admitted_is_refused(kind: str):
    body = getattr(a_story(some_records()), kind)()
    batch = a_batch()
    with pytest.raises(RecordRefused, match="not_open"):
        batch.add(body)
    assert batch.records == []


def test_a_second_end_in_the_same_batch_is_refused():
    story, batch = a_story(some_records()), a_batch()
    batch.add(story.admitted())
    batch.add(story.completed())
    with pytest.raises(RecordRefused, match="not_open"):
        batch.add(story.completed())


def test_a_second_end_in_a_later_batch_is_refused():
    story = a_story(some_records())
    open_exchanges = opened(story)
    first = a_batch(open_exchanges)
    first.add(story.completed())
    durable(open_exchanges, first)
    with pytest.raises(RecordRefused, match="not_open"):
        a_batch(open_exchanges).add(story.completed())


def test_a_body_without_canonical_form_is_refused_and_leaves_no_gap():
    story, batch = a_story(some_records()), a_batch()
    with pytest.raises(RecordRefused, match="not_json"):
        batch.add(story.admitted() | {"model": "\ud800"})
    batch.add(story.admitted())
    assert batch.records[0]["seq"] == 1


def test_an_open_exchange_remembers_its_attempts():
    story = a_story(some_records())
    open_exchanges = opened(story)
    batch = a_batch(open_exchanges)
    batch.add(story.attempted("a/b"))
    batch.add(story.attempted("c/d"))
    durable(open_exchanges, batch)
    found = open_exchanges.find(story.exchange.id)
    assert found is not None
    attempts = (PastAttempt(1, "a/b"), PastAttempt(2, "c/d"))
    assert found.lost() == LostExchange(story.exchange.id, "web", "coder", attempts)


def test_a_lane_is_settled_up_to_its_oldest_open_exchange():
    records = some_records()
    first, second = a_story(records), a_story(records)
    open_exchanges = opened(first, second)
    assert open_exchanges.settled_seq(2) == 0
    end = a_batch(open_exchanges)
    end.add(first.completed())
    durable(open_exchanges, end)
    assert open_exchanges.settled_seq(3) == 1
    end = a_batch(open_exchanges)
    end.add(second.completed())
    durable(open_exchanges, end)
    assert open_exchanges.settled_seq(4) == 4
