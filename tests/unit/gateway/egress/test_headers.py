"""What assistants put into headers stays here, whatever vendor the request goes to."""

import pytest

from gateway.egress.headers import VALUE_LIMIT_BYTES, outbound_headers
from providers.base import Headers, Vendor, VendorRecord
from providers.vendors import ANTHROPIC, IN_HOUSE, VENDORS

CANARY = b"canary-3fa1"

STAINLESS = (
    "x-stainless-lang x-stainless-os x-stainless-arch x-stainless-runtime x-stainless-timeout "
    "x-stainless-runtime-version x-stainless-package-version x-stainless-retry-count"
)
# The headers each assistant was seen to send, beside those that the protocols themselves need.
ASSISTANTS = {
    "claude-code": f"user-agent x-app x-claude-code-session-id x-claude-code-agent-id "
    f"x-claude-code-parent-agent-id anthropic-dangerous-direct-browser-access {STAINLESS}",
    "codex": "user-agent originator session-id thread-id x-client-request-id x-codex-window-id "
    "x-codex-beta-features x-codex-turn-metadata traceparent tracestate",
    "gemini-cli": "user-agent x-goog-api-client x-gemini-api-privileged-user-id",
    "qwen-code": f"user-agent {STAINLESS}",
    "opencode": "user-agent x-session-id x-session-affinity",
    "copilot": "user-agent x-initiator x-interaction-type x-interaction-id x-client-session-id",
    "kimi-code": "user-agent x-msh-device-name x-msh-device-model x-msh-os-version x-msh-device-id "
    "x-msh-platform",
    "editors": "user-agent x-title http-referer origin referer x-team",
    "a browser": "cookie sec-fetch-site accept-language sec-ch-ua-platform",
    "a proxy": "forwarded x-forwarded-for x-forwarded-host x-real-ip via proxy-connection "
    "proxy-authorization host connection te transfer-encoding content-length",
    "a tracer": "traceparent tracestate baggage b3 x-b3-traceid",
    "any key": "authorization x-api-key x-goog-api-key api-key",
}


def vendor_of(record: VendorRecord) -> Vendor:
    return Vendor("v", record, "http://x", None, frozenset(), record.via)


def sent_by(assistant: str) -> Headers:
    return tuple((name.encode(), CANARY) for name in ASSISTANTS[assistant].split())


@pytest.mark.parametrize("record", VENDORS, ids=lambda record: record.kind)
@pytest.mark.parametrize("assistant", ASSISTANTS)
def test_nothing_an_assistant_says_of_itself_reaches_a_vendor(assistant, record):
    headers = (*sent_by(assistant), (b"anthropic-version", b"2023-06-01"))
    left = outbound_headers(headers, vendor_of(record))
    assert CANARY not in b"".join(value for _, value in left)


@pytest.mark.parametrize("record", [ANTHROPIC, IN_HOUSE], ids=lambda record: record.kind)
def test_what_the_protocol_needs_passes_unchanged_and_in_order(record):
    needed = (
        (b"anthropic-beta", b"context-management-2025-06-27,effort-2025-11-24"),
        (b"anthropic-version", b"2023-06-01"),
        (b"anthropic-beta", b"interleaved-thinking-2025-05-14"),
    )
    headers = (needed[0], (b"x-app", CANARY), *needed[1:])
    assert outbound_headers(headers, vendor_of(record)) == needed


@pytest.mark.parametrize(
    "record",
    [each for each in VENDORS if each not in (ANTHROPIC, IN_HOUSE)],
    ids=lambda record: record.kind,
)
def test_a_vendor_of_another_protocol_gets_no_header_at_all(record):
    assert outbound_headers(((b"anthropic-beta", b"effort"),), vendor_of(record)) == ()


@pytest.mark.parametrize(("size", "passes"), [(VALUE_LIMIT_BYTES, 1), (VALUE_LIMIT_BYTES + 1, 0)])
def test_a_value_longer_than_any_protocol_needs_stays_here(size, passes):
    headers = ((b"anthropic-beta", b"x" * size),)
    assert len(outbound_headers(headers, vendor_of(ANTHROPIC))) == passes


@pytest.mark.parametrize(
    "name", [b"anthropic-betas", b"x-anthropic-beta", b"anthropic_beta", b"anthropic-beta\xa0"]
)
def test_only_the_very_name_passes(name):
    assert outbound_headers(((name, CANARY),), vendor_of(ANTHROPIC)) == ()
