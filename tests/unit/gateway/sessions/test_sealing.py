"""What a provider gave is kept so that neither the database nor another session opens it."""

import random
from collections.abc import Callable

import pytest

from gateway.sessions.sealing import ProviderSecret, Sealer

SEALER = Sealer(b"p" * 32, random.Random(1).randbytes)
SECRET = ProviderSecret("rt-canary", "at-canary", 1_795_000_000, asks_userinfo=True)


def test_what_was_sealed_is_opened_for_the_same_session():
    sealed = SEALER.seal("ses_a", SECRET)
    assert SEALER.unseal("ses_a", sealed) == SECRET
    assert b"canary" not in sealed


def test_nothing_is_sealed_twice_alike():
    assert SEALER.seal("ses_a", SECRET) != SEALER.seal("ses_a", SECRET)


@pytest.mark.parametrize(
    "change", [lambda sealed: sealed[:-1], lambda sealed: sealed + b"x", lambda _: b""]
)
def test_what_was_changed_is_not_opened(change: Callable[[bytes], bytes]) -> None:
    assert SEALER.unseal("ses_a", change(SEALER.seal("ses_a", SECRET))) is None


def test_another_session_or_pepper_does_not_open_it():
    sealed = SEALER.seal("ses_a", SECRET)
    assert SEALER.unseal("ses_b", sealed) is None
    assert Sealer(b"q" * 32).unseal("ses_a", sealed) is None
    assert SEALER.unseal("ses_a", None) is None


def test_it_prints_as_nothing_anybody_could_use():
    assert "canary" not in repr(SECRET)


def test_what_follows_from_the_pepper_differs_by_purpose_and_text():
    derived = {
        SEALER.derived(b"a", "x"),
        SEALER.derived(b"b", "x"),
        SEALER.derived(b"a", "y"),
        Sealer(b"q" * 32).derived(b"a", "x"),
    }
    assert len(derived) == 4
    assert SEALER.derived(b"a", "x") in derived
