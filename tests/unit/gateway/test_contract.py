"""The page on what is forwarded and what is consumed: written from the code that does it."""

import re

import pytest

from gateway.contract import contract_page
from gateway.egress.headers import outbound_headers
from gateway.wire import families, wires
from providers.base import Via
from providers.vendors import VENDORS
from tests.fakes.ledger_stories import a_target

WIRES, FAMILIES = wires(lambda _, size: size), families(lambda _, size: size)
PAGE = contract_page("1.2", WIRES, FAMILIES, VENDORS)


def test_every_endpoint_stands_in_it_once():
    paths = [wire.path for wire in WIRES]
    paths += [path for family in FAMILIES for path in family.summaries]
    assert re.findall(r"\| `POST ([^`]+)`", PAGE) == paths


@pytest.mark.parametrize(
    ("path", "silence"),
    [
        ("/v1/chat/completions", "an SSE comment"),
        ("/v1/messages", "a `ping` event"),
        ("/v1/messages/count_tokens", "nothing"),
        ("/v1beta/models/{model}:streamGenerateContent", "nothing"),
    ],
)
def test_it_says_what_a_silent_answer_sends(path, silence):
    (row,) = [line for line in PAGE.splitlines() if f"`POST {path}`" in line]
    assert row.endswith(f"| {silence} |")


def test_the_headers_it_calls_forwarded_are_those_that_are():
    said = set(re.findall(r"^\| `([a-z-]+)` \| forwarded", PAGE, re.M))
    names = {
        name for vendor in VENDORS if vendor.via is Via.DIRECT for name in vendor.forwarded_headers
    }
    assert said == names == {"anthropic-beta", "anthropic-version"}
    sent = tuple((name.encode(), b"x") for name in (*names, "x-session-id", "authorization"))
    vendor = a_target("claude", "opus").vendor
    assert outbound_headers(sent, vendor) == ()
