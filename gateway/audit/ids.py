"""The ids that records carry, made of a time and random bytes."""

_UUID_KEPT = ~((0xF << 76) | (0x3 << 62))
_UUID_SET = (0x4 << 76) | (0x2 << 62)  # RFC 9562: version 4, variant 10

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _CROCKFORD for low in _CROCKFORD)
_LETTERS = _CROCKFORD.encode() * 8
"""Makes a random letter of a random byte: 256 is a multiple of 32."""


def ulid(unix_ms: int, sixteen_random_bytes: bytes) -> str:
    """26 characters of Crockford base32: 48 bits of milliseconds, 80 random ones.

    Source: the ULID specification.
    """
    pairs = [_PAIRS[(unix_ms >> shift) & 1023] for shift in (40, 30, 20, 10, 0)]
    return "".join(pairs) + sixteen_random_bytes.translate(_LETTERS).decode()


def uuid_hex(sixteen_random_bytes: bytes) -> str:
    """A UUID of version 4 (RFC 9562), in 32 hexadecimal digits."""
    number = int.from_bytes(sixteen_random_bytes, "big") & _UUID_KEPT | _UUID_SET
    return number.to_bytes(16, "big").hex()
