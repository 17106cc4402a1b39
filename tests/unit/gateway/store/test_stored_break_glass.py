"""An exception says how it stands at a moment, and whether it may."""

from dataclasses import replace

import pytest

from gateway.store.stored_break_glass import (
    GLASS_ID_LENGTH,
    PROPOSAL_SECONDS,
    BreakGlassState,
    new_glass_id,
)
from policy.break_glass import BreakGlassTerms
from tests.fakes.break_glass import BEN, PROPOSED_US, SECOND_US, a_stored_glass

WHOLE_US = PROPOSED_US // SECOND_US * SECOND_US
END_US = WHOLE_US + 7200 * SECOND_US
LAPSE_US = PROPOSED_US + PROPOSAL_SECONDS * SECOND_US


@pytest.mark.parametrize(
    ("is_open", "now_us", "state"),
    [
        (True, PROPOSED_US, BreakGlassState.OPEN),
        (True, END_US - 1, BreakGlassState.OPEN),
        (True, END_US, BreakGlassState.ENDED),
        (False, PROPOSED_US, BreakGlassState.PROPOSED),
        (False, LAPSE_US - 1, BreakGlassState.PROPOSED),
        (False, LAPSE_US, BreakGlassState.LAPSED),
    ],
)
def test_how_it_stands_is_a_matter_of_time(is_open, now_us, state):
    assert a_stored_glass(is_open=is_open).state(now_us) is state


@pytest.mark.parametrize("is_open", [True, False])
def test_what_was_closed_stays_closed(is_open):
    closed = replace(a_stored_glass(is_open=is_open), closed_unix_us=PROPOSED_US + 1)
    assert closed.state(END_US + LAPSE_US) is BreakGlassState.CLOSED


@pytest.mark.parametrize(
    ("approved_by", "terms", "may"),
    [
        (None, BreakGlassTerms(), True),
        (None, BreakGlassTerms(7200, 1), True),
        (None, BreakGlassTerms(7199, 1), False),
        (None, BreakGlassTerms(7200, 2), False),
        (BEN, BreakGlassTerms(7200, 2), True),
    ],
)
def test_it_may_be_open_within_the_terms(approved_by, terms, may):
    assert a_stored_glass(approved_by=approved_by).is_within(terms) is may


def test_what_was_decided_before_the_end_may_be_admitted_a_minute_later():
    assert a_stored_glass().admits_until_unix_us == END_US + 60 * SECOND_US
    assert a_stored_glass(is_open=False).admits_until_unix_us == 0


def test_policy_is_told_of_whole_seconds():
    told = a_stored_glass().for_policy()
    assert (told.starts, told.ends) == (WHOLE_US // SECOND_US, END_US // SECOND_US)
    assert told.lifts.rules == ("r",)


@pytest.mark.parametrize(
    ("closed_us", "ends"),
    [
        (WHOLE_US + 60 * SECOND_US, WHOLE_US // SECOND_US + 60),
        (WHOLE_US + 60 * SECOND_US + 1, WHOLE_US // SECOND_US + 61),
        (END_US + 5, END_US // SECOND_US),
    ],
)
def test_one_that_was_closed_held_to_the_end_of_that_second(closed_us, ends):
    assert replace(a_stored_glass(), closed_unix_us=closed_us).for_policy().ends == ends


def test_ids_are_of_one_length():
    drawn = {new_glass_id(lambda count, byte=byte: bytes([byte]) * count) for byte in range(256)}
    assert {len(each) for each in drawn} == {GLASS_ID_LENGTH}
    assert len(drawn) == 256
