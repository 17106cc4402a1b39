"""Pseudonyms: stable, unguessable without the key, and no way back."""

import pytest

from gateway.telemetry.pseudonym import derive_pseudonym_key, pseudonyms


def test_one_subject_has_one_pseudonym_under_one_key():
    first, second = pseudonyms(b"k" * 32), pseudonyms(b"k" * 32)
    assert first("ada@example.com") == second("ada@example.com")
    assert len(first("ada@example.com")) == 32


def test_another_key_or_subject_gives_another_pseudonym():
    ada = "ada@example.com"
    given = {pseudonyms(b"k" * 32)(ada), pseudonyms(b"q" * 32)(ada), pseudonyms(b"k" * 32)("bob")}
    assert len(given) == 3


def test_the_key_for_pseudonyms_is_not_the_pepper():
    pepper = b"p" * 32
    assert derive_pseudonym_key(pepper) != pepper
    assert derive_pseudonym_key(pepper) == derive_pseudonym_key(pepper)


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        pseudonyms(b"short")


def test_a_subject_that_is_no_utf8_has_one_too():
    assert len(pseudonyms(b"k" * 32)("\ud800")) == 32
