"""A machine waits until somebody answers, or nobody may any more."""

from dataclasses import replace

import pytest

from gateway.store.stored_sign_in import SignInState
from tests.unit.gateway.store.test_sign_ins import LATE, SIGN_IN


def test_it_is_open_for_its_time():
    assert SIGN_IN.is_open(LATE - 1)
    assert not SIGN_IN.is_open(LATE)


@pytest.mark.parametrize("state", set(SignInState) - {SignInState.WAITING})
def test_it_is_open_until_somebody_answered(state):
    assert not replace(SIGN_IN, state=state).is_open(LATE - 1)
