"""The items of an upstream's response, found again by whatever its engine names of them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import SEEK_END, StringIO
from itertools import chain
from typing import Self

from providers.translation.hub import Json
from providers.translation.watch import DOCUMENT_LIMIT_BYTES

CALL, WORDS, THOUGHTS = "function_call", "message", "reasoning"
_ITEM_COST_BYTES = 256  # of one that says nothing


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
    thinks_by: str | None = None  # which of two kinds of event tells its reasoning
    texts: defaultdict[str, StringIO] = field(default_factory=lambda: defaultdict(StringIO))


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
        self._kept_bytes = 0

    def begin(self, named: Named) -> Item:
        """A new item; the one that goes on where it has begun already."""
        found = self._exactly(named)
        if found is not None and not found.is_done:
            return found
        self._keep(_ITEM_COST_BYTES)
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

    def at(self, named: Named) -> Item:
        """The item that is meant; a new one where none has begun."""
        return self.find(named) or self.begin(named)

    def add(self, item: Item, name: str, piece: str) -> None:
        """The client is told a piece of one of the item's texts."""
        self._keep(len(piece))
        item.is_told = True
        item.texts[name].write(piece)

    def rest(self, item: Item, name: str, whole: str, is_same: Callable[[str, str], bool]) -> str:
        """What the client was not told yet of a text that is whole now, and is told hereby.

        An empty one says nothing. Raises `StrangeReply` where it is another than was told, unless
        `is_same` says that the two come to the same.
        """
        if not whole:
            return ""
        told = item.texts[name].getvalue()
        if not whole.startswith(told) and not is_same(told, whole):
            raise StrangeReply(f"the model's server contradicts itself about its {name}")
        self._keep(max(0, len(whole) - len(told)))
        item.is_told = True
        item.texts[name] = StringIO(whole)  # to be compared with next: no longer than what came
        item.texts[name].seek(0, SEEK_END)
        return whole[len(told) :] if whole.startswith(told) else ""

    def told(self, kind: str) -> list[Item]:
        """The items of that kind of which the client was told, by their places."""
        told = [each for each in self._begun.get(kind, ()) if each.is_told]
        places = {each: each.place for each in told if each.place is not None}
        return sorted(told, key=places.__getitem__) if len(places) == len(told) else told

    def paired(self, output: Sequence[Named]) -> list[Item | None]:
        """For each item of the whole output the told one that it repeats, None where there is none.

        By ids that are there once, then in their order: some engines name all of them anew.
        """
        told = {kind: self.told(kind) for kind in self._begun}
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
        # A call must not get another's arguments; words find their place again in the end.
        is_it = named.kind != CALL or not named.ids or not begun[-1].ids
        return begun[-1] if is_it else None

    def _keep(self, count: int) -> None:
        self._kept_bytes += count
        if self._kept_bytes > DOCUMENT_LIMIT_BYTES:
            raise StrangeReply("the model's answer is too large")

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


def _differ(one: int | None, other: int | None) -> bool:
    return one is not None and other is not None and one != other


def _texts(*values: object) -> tuple[str, ...]:
    return tuple(each for each in values if isinstance(each, str) and each)


def _place(event: Json) -> int | None:
    place = event.get("output_index")
    return place if isinstance(place, int) else None
