"""A key tells a typo from itself, and what is kept of it gives nothing away."""

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.changes import GATEWAY
from gateway.virtual_key import (
    Hasher,
    KeyIssuer,
    Role,
    is_mistyped,
    is_well_formed,
    mint,
)
from tests.fakes.road import FakeKeys

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECURITY = Path(__file__).parents[3] / "SECURITY.md"
KEY = mint(random.Random(1).randbytes)


def an_issuer(keys: FakeKeys) -> KeyIssuer:
    hasher = Hasher(b"p" * 32)
    return KeyIssuer(keys, hasher, by=GATEWAY, unix_us=lambda: 1_000, random_bytes=os.urandom)


@given(st.binary(min_size=24, max_size=24))
def test_every_key_has_43_characters_and_a_checksum_that_holds(entropy):
    key = mint(lambda _: entropy)
    assert len(key) == 43
    assert key.startswith("gth_")
    assert is_well_formed(key)


def test_the_least_and_the_greatest_key_are_well_formed():
    least, greatest = mint(bytes), mint(lambda count: b"\xff" * count)
    assert least.startswith("gth_" + "0" * 33)
    assert is_well_formed(least)
    assert is_well_formed(greatest)


def slips(key: str) -> Iterator[str]:
    """The key with one character replaced by another of its alphabet, at every place."""
    for at, right in enumerate(key):
        others = (CHARACTERS + "_").replace(right, "")
        yield from (key[:at] + wrong + key[at + 1 :] for wrong in others)


def transpositions(key: str) -> Iterator[str]:
    """The key with two different neighbours exchanged, at every place."""
    for at in range(len(key) - 1):
        if key[at] != key[at + 1]:
            yield key[:at] + key[at + 1] + key[at] + key[at + 2 :]


A_KEY = st.binary(min_size=24, max_size=24).map(lambda entropy: mint(lambda _: entropy))


@given(A_KEY)
def test_every_slip_of_one_character_is_found(key):
    assert not any(map(is_well_formed, slips(key)))


@given(A_KEY)
def test_every_exchange_of_two_neighbours_is_found(key):
    assert not any(map(is_well_formed, transpositions(key)))


@given(A_KEY, st.integers(4, 42), st.sampled_from(CHARACTERS))
def test_a_character_missing_or_too_many_is_a_typo(key, at, more):
    assert is_mistyped(key[:at] + key[at + 1 :])
    assert is_mistyped(key[:at] + more + key[at:])


def test_a_typo_is_told_from_what_never_was_a_key_of_ours():
    assert is_mistyped(KEY[:-1] + "?")
    assert not is_mistyped(KEY)
    assert not is_mistyped("sk-" + KEY)
    assert not is_mistyped("null")


@given(A_KEY, st.sampled_from(["", "\n", '"', "key=", "export GATEHOUSE_KEY="]))
def test_the_pattern_for_secret_scanners_finds_every_key_and_the_key_alone(key, before):
    (pattern,) = re.findall(r"^    (\S*gth_\S*)$", SECURITY.read_text(), re.MULTILINE)
    assert re.findall(pattern, f"{before}{key}\n") == [key]
    assert re.findall(pattern, f"{key}0 x{key} {key[:-1]}") == []


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "null",
        "undefined",
        "gth_",
        KEY[:-1],
        KEY + "0",
        KEY + "\n",
        "GTH_" + KEY[4:],
        "sk-" + KEY,
        KEY.replace(KEY[10], "é"),
        KEY[:20] + " " + KEY[21:],
        KEY[:20] + "\x00" + KEY[21:],
    ],
)
def test_what_is_no_key_is_told_without_a_look_up(credential):
    assert not is_well_formed(credential)


async def test_an_issued_key_is_kept_as_a_digest_only():
    keys = FakeKeys()
    issued = await an_issuer(keys).issue("web", "ann", expires_unix_us=2_000)
    secret = issued.secret.reveal()
    assert is_well_formed(secret)
    kept = (await keys.changes_since(0)).keys
    assert kept == {Hasher(b"p" * 32).digest(secret): issued.stored}
    assert secret not in repr(issued)
    assert secret[:-4] not in repr(kept)


async def test_an_issued_key_says_whose_it_is():
    issued = await an_issuer(FakeKeys()).issue("web", "ann", frozenset({Role.ADMIN}), 2_000)
    stored = issued.stored
    assert (stored.team, stored.subject, stored.roles) == ("web", "ann", frozenset({"admin"}))
    assert (stored.created_unix_us, stored.expires_unix_us) == (1_000, 2_000)
    assert stored.last_four == issued.secret.reveal()[-4:]


async def test_a_key_id_is_short_and_easy_to_type():
    issued = await an_issuer(FakeKeys()).issue("web", "ann")
    prefix, _, tail = issued.stored.id.partition("_")
    assert prefix == "key"
    assert len(tail) == 12
    assert set(tail) <= set("abcdefghijklmnopqrstuvwxyz234567")


@pytest.mark.parametrize("expires", [0, 999, 1_000])
async def test_a_key_that_would_be_born_expired_is_refused(expires):
    with pytest.raises(ValueError, match="expire"):
        await an_issuer(FakeKeys()).issue("web", "ann", expires_unix_us=expires)


def test_another_pepper_gives_another_digest():
    assert Hasher(b"p" * 32).digest(KEY) != Hasher(b"q" * 32).digest(KEY)
