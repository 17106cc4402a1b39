"""What a provider gave us to ask it again is kept sealed: the database alone does not open it."""

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_PURPOSE: Final = b"gatehouse session secrets, version 1"
_NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class ProviderSecret:
    """A provider's refresh token, or, where it gave none, its access token and until when (UTC
    seconds) that holds. `asks_userinfo`: groups are told there, not in its tokens."""

    refresh_token: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    until_unix_seconds: int = 0
    asks_userinfo: bool = False


class Sealer:
    """AES-256-GCM under a key that follows from the pepper; each session's own, by its id."""

    def __init__(self, pepper: bytes, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._key = hmac.digest(pepper, _PURPOSE, "sha256")
        self._cipher = AESGCM(self._key)
        self._random_bytes = random_bytes

    def derived(self, purpose: bytes, text: str) -> bytes:
        """What nobody without the pepper can make of this text, for one purpose."""
        return hmac.digest(self._key, purpose + b"\0" + text.encode(), "sha256")

    def seal(self, session_id: str, secret: ProviderSecret) -> bytes:
        """As it is kept."""
        nonce = self._random_bytes(_NONCE_BYTES)
        plain = orjson.dumps(
            {
                "refresh_token": secret.refresh_token,
                "access_token": secret.access_token,
                "until": secret.until_unix_seconds,
                "asks_userinfo": secret.asks_userinfo,
            }
        )
        return nonce + self._cipher.encrypt(nonce, plain, session_id.encode())

    def unseal(self, session_id: str, sealed: bytes | None) -> ProviderSecret | None:
        """What was sealed for this session; None for anything else, also under another pepper."""
        if sealed is None or len(sealed) <= _NONCE_BYTES:
            return None
        nonce, cipher = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            kept = orjson.loads(self._cipher.decrypt(nonce, cipher, session_id.encode()))
        except InvalidTag:
            return None
        return ProviderSecret(
            kept["refresh_token"], kept["access_token"], kept["until"], kept["asks_userinfo"]
        )
