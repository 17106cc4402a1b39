"""Turn a subject into the pseudonym that stands for it outside the gateway."""

import hmac
from functools import lru_cache

from gateway.telemetry.model import Pseudonym

KEY_BYTES = 32
_PURPOSE = b"gatehouse telemetry pseudonym, version 1"
_REMEMBERED = 8192


def derive_pseudonym_key(pepper: bytes) -> bytes:
    """The key for pseudonyms that follows from the installation's pepper.

    The process that ships telemetry is given this key and never the pepper.
    """
    return hmac.digest(pepper, _PURPOSE, "sha256")


def pseudonyms(key: bytes) -> Pseudonym:
    """Pseudonyms under `key`: 128 bits in hex, the same for the same subject.

    Whoever holds neither key nor pepper cannot tell whose it is, not even by trying names.
    """
    if len(key) < KEY_BYTES:
        raise ValueError(f"a pseudonym key has at least {KEY_BYTES} bytes")

    @lru_cache(maxsize=_REMEMBERED)
    def pseudonym(subject: str) -> str:
        return hmac.digest(key, subject.encode("utf-8", "replace"), "sha256")[:16].hex()

    return pseudonym
