"""Which of the client's headers reach a vendor: those its record lists, and no others.

Everything else stays here: keys, cookies, session and device ids, trace context and baggage,
`x-stainless-*`, user agents. Assistants put host names, paths and git remotes there.
"""

from providers.base import Headers, Vendor

VALUE_LIMIT_BYTES = 4096


def outbound_headers(inbound: Headers, vendor: Vendor) -> Headers:
    """The client's headers that this vendor's own protocol needs, in the client's order."""
    allowed = vendor.record.forwarded_headers
    if not allowed:
        return ()
    return tuple(
        (name, value)
        for name, value in inbound
        if name.decode("latin-1") in allowed and len(value) <= VALUE_LIMIT_BYTES
    )
