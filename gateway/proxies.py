"""Tell where a request came from, behind proxies that the configuration trusts to say so."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from policy.networks import Span, is_within, parse_address, spans_of
from providers.base import Headers

HEADER: Final = b"x-forwarded-for"
MOST_HOPS: Final = 32
"""Nobody stands behind more proxies, besides the one that connects."""

_HOP: Final = re.compile(
    rb"[ \t]*(?:\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?"
    rb"|([0-9.]{7,15})(?::[0-9]{1,5})?"
    rb"|([0-9A-Fa-f:.]{2,45}))[ \t]*"
)


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The networks whose word counts on where a request came from."""

    spans: tuple[Span, ...]

    @classmethod
    def of(cls, networks: Sequence[str]) -> Self | None:
        """Those networks, in CIDR form; None where there are none, and nothing is to be asked."""
        return cls(spans_of(networks)) if networks else None

    def trusts(self, address: str | None) -> bool:
        """Whether this address is a trusted proxy's."""
        known = parse_address(address)
        return known is not None and is_within(known, self.spans)

    def caller(self, peer: str | None, headers: Headers) -> str | None:
        """The address of who asks: the connection's other end, or whom trusted proxies name.

        Each proxy adds to the right whom it heard, so from the right the first address that is no
        trusted proxy's is the caller's: what stands to the left of it is only the caller's word.
        None, as for an address that is not known, where an entry on the way is no address.
        """
        if not self.trusts(peer):
            return peer
        lines = [value for name, value in headers if name == HEADER]
        here = peer
        for entry in reversed(b",".join(lines).rsplit(b",", MOST_HOPS)) if lines else ():
            here = _address(entry)
            if not self.trusts(here):
                break
        return here


@lru_cache(maxsize=4096)
def _address(entry: bytes) -> str | None:
    """The address in an entry, perhaps with a port; None where there is none, or something else.

    What is left over of a list that is too long is something else, too.
    """
    match = _HOP.fullmatch(entry)
    if match is None:
        return None
    written = (match[1] or match[2] or match[3]).decode()
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return None
    inside = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(inside or address)
