"""Every replica of an installation has one pepper; one that has another is refused."""

import asyncio

import pytest

from gateway.store.installation import hold_to_pepper
from gateway.store.schema import StoreError

ONE, OTHER = b"1" * 32, b"2" * 32


async def test_the_first_pepper_holds_for_good(database, opening):
    await hold_to_pepper(database, ONE)
    later = await opening()
    await hold_to_pepper(later, ONE)
    await later.close()


async def test_another_pepper_is_refused_with_what_to_do(database):
    await hold_to_pepper(database, ONE)
    with pytest.raises(StoreError, match=r"another pepper .*GATEHOUSE_PEPPER_FILE") as refused:
        await hold_to_pepper(database, OTHER)
    assert database.shown in str(refused.value)


async def test_of_two_that_start_at_once_with_two_peppers_one_is_refused(database, opening):
    others = [await opening() for _ in range(3)]
    checks = [ONE, OTHER, ONE, OTHER]
    tries = [hold_to_pepper(*each) for each in zip([database, *others], checks, strict=True)]
    outcomes = [type(each) for each in await asyncio.gather(*tries, return_exceptions=True)]
    assert sorted(map(str, outcomes)) == sorted(map(str, [type(None)] * 2 + [StoreError] * 2))
    for each in others:
        await each.close()
