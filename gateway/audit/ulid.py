"""Ids that sort by time: 48 bits of milliseconds and 80 random ones, in Crockford's base32."""

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _CROCKFORD for low in _CROCKFORD)
_LETTERS = _CROCKFORD.encode() * 8
"""Makes a random letter of a random byte: 256 is a multiple of 32."""


def ulid(unix_ms: int, random_bytes: bytes) -> str:
    """26 characters, as the ULID specification has them, of a time and 16 random bytes."""
    pairs = [_PAIRS[(unix_ms >> shift) & 1023] for shift in (40, 30, 20, 10, 0)]
    return "".join(pairs) + random_bytes.translate(_LETTERS).decode()
