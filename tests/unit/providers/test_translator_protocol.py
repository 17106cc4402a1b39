"""Calls, frames and errors survive the way to the translator and back."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Secret
from providers.errors import (
    ProviderBusy,
    ProviderCredentials,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    ReplyCut,
    UnsupportedFeature,
)
from providers.translator_protocol import (
    DATA,
    END,
    Frames,
    pack_call,
    pack_error,
    pack_frame,
    unpack_call,
    unpack_error,
)
from tests.fakes.translation import CHAT, call, target


@pytest.mark.parametrize("kind", ["qwen", "anthropic", "gemini", "in_house:openai_chat"])
def test_a_call_arrives_as_it_was(kind):
    to = target(kind, "http://x")
    to = replace(to, vendor=replace(to.vendor, may_drop_tools=frozenset({"web_search"})))
    sent = call(CHAT, to, streaming=True)
    found = unpack_call(pack_call(sent))
    assert (found.wire, found.body, found.streaming) == (sent.wire, sent.body, True)
    assert found.target.upstream_model == "m-1"
    vendor, expected = found.target.vendor, sent.target.vendor
    assert vendor.api_key == expected.api_key
    assert (vendor.base_url, vendor.wires) == (expected.base_url, expected.wires)
    assert vendor.record.paths == expected.record.paths
    assert vendor.record.auth == expected.record.auth
    assert vendor.record.litellm_prefix == expected.record.litellm_prefix
    assert vendor.record.forwarded_headers == expected.record.forwarded_headers
    assert vendor.may_drop_tools == {"web_search"}
    assert "vendor-key" not in repr(found)
    assert isinstance(vendor.api_key, Secret | None)


@pytest.mark.parametrize("data", [b"", b"\0\0\0\5hello", b"\xff\xff\xff\xff{}", b"\0\0\0\2{}"])
def test_what_is_no_call_is_refused(data):
    with pytest.raises((ValueError, LookupError)):
        unpack_call(data)


@pytest.mark.parametrize(
    "error",
    [
        ProviderCredentials("a", target="t"),
        ProviderUnavailable("b"),
        ProviderTimeout("c"),
        ReplyCut("d"),
        UnsupportedFeature("e: f"),
        ProviderBusy("g", retry_after_seconds=2.5),
        ProviderBusy("h"),
        ProviderRejected(422, (), b'{"error":1}\xff', same_protocol=False, target="t"),
    ],
)
def test_an_error_arrives_as_it_was(error):
    found = unpack_error(pack_error(error))
    assert type(found) is type(error)
    names = ("message", "target", "retry_after_seconds", "status", "body", "same_protocol")
    assert [getattr(found, each, None) for each in names] == [
        getattr(error, each, None) for each in names
    ]


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"kind":"Evil","message":"","target":""}'])
def test_what_is_no_error_is_a_failure_of_the_translator(data):
    assert isinstance(unpack_error(data), ProviderUnavailable)


@given(st.lists(st.binary(max_size=50), max_size=8), st.integers(1, 30))
def test_frames_survive_any_cutting(contents, size):
    data = b"".join(pack_frame(DATA, each) for each in contents) + pack_frame(END)
    frames, found = Frames(), []
    for at in range(0, len(data), size):
        found += frames.feed(data[at : at + size])
    assert found == [*((DATA, each) for each in contents), (END, b"")]
