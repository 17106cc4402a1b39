"""Ids sort by the time at which they were made."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.ulid import ulid

MILLISECONDS = st.integers(0, 2**48 - 1)


def test_an_id_is_its_time_and_its_random_bytes():
    assert ulid(0, bytes(16)) == "0" * 26
    assert ulid(1000, b"\xff" * 16) == "00000000Z8ZZZZZZZZZZZZZZZZ"
    assert ulid(2**48 - 1, bytes(range(16))) == "7ZZZZZZZZZ0123456789ABCDEF"


@given(MILLISECONDS, MILLISECONDS)
def test_a_later_id_sorts_behind_an_earlier_one(one, other):
    early, late = sorted((one, other))
    assert (ulid(early, b"\xff" * 16) < ulid(late, bytes(16))) == (early < late)
