"""Proxies are believed as far as they are trusted; what a caller adds itself moves nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxies import HEADER, MOST_HOPS, TrustedProxies

INGRESS, INNER, CALLER = "10.0.0.7", "10.0.1.9", "203.0.113.5"


def trusting(*networks: str) -> TrustedProxies:
    made = TrustedProxies.of(networks)
    assert made is not None
    return made


PROXIES = trusting("10.0.0.0/16", "fd00::/8")


def caller(*lines: str | bytes, peer: str | None = INGRESS) -> str | None:
    """Who asks, of a request with these lines of the header."""
    raw = [each if isinstance(each, bytes) else each.encode() for each in lines]
    headers = ((b"host", b"gate"), *((HEADER, each) for each in raw))
    return PROXIES.caller(peer, headers)


def test_without_networks_nobody_is_trusted_and_nothing_is_looked_at():
    assert TrustedProxies.of(()) is None


@pytest.mark.parametrize("peer", [CALLER, "11.0.0.7", "::1", "not an address", None])
def test_who_is_no_trusted_proxy_speaks_for_itself_only(peer):
    assert caller("198.51.100.1", peer=peer) == peer


def test_a_proxy_that_names_nobody_asks_for_itself():
    assert caller() == INGRESS


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        ([CALLER], CALLER),
        ([f"198.51.100.1, {CALLER}"], CALLER),
        ([f"{CALLER}, {INNER}"], CALLER),
        ([f"198.51.100.1,{CALLER} ,\t{INNER} "], CALLER),
        (["198.51.100.1", f"{CALLER}", INNER], CALLER),
        ([f"198.51.100.1, {CALLER}", f"{INNER}, {INNER}"], CALLER),
        (["10.0.9.1, 10.0.9.2"], "10.0.9.1"),
        (["fd00::1", "fd12::2"], "fd00::1"),
        ([f"{CALLER}, ::ffff:10.0.1.9"], CALLER),
        ([f"::ffff:{CALLER}"], CALLER),
        ([f"{CALLER}:51234"], CALLER),
        (["[2001:db8::7]:443"], "2001:db8::7"),
        (["[2001:db8::7]"], "2001:db8::7"),
        (["2001:DB8:0::7"], "2001:db8::7"),
    ],
)
def test_the_caller_is_the_last_address_that_is_no_trusted_proxys(lines, address):
    assert caller(*lines) == address


@pytest.mark.parametrize("peer", ["10.0.0.7", "::ffff:10.0.0.7", "fd00::1", "fd00::1%eth0"])
def test_a_trusted_proxy_is_known_however_its_address_is_written(peer):
    assert caller(CALLER, peer=peer) == CALLER


@pytest.mark.parametrize(
    "entry",
    [
        "", " ", "unknown", "unix:", "_hidden", "localhost", "203.0.113", "203.0.113.5.6",
        "203.0.113.256", "0203.0.113.5", "203.0.113.5/32", "203.0.113.5:", "203.0.113.5:123456",
        "203.0.113.5:http", '"203.0.113.5"', "[203.0.113.5", "2001:db8::7]:443", "[::1]443",
        "2001:db8:::7", "fe80::1%eth0", "::1%25eth0", "for=203.0.113.5", "203.0.113.5 10.0.0.7",
        "203.0.113.5;10.0.0.7", "1" * 5000, "203.0.113.5\x00", "203.0.113.5\x0b",
        "\u0661.2.3.4", b"203.0.113.5\xff", "0x7f.0.0.1", "2130706433", "10.0.1.9\n",
    ],
)  # fmt: skip
def test_an_entry_that_is_no_address_leaves_the_caller_unknown(entry):
    assert caller(entry) is None
    raw = entry if isinstance(entry, bytes) else entry.encode()
    assert caller(CALLER.encode() + b"," + raw) is None
    assert caller(CALLER.encode() + b"," + raw + b", 10.0.1.9") is None


@pytest.mark.parametrize("entry", ["unknown", "", "10.0.0.1:x"])
def test_what_stands_before_the_caller_is_not_even_read(entry):
    assert caller(f"{entry}, {CALLER}") == CALLER


def test_nobody_stands_behind_more_proxies_than_are_looked_at():
    assert caller(", ".join([CALLER] + [INNER] * MOST_HOPS)) == CALLER
    assert caller(", ".join([CALLER] + [INNER] * (MOST_HOPS + 1))) is None
    assert caller(", ".join([INNER] * 10_000)) is None


@given(st.lists(st.binary(max_size=60), max_size=5), st.booleans())
def test_nothing_that_a_caller_sends_moves_it_elsewhere(sent, in_one_line):
    """Its own lines come first; the proxy adds to the last, or a line of its own."""
    if in_one_line and sent:
        lines = [*sent[:-1], sent[-1] + b", " + CALLER.encode()]
    else:
        lines = [*sent, CALLER.encode()]
    assert caller(*lines) == CALLER


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_whatever_a_stranger_sends_it_stays_where_it_is(sent):
    assert caller(*sent, peer=CALLER) == CALLER


def test_other_headers_say_nothing():
    for name in (b"forwarded", b"x-real-ip", b"x-forwarded", b"x_forwarded_for"):
        assert PROXIES.caller(INGRESS, ((name, CALLER.encode()),)) == INGRESS


def test_a_network_around_ipv4_trusts_no_ipv4_address():
    assert not trusting("::/0").trusts(INGRESS)
    assert trusting("0.0.0.0/0").trusts(CALLER)
    assert not trusting("0.0.0.0/0").trusts(None)
