"""Addresses are compared as numbers; what is no address is not known."""

import pytest

from policy.networks import is_within, parse_address, spans_of

SPANS = spans_of(["10.0.0.0/8", "fd00::/8", "192.0.2.7"])


@pytest.mark.parametrize("text", ["10.1.2.3", "::ffff:10.1.2.3", "fd12::1%eth0", "192.0.2.7"])
def test_an_address_inside_is_inside_however_it_is_written(text):
    assert is_within(parse_address(text), SPANS)


@pytest.mark.parametrize("text", ["11.0.0.1", "192.0.2.8", "fe80::1", "::a00:1"])
def test_an_address_outside_is_outside(text):
    assert not is_within(parse_address(text), SPANS)


@pytest.mark.parametrize("text", [None, "", "localhost", "10.1", "10.0.0.0/8"])
def test_what_is_no_address_is_not_known(text):
    assert parse_address(text) is None


def test_a_network_of_ipv4_inside_ipv6_holds_the_ipv4_callers():
    caller = parse_address("10.1.2.3")
    assert caller is not None
    assert is_within(caller, spans_of(["::ffff:10.0.0.0/104"]))
    assert not is_within(caller, spans_of(["::ffff:11.0.0.0/104"]))


@pytest.mark.parametrize("network", ["::/0", "::/64", "::fffe:0:0/95", "::ffff:0:0/96"])
def test_what_restricts_a_network_around_ipv4_restricts_the_ipv4_callers(network):
    spans = spans_of(["fd00::/8", network], restricting=True)
    assert is_within(parse_address("10.1.2.3"), spans)
    assert is_within(parse_address("::ffff:255.255.255.255"), spans)


@pytest.mark.parametrize("network", ["::/0", "::/64", "::fffe:0:0/95"])
def test_what_does_not_restrict_speaks_of_ipv6_only(network):
    assert not is_within(parse_address("10.1.2.3"), spans_of([network]))
    assert is_within(parse_address("::1"), spans_of(["::/0"]))


@pytest.mark.parametrize("network", ["fd00::/8", "::ffff:11.0.0.0/104", "0:0:0:0:1::/80"])
def test_a_network_beside_ipv4_restricts_no_ipv4_caller(network):
    assert not is_within(parse_address("10.1.2.3"), spans_of([network], restricting=True))


def test_a_network_of_ipv4_holds_no_ipv6_caller():
    assert not is_within(parse_address("::1"), spans_of(["0.0.0.0/0"], restricting=True))
