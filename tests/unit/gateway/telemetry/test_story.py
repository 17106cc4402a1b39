"""The records of one exchange read as a story, in whatever order and state they are found."""

import pytest

from gateway.exchange import Outcome
from gateway.telemetry.model import Record
from gateway.telemetry.story import PROCESS_ENDED, Story, read_story
from tests.fakes.ledger_stories import Stories, chained


def story(bodies: list, **changes: object) -> Story:
    bodies[-1].update(changes)
    told = read_story(chained(bodies))
    assert told is not None
    return told


def test_without_an_end_there_is_no_story_yet():
    assert read_story(chained(Stories().answered()[:-1])) is None
    assert read_story([]) is None


@pytest.mark.parametrize(
    ("outcome", "error"),
    [(Outcome.COMPLETE, None), (Outcome.CUT, "reply_cut"), (Outcome.CLIENT_LEFT, "client_left")],
)
def test_the_outcome_says_what_kept_it_from_ending_well(outcome, error):
    told = story(Stories().answered(outcome))
    assert (told.outcome, told.error) == (outcome.value, error)


def test_a_failure_without_a_code_goes_by_its_outcome():
    bodies = Stories().failed()
    del bodies[-1]["error"]
    assert story(bodies).error == "failed"


def test_an_end_without_an_outcome_has_failed():
    bodies = Stories().answered()
    del bodies[-1]["outcome"]
    assert story(bodies).outcome == "failed"


def test_a_denial_is_an_answer():
    told = story(Stories().denied())
    assert (told.outcome, told.error, told.attempts) == ("denied", None, ())
    assert told.opening is told.end


def test_a_dead_process_is_the_error_of_what_it_left_open():
    told = story(Stories().lost())
    assert (told.outcome, told.error) == ("unknown", PROCESS_ENDED)
    assert told.end_us - told.start_us == 10_000  # not the hour until the next start


def test_attempts_stand_in_their_own_order():
    records = chained(Stories().fell_back())
    told = read_story(records[::-1])
    assert told is not None
    assert [attempt.number("attempt") for attempt in told.attempts] == [1, 2]
    assert told.last_attempt is told.attempts[1]


def test_each_attempt_has_its_own_error():
    told = story(Stories().fell_back())
    assert [told.error_of(attempt) for attempt in told.attempts] == ["busy", None]


def test_an_attempt_without_a_word_goes_by_its_status():
    told = story(Stories().fell_back(), attempts=[{"attempt": 1, "status": 503}])
    assert told.error_of(told.attempts[0]) == "503"


def test_what_ended_the_exchange_ended_its_last_attempt():
    told = story(Stories().fell_back(), attempts=[], outcome="cut", error="shutting_down")
    assert [told.error_of(attempt) for attempt in told.attempts] == [None, "shutting_down"]


def test_it_began_before_its_first_record_when_its_duration_says_so():
    told = story(Stories().answered(), duration_us=500_000)
    assert told.end_us - told.start_us == 500_000


def test_a_duration_longer_than_time_itself_begins_at_the_beginning():
    assert story(Stories().answered(), duration_us=2**53 - 1).start_us == 0


def test_without_its_opening_it_is_told_as_far_as_it_is_known():
    (end,) = chained(Stories().answered())[-1:]
    told = read_story([end])
    assert told is not None
    assert (told.opening, told.attempts, told.end) == (None, (), end)


def test_an_end_alone_that_nobody_saw_ends_when_it_was_written():
    end = Record.read("01LANE", 1, "ab", {"kind": "unknown", "time_unix_us": 77})
    told = read_story([end])
    assert told is not None
    assert (told.start_us, told.end_us) == (77, 77)
