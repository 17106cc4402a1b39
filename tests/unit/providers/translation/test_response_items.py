"""Items are found by what their engine names of them, and no two are taken for one."""

import pytest

from providers.translation.response_items import CALL, Item, Items, Named


def named(*ids: str, place: int | None = None, kind: str = CALL) -> Named:
    return Named(kind, ids, place)


def told(items: Items, *wanted: Named) -> list[Item]:
    begun = [items.begin(each) for each in wanted]
    for item in begun:
        item.is_told = True
    return begun


@pytest.mark.parametrize(
    "wanted",
    [
        named("fc", "call", place=0),
        named("fc"),
        named("other", place=0),
        named("other", "call"),
        named("call", place=7),
        named(place=0),
        named(),
    ],
)
def test_an_item_is_found_by_any_of_its_names(wanted):
    items = Items()
    item = items.begin(named("fc", "call", place=0))
    assert items.find(wanted) is item


@pytest.mark.parametrize("wanted", [named("x"), named(place=1), named("fc", kind="message")])
def test_another_item_is_not_found(wanted):
    items = Items()
    items.begin(named("fc", "call", place=0))
    assert items.find(wanted) is None


def test_an_item_has_the_names_it_was_found_by():
    items = Items()
    item = items.begin(named())
    assert items.find(named("fc", place=2)) is item
    items.begin(named("other", place=3))
    assert items.find(named("fc")) is item
    assert items.find(named(place=2)) is item


def test_one_id_for_all_items_leaves_their_places():
    items = Items()
    first, second = (items.begin(named("m", place=at)) for at in (0, 1))
    assert items.find(named("m", place=0)) is first
    assert items.find(named("m", place=1)) is second
    first.is_done = second.is_done = True
    assert items.find(named("m", place=2)) is None


def test_one_place_for_all_items_leaves_their_ids():
    items = Items()
    first, second = (items.begin(named(each, place=0)) for each in ("a", "b"))
    assert items.find(named("a", place=0)) is first
    assert items.find(named("b", place=0)) is second
    first.is_done = second.is_done = True
    assert items.find(named("c", place=0)) is None


def test_an_item_that_begins_again_while_it_goes_on_is_the_same():
    items = Items()
    item = items.begin(named("fc"))
    assert items.begin(named("fc")) is item
    item.is_done = True
    assert items.begin(named("fc")) is not item


def test_items_without_names_are_not_the_same():
    items = Items()
    assert items.begin(named()) is not items.begin(named())


def test_what_is_done_is_not_added_to():
    items = Items()
    items.begin(named()).is_done = True
    assert items.find(named()) is None


def test_the_output_is_paired_by_ids_and_then_in_order():
    items = Items()
    first, second, third = told(items, named("a"), named("b"), named("c"))
    output = [named("x"), named("c"), named("y"), named("z"), named("a", kind="message")]
    assert items.paired(output) == [first, third, second, None, None]


def test_an_id_that_many_have_pairs_nobody():
    items = Items()
    first, second = told(items, named("m", place=1), named("m", place=0))
    assert items.paired([named("m"), named("m"), named("m")]) == [second, first, None]


def test_only_what_was_told_is_paired():
    items = Items()
    items.begin(named("a"))
    (second,) = told(items, named("b"))
    assert items.paired([named("a"), named("x")]) == [second, None]
