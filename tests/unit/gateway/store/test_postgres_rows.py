"""What is read out of a journal comes in pages, by lane, in order."""

from gateway.audit.batch import Batch, OpenExchanges
from gateway.audit.chain import ChainHead
from gateway.store.postgres_rows import in_pages
from tests.fakes.ledger import a_story, some_records


def denied_in(lane: str, count: int) -> list[bytes]:
    batch = Batch(ChainHead.of_new(lane), OpenExchanges())
    for _ in range(count):
        batch.add(a_story(some_records()).denied())
    return batch.raws


def test_pages_hold_so_many_records_and_lose_none():
    ours, theirs = denied_in("01A", 5), denied_in("01B", 4)
    pages = list(in_pages([*theirs, *ours], 3))
    sizes = [{lane: len(rows.bodies) for lane, rows in page.items()} for page in pages]
    assert sizes == [{"01B": 3}, {"01B": 1, "01A": 2}, {"01A": 3}]
    assert [leaf[1] for page in pages[1:] for leaf in page["01A"].leaves] == [1, 2, 3, 4, 5]


def test_an_empty_journal_has_no_page():
    assert list(in_pages([], 3)) == []
