"""Exceptions that somebody opened, for the names that `tests.fakes.rules` has."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from gateway.store.changes import Actor
from gateway.store.stored_break_glass import StoredBreakGlass
from policy.break_glass import BreakGlass, Lifts
from policy.document import NANO_USD_PER_USD
from policy.rulebook.document import MatchDocument
from tests.fakes.rules import TARGETS

OPENED = "2026-07-10T09:00:00"
OVER = "2026-07-10T11:00:00"
DURING = "2026-07-10T10:00:00"


def moment(text: str) -> int:
    """UTC seconds of `2026-07-10T09:00:00`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def a_glass(
    *rules: str,
    reviews_of_vendors: tuple[str, ...] = (),
    reviews_of_assistants: tuple[str, ...] = (),
    extra_usd: int = 0,
    name: str = "bg_one",
    starts: str = OPENED,
    ends: str = OVER,
    **match: object,
) -> BreakGlass:
    """An exception from rules and lapsed reviews; conditions of its scope by their names."""
    lifts = Lifts(rules, reviews_of_vendors, reviews_of_assistants, extra_usd * NANO_USD_PER_USD)
    scope = MatchDocument.model_validate(match)
    return BreakGlass(name, lifts, scope, moment(starts), moment(ends))


def _some(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(tuple)


some_scope = st.fixed_dictionaries(
    {},
    optional={
        "teams": _some("web", "ops", "payments"),
        "users": _some("ada", "bob"),
        "assistants": _some("claude-code", "claude-code < 2.1.200", "unrecognised"),
        "models": _some("*", "c*", *TARGETS),
    },
)


@st.composite
def some_glasses(draw: st.DrawFn) -> tuple[BreakGlass, ...]:
    """Exceptions from some of the rules of `tests.fakes.some_rules`, one to three at a time."""
    names = [f"r{at}" for at in range(5)]
    return tuple(
        a_glass(
            *draw(st.lists(st.sampled_from(names), unique=True)),
            reviews_of_vendors=draw(st.sampled_from([(), ("house",), ("anthropic", "silent")])),
            reviews_of_assistants=draw(st.sampled_from([(), ("claude-code",)])),
            name=f"bg_{at}",
            starts=draw(st.sampled_from(["2026-07-09T23:59:59", OPENED])),
            ends=draw(st.sampled_from([DURING, OVER])),
            **draw(some_scope),
        )
        for at in range(draw(st.integers(1, 3)))
    )


ANNA = Actor("key", "anna", "key_anna")
BEN = Actor("key", "ben", "key_ben")
SECOND_US = 1_000_000
PROPOSED_US = moment(OPENED) * SECOND_US + 250_000


def a_stored_glass(number: int = 1, *, is_open: bool = True, **changes: Any) -> StoredBreakGlass:
    """An exception of two hours from rule r, open since `OPENED` or still a proposal."""
    glass = StoredBreakGlass(
        id=f"bg_{number:012}",
        reason="the in-house model is down",
        lifts=Lifts(("r",)),
        match=MatchDocument(teams=("web",)),
        for_seconds=7200,
        proposed_unix_us=PROPOSED_US,
        proposed_by=ANNA,
    )
    glass = replace(glass, **changes)
    approver = changes.get("approved_by")
    return glass.opened(glass.proposed_unix_us, approver) if is_open else glass
