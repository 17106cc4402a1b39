"""The items of an upstream's response, found again by whatever its engine names of them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Self

from providers.translation.hub import Json

CALL = "function_call"


class StrangeReply(Exception):
    """The reply contradicts itself, or holds what the hub has no word for. The text says which."""


@dataclass(frozen=True, slots=True)
class Named:
    """What an event or an item of the output says about which item is meant."""

    kind: str
    ids: tuple[str, ...] = ()  # the item's own first, then the one its result is sent back under
    place: int | None = None

    @classmethod
    def of_item(cls, item: Json, event: Json) -> Self:
        """An item, as it begins, as it is done or as it stands in the output."""
        return cls(
            str(item.get("type")), _texts(item.get("id"), item.get("call_id")), _place(event)
        )

    @classmethod
    def of_event(cls, kind: str, event: Json) -> Self:
        """The item of that kind that an event adds to."""
        return cls(kind, _texts(event.get("item_id")), _place(event))


@dataclass(slots=True, eq=False)
class Item:
    """One item, and how much of it the client was told."""

    kind: str
    ids: set[str] = field(default_factory=set)
    place: int | None = None
    is_told: bool = False
    is_done: bool = False
    index: int = -1  # a told call's number
    name: str = ""
    pieces: list[str] = field(default_factory=list)


class Items:
    """All items of one reply, by kind in the order they began.

    Engines leave out ids and places, give one to all items, or another one to an item that is
    done: what two names agree on counts most, then an id, then a place, then the id of a call.
    """

    def __init__(self) -> None:
        self._begun: defaultdict[str, list[Item]] = defaultdict(list)
        self._exact: dict[tuple[str, str, int | None], Item] = {}
        self._by_id: dict[tuple[str, str], Item] = {}
        self._by_place: dict[tuple[str, int | None], Item] = {}

    def begin(self, named: Named) -> Item:
        """A new item; the one that goes on where it has begun already."""
        found = self._exactly(named)
        if found is not None and not found.is_done:
            return found
        item = Item(named.kind)
        self._begun[named.kind].append(item)
        for each in named.ids:
            self._by_id[named.kind, each] = item
            self._exact[named.kind, each, named.place] = item
        if named.place is not None:
            self._by_place[named.kind, named.place] = item
        self._remember(item, named)
        return item

    def find(self, named: Named) -> Item | None:
        """The item that is meant; None where it has not begun."""
        if (exact := self._exactly(named)) is not None:
            return exact
        found = (
            self._with_id(named)
            or self._at_place(named)
            or self._with_call_id(named)
            or self._latest(named)
        )
        if found is not None:
            self._remember(found, named)
        return found

    def paired(self, output: Sequence[Named]) -> list[Item | None]:
        """For each item of the whole output the told one that it repeats, None where there is none.

        By ids that are there once, then in their order: some engines name all of them anew.
        """
        told = {kind: _in_order(begun) for kind, begun in self._begun.items()}
        by_id: defaultdict[tuple[str, str], list[Item]] = defaultdict(list)
        for item in chain.from_iterable(told.values()):
            for each in item.ids:
                by_id[item.kind, each].append(item)
        free = dict.fromkeys(chain.from_iterable(told.values()))
        found: list[Item | None] = []
        for named in output:
            known = [by_id.get((named.kind, each), ()) for each in named.ids]
            match = next((each[0] for each in known if len(each) == 1), None)
            if match is not None and match in free:
                del free[match]
                found.append(match)
            else:
                found.append(None)
        rest = {kind: iter([each for each in told[kind] if each in free]) for kind in told}
        pairs = zip(output, found, strict=True)
        return [match or next(rest.get(named.kind, _NONE), None) for named, match in pairs]

    def _exactly(self, named: Named) -> Item | None:
        if not named.ids:
            return None
        return self._exact.get((named.kind, named.ids[0], named.place))

    def _with_id(self, named: Named) -> Item | None:
        found = self._by_id.get((named.kind, named.ids[0])) if named.ids else None
        if found is None or (found.is_done and _differ(found.place, named.place)):
            return None
        return found

    def _at_place(self, named: Named) -> Item | None:
        found = self._by_place.get((named.kind, named.place))
        if found is None or (found.is_done and found.ids and named.ids):
            return None  # an engine that gives one place to all
        return found

    def _with_call_id(self, named: Named) -> Item | None:
        known = (self._by_id.get((named.kind, each)) for each in named.ids[1:])
        return next(filter(None, known), None)

    def _latest(self, named: Named) -> Item | None:
        """The item that goes on, for an event that does not say otherwise."""
        begun = self._begun.get(named.kind)
        if not begun or begun[-1].is_done or _differ(begun[-1].place, named.place):
            return None
        return begun[-1] if not named.ids or not begun[-1].ids else None

    def _remember(self, item: Item, named: Named) -> None:
        item.ids.update(named.ids)
        if item.place is None:
            item.place = named.place
        for each in named.ids:
            self._by_id.setdefault((item.kind, each), item)
            self._exact.setdefault((item.kind, each, named.place), item)
        if named.place is not None:
            self._by_place.setdefault((item.kind, named.place), item)


_NONE: Iterator[Item] = iter(())


def _in_order(begun: list[Item]) -> list[Item]:
    told = [each for each in begun if each.is_told]
    places = {each: each.place for each in told if each.place is not None}
    return sorted(told, key=places.__getitem__) if len(places) == len(told) else told


def _differ(one: int | None, other: int | None) -> bool:
    return one is not None and other is not None and one != other


def _texts(*values: object) -> tuple[str, ...]:
    return tuple(each for each in values if isinstance(each, str) and each)


def _place(event: Json) -> int | None:
    place = event.get("output_index")
    return place if isinstance(place, int) else None
