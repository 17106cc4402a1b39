"""Name a turn: whose key, which session and what was said, whatever else a request carries."""

import hashlib
import hmac
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.exchange import Assistant
from gateway.wire.base import Reading
from policy.types import Identity

_PURPOSE: Final = b"gatehouse turn id, version 1"
_DIGEST_BYTES: Final = 16  # ids are compared among the turns of one key
_LONG_BYTES: Final = 2048
_SESSIONS: Final = 1024
_NONCE: Final = bytes(12)


class TurnIds:
    """Ids of turns, keyed by the installation's pepper: whoever lacks it cannot try texts on them.

    Two requests have one id when key, session and conversation are the same, byte for byte as the
    client wrote it. Tools, limits, betas and how the answer is to come differ between an
    assistant's tries of one turn, and are no part of it.
    """

    __slots__ = ("_begun", "_seal")

    def __init__(self, pepper: bytes) -> None:
        keys = hmac.digest(pepper, _PURPOSE, "sha512")
        # Of a long text the hash takes AES-GCM's tag: a twentieth of its own time. Nothing is
        # encrypted, and what tags under one nonce would give away never leaves the hash.
        self._seal = AESGCM(keys[:32]).encrypt
        keyed = hashlib.blake2b(key=keys[32:], digest_size=_DIGEST_BYTES)

        @lru_cache(maxsize=_SESSIONS)
        def begun(credential_id: str, session_id: str | None) -> hashlib.blake2b:
            digest = keyed.copy()
            digest.update(f"{credential_id}\0{session_id or ''}\0".encode())
            return digest

        self._begun = begun

    def id_of(self, identity: Identity, assistant: Assistant, reading: Reading) -> str:
        """The turn that this request belongs to, in 32 hexadecimal digits."""
        digest = self._begun(identity.credential_id, assistant.session_id).copy()
        for value in reading.read_conversation():
            if value is None:
                digest.update(b"\0")  # begins no JSON: members cannot pass for one another
            elif len(value) < _LONG_BYTES:
                digest.update(value)
            else:
                digest.update(self._seal(_NONCE, b"", value))
        return digest.hexdigest()
