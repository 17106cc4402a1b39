"""Losses are told by name, in a header that no name can break."""

import pytest

from providers.errors import UnsupportedFeature
from providers.translation.hub import Capabilities, Losses, cache_mark, image_address, unsupported


def test_a_loss_is_noted_once_and_nothing_that_holds_nothing():
    losses = Losses()
    losses.note_unknown({"a": 1, "b": None, "c": 2}, ("c",), at="tools.")
    losses.note("tools.a")
    assert losses.names == ["tools.a"]
    assert losses.header() == b"tools.a"


@pytest.mark.parametrize("name", ["a\r\nx-evil: 1", "ü" * 99, "a,b", "", "\0"])
def test_a_hostile_name_cannot_break_a_header_or_a_message(name):
    losses = Losses()
    losses.note(name)
    assert set(losses.header()) <= set(b"abcdefghijklmnopqrstuvwxyz-0123456789?._")
    assert 0 < len(losses.header()) <= 48
    assert "\n" not in unsupported(name).message


def test_a_header_has_an_end():
    losses = Losses()
    losses.note_unknown({f"field{n}": 1 for n in range(1000)}, ())
    assert losses.header().endswith(b",...")
    assert len(losses.header()) < 2000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "ephemeral"}, {"type": "ephemeral"}),
        ({"type": "ephemeral", "ttl": "1h", "evil": 1}, {"type": "ephemeral", "ttl": "1h"}),
        ({"type": "ephemeral", "ttl": "9h"}, {"type": "ephemeral"}),
        ({"type": "evil"}, None),
        ("ephemeral", None),
    ],
)
def test_a_cache_mark_has_two_members(value, expected):
    assert cache_mark(value) == expected


@pytest.mark.parametrize("address", ["file:///etc/passwd", "/etc/passwd", "gs://b/x", "data:x", 5])
def test_an_image_is_inline_or_at_an_address_the_vendor_fetches(address):
    with pytest.raises(UnsupportedFeature):
        image_address(address, "image", Capabilities(frozenset()))


def test_a_body_of_very_many_unknown_fields_is_told_in_a_few_names() -> None:
    losses = Losses()
    losses.note_unknown({f"x{number}": 1 for number in range(300_000)}, ())
    assert len(losses.names) == 300_000
    assert losses.header().endswith(b",x23,...")
