"""Which of the client's headers reach a vendor: those its record lists, and no others.

Everything else stays here: keys, cookies, session and device ids, trace context and baggage,
`x-stainless-*`, user agents. Assistants put host names, paths and git remotes there.
"""

from functools import lru_cache

from providers.base import Headers, Vendor

VALUE_LIMIT_BYTES = 4096


def outbound_headers(inbound: Headers, vendor: Vendor) -> Headers:
    """The client's headers that this vendor's own protocol needs, in the client's order."""
    allowed = _as_sent(vendor.record.forwarded_headers)
    return tuple(
        [each for each in inbound if each[0] in allowed and len(each[1]) <= VALUE_LIMIT_BYTES]
    )


@lru_cache
def _as_sent(names: frozenset[str]) -> frozenset[bytes]:
    return frozenset([name.encode("latin-1") for name in names])
