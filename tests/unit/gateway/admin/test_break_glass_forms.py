"""What is asked for is read once, and what is told can be read back."""

from dataclasses import replace

import pytest

from gateway.admin.break_glass_forms import GlassGiven, LiftsGiven, ScopeGiven, glass_told
from gateway.admin.problems import Problem
from gateway.store.changes import Actor
from gateway.store.stored_break_glass import StoredBreakGlass
from policy.break_glass import Lifts
from policy.rulebook.document import MatchDocument

GIVEN = GlassGiven(
    reason="why",
    for_seconds=60,
    lifts=LiftsGiven(rules=("b", "a", "b"), extra_nano_usd=5),
    scope=ScopeGiven(users=("ann",), models=("cod*",)),
)


def test_names_count_once_in_their_order() -> None:
    wanted = GIVEN.wanted()
    assert wanted.lifts == Lifts(("b", "a"), extra_nano_usd=5)
    assert wanted.match == MatchDocument(users=("ann",), models=("cod*",))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"lifts": LiftsGiven()}, "body.lifts"),
        ({"scope": ScopeGiven(models=("a b",))}, "body.scope.models"),
    ],
)
def test_what_makes_no_sense_is_a_problem(change: dict[str, object], where: str) -> None:
    with pytest.raises(Problem) as refused:
        GIVEN.model_copy(update=change).wanted()
    assert (refused.value.status, refused.value.errors[0].where) == (422, where)


def test_an_exception_is_told_as_it_stands() -> None:
    wanted = GIVEN.wanted()
    by = Actor("token", "ann", "jti")
    glass = StoredBreakGlass("bg_a", "why", wanted.lifts, wanted.match, 60, 0, by)
    told = glass_told(glass, 1)
    assert (told.state, told.opened, told.approved_by) == ("proposed", None, None)
    assert (told.proposed_by.kind, told.proposed_by.credential_id) == ("token", "jti")
    closed = glass_told(replace(glass.opened(0, by), closed_unix_us=5, closed_by=by), 9)
    assert (closed.state, closed.until_unix_us, closed.closed_unix_us) == ("closed", 60_000_000, 5)
