"""A rate holds over every stretch of time, also when estimates are corrected late."""

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.caps.leaky_bucket import NANOSECONDS_PER_MINUTE as MINUTE
from gateway.caps.leaky_bucket import LeakyBucket

SECOND = 1_000_000_000


def test_a_whole_minutes_amount_fits_at_once_and_not_one_more():
    bucket = LeakyBucket()
    bucket.put(7)
    assert bucket.left(7) == 0
    assert bucket.wait_ns(7, 1) == -(-MINUTE // 7)


def test_room_comes_back_evenly():
    bucket = LeakyBucket()
    bucket.put(60)
    bucket.drain(60, 10 * SECOND)
    assert bucket.left(60) == 10
    assert bucket.wait_ns(60, 11) == SECOND
    assert bucket.wait_ns(60, 10) == 0


def test_after_the_wait_it_fits_exactly():
    bucket = LeakyBucket()
    bucket.put(7)
    wait = bucket.wait_ns(7, 3)
    bucket.drain(7, wait - 1)
    almost = bucket.wait_ns(7, 3)
    bucket.drain(7, wait)
    assert (almost, bucket.wait_ns(7, 3)) == (1, 0)


def test_a_higher_limit_counts_what_was_used_under_the_lower_one():
    bucket = LeakyBucket()
    bucket.put(10)
    assert bucket.left(15) == 5


def test_less_than_expected_is_given_back():
    bucket = LeakyBucket()
    mark = bucket.put(100)
    bucket.correct(100, 30, mark)
    assert bucket.left(100) == 70


def test_more_than_expected_is_taken_even_beyond_the_limit():
    bucket = LeakyBucket()
    mark = bucket.put(100)
    bucket.correct(100, 160, mark)
    assert bucket.left(100) == 0
    assert bucket.wait_ns(100, 1) == MINUTE * 61 // 100


def test_what_has_drained_is_not_given_back_again():
    bucket = LeakyBucket()
    mark = bucket.put(100)
    bucket.drain(100, MINUTE)
    bucket.put(100)
    bucket.correct(100, 0, mark)
    assert bucket.left(100) == 0


def test_a_clock_that_stands_still_or_steps_back_drains_nothing():
    bucket = LeakyBucket()
    bucket.drain(10, 5 * SECOND)
    bucket.put(10)
    bucket.drain(10, 5 * SECOND)
    bucket.drain(10, SECOND)
    assert bucket.left(10) == 0


steps = st.lists(
    st.tuples(
        st.integers(0, 90 * SECOND),  # time passes
        st.integers(1, 120),  # units asked for
        st.integers(0, 120),  # what they turn out to be, at most as many
        st.integers(0, 4),  # how many requests later that is known
    ),
    max_size=30,
)


@given(steps)
@example([(0, 100, 0, 2), (MINUTE, 100, 100, 4), (0, 100, 100, 4)])
def test_over_any_stretch_no_more_is_used_than_a_burst_and_the_rate(steps):
    """What was admitted and not given back, between any two moments, stays within the rate."""
    limit, now, bucket = 100, 0, LeakyBucket()
    running: list[tuple[int, int, int, int, int]] = []  # due, admitted at, held, actual, mark
    used: list[list[int]] = []  # admitted at, units
    for at, (passed, units, actual, delay) in enumerate(steps):
        now += passed
        bucket.drain(limit, now)
        for each in [each for each in running if each[0] <= at]:
            running.remove(each)
            _, index, held, final, mark = each
            bucket.correct(held, final, mark)
            used[index][1] = final
        if bucket.wait_ns(limit, units) == 0:
            mark = bucket.put(units)
            used.append([now, units])
            running.append((at + delay, len(used) - 1, units, min(actual, units), mark))
    starts = sorted({moment for moment, _ in used})
    for first in starts:
        for last in (each for each in starts if each >= first):
            total = sum(units for moment, units in used if first <= moment <= last)
            assert total * MINUTE <= limit * MINUTE + limit * (last - first)
