"""What is issued has its prefix, and a checksum by which a typo is told."""

import random

import pytest

from gateway.credential_shape import is_well_formed, mint

MADE = mint("gts_", random.Random(1).randbytes)


def test_it_is_a_prefix_and_39_characters():
    assert MADE.startswith("gts_")
    assert len(MADE) == 43
    assert is_well_formed("gts_", MADE)


def test_each_is_another():
    draw = random.Random(2).randbytes
    assert len({mint("gts_", draw) for _ in range(100)}) == 100


@pytest.mark.parametrize("at", range(4, 43))
def test_any_other_character_is_a_typo(at):
    typo = MADE[:at] + ("a" if MADE[at] != "a" else "b") + MADE[at + 1 :]
    assert not is_well_formed("gts_", typo)


@pytest.mark.parametrize("wrong", ["", "gts_", MADE[:-1], MADE + "a", MADE + "\n", " " + MADE])
def test_what_has_another_length_is_none(wrong):
    assert not is_well_formed("gts_", wrong)


def test_a_prefix_is_not_exchanged_for_another():
    assert not is_well_formed("gtr_", MADE)
    assert not is_well_formed("gtr_", "gtr_" + MADE[4:])
