"""Tries are counted by address and altogether, a minute at a time, in bounded memory."""

from gateway.oauth import limits
from gateway.oauth.limits import Limits


class Clock:
    now = 0.0

    def seconds(self) -> float:
        return self.now


def test_each_address_and_all_together_have_so_many_a_minute() -> None:
    clock = Clock()
    counted = Limits(clock.seconds)
    assert [counted.allows("code", "a", 2, 3) for _ in range(3)] == [True, True, False]
    assert [counted.allows("code", "b", 2, 3) for _ in range(2)] == [True, False]
    assert counted.allows("token", None, 1, 1)
    clock.now = 60.0
    assert counted.allows("code", "a", 2, 3)


def test_memory_is_bounded() -> None:
    counted = Limits(Clock().seconds)
    for number in range(limits.MOST_ADDRESSES + 10):
        counted.allows("code", str(number), 10, 10**9)
    assert len(counted._of_address) <= limits.MOST_ADDRESSES


def test_many_addresses_together_do_not_get_past_the_limit_of_all() -> None:
    counted = Limits(Clock().seconds)
    tries = limits.MOST_ADDRESSES + 10
    allowed = [counted.allows("code", str(number), 10, tries - 1) for number in range(tries)]
    assert allowed.count(True) == tries - 1
    assert not counted.allows("code", "another", 10, tries - 1)
