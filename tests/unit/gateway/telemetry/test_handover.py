"""The line of secrets: whole on the other side, shown nowhere on the way."""

import pytest

from gateway.telemetry.handover import Secrets

SECRETS = Secrets(b"\x00canary\xff" * 4, {"authorization": "Bearer canary\n"})


def test_what_is_handed_over_arrives_as_it_was():
    assert Secrets.from_line(SECRETS.to_line()) == SECRETS


def test_it_is_one_line_whatever_it_holds():
    line = SECRETS.to_line()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1


def test_its_repr_shows_nothing():
    assert repr(SECRETS) == "Secrets()"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"[]",
        b"7",
        b"{}",
        b'{"pseudonym_key":"zz","headers":{}}',
        b'{"headers":{}}',
        b'{"pseudonym_key":7,"headers":{}}',
        b'{"pseudonym_key":"00"}',
        b"\xff",
    ],
)
def test_another_line_is_refused_with_an_error_that_is_expected(line):
    with pytest.raises((ValueError, TypeError, KeyError)):
        Secrets.from_line(line)
