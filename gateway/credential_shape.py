"""How what we issue looks: a prefix that scanners find, random characters, a checksum for typos."""

import re
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Final

RANDOM_BYTES: Final = 24
RANDOM_CHARACTERS: Final = 33  # enough for 24 bytes in base 62
CHECKSUM_CHARACTERS: Final = 6  # enough for 32 bits in base 62
_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def mint(prefix: str, random_bytes: Callable[[int], bytes]) -> str:
    """A new credential: prefix, 192 random bits, checksum; 39 characters behind the prefix."""
    number = int.from_bytes(random_bytes(RANDOM_BYTES), "big")
    checked = prefix + _base62(number, RANDOM_CHARACTERS)
    return checked + _checksum(checked)


def is_well_formed(prefix: str, credential: str) -> bool:
    """Whether this can be one of these at all. Tells a typo from one that ended."""
    if _shape(prefix).fullmatch(credential) is None:
        return False
    checked = len(prefix) + RANDOM_CHARACTERS
    return _checksum(credential[:checked]) == credential[checked:]


@lru_cache(maxsize=16)
def _shape(prefix: str) -> re.Pattern[str]:
    return re.compile(rf"{prefix}[0-9A-Za-z]{{{RANDOM_CHARACTERS + CHECKSUM_CHARACTERS}}}")


def _checksum(checked: str) -> str:
    return _base62(zlib.crc32(checked.encode()), CHECKSUM_CHARACTERS)


def _base62(number: int, characters: int) -> str:
    digits = [""] * characters
    for position in range(characters - 1, -1, -1):
        number, digit = divmod(number, 62)
        digits[position] = _BASE62[digit]
    return "".join(digits)
