"""Whether a caller's address is in one of some networks: integers, compared."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

Address = tuple[int, int]
"""IP version and number; an IPv4 address inside IPv6 is the IPv4 address."""
Span = tuple[int, int, int]
"""IP version, first and last number of a network."""

_IPV4_INSIDE = ipaddress.IPv6Network("::ffff:0:0/96")
_ALL_IPV4: Span = (4, 0, 2**32 - 1)


@lru_cache(maxsize=4096)
def parse_address(text: str | None) -> Address | None:
    """An address; None for one that is not known or is none."""
    if text is None:
        return None
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if address.version == 6 and address.ipv4_mapped is not None:
        return 4, int(address.ipv4_mapped)
    return address.version, int(address)


def spans_of(networks: Sequence[str], *, restricting: bool = False) -> tuple[Span, ...]:
    """The networks, ready to be compared with.

    Whether `::/0` means IPv4 callers too, whose addresses are inside IPv6, only its author knows:
    what restricts holds for them, and nothing else does.
    """
    parsed = [ipaddress.ip_network(each) for each in networks]
    spans = tuple(map(_span, parsed))
    return (*spans, _ALL_IPV4) if restricting and any(map(_holds_ipv4, parsed)) else spans


def _holds_ipv4(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    """Whether IPv4 inside IPv6 is in it, and more."""
    return isinstance(network, ipaddress.IPv6Network) and _IPV4_INSIDE.subnet_of(network)


def _span(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Span:
    first, last = network.network_address, network.broadcast_address
    if isinstance(first, ipaddress.IPv6Address) and isinstance(last, ipaddress.IPv6Address):
        inner = first.ipv4_mapped, last.ipv4_mapped
        if inner[0] is not None and inner[1] is not None:  # as callers' addresses are read
            return 4, int(inner[0]), int(inner[1])
    return network.version, int(first), int(last)


def is_within(address: Address, spans: Sequence[Span]) -> bool:
    """Whether one of the networks holds the address."""
    version, number = address
    return any(of == version and first <= number <= last for of, first, last in spans)
