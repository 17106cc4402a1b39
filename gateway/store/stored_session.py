"""Somebody who signed in, and the tokens of their session, as they are kept."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ID_PREFIX: Final = "ses_"
"""How the ids of sessions begin, in ledger and spans too."""


class End(StrEnum):
    """Why a session ended before its time."""

    SIGNED_OUT = "signed_out"  # by whoever holds it
    PROVIDER = "ended_by_provider"  # the provider knows nothing of it, or of them, any more
    SIGNED_OUT_THERE = "signed_out_at_provider"  # which has said so by itself
    REUSED = "token_reused"  # a refresh token came a second time: somebody stole it
    BLOCKED = "holder_blocked"  # by whoever runs the gateway


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it is kept. Times are UTC microseconds.

    `provider_sub` is the provider's own name for somebody (`sub`), `provider_subject` the one that
    the configuration chose, `subject` that with the provider's prefix; `provider_session` is its
    name for the session. `groups` are those that meant something, `team` the one asked for.
    `provider_secret` is sealed (`gateway.sessions.sealing`).
    """

    id: str
    issuer: str
    provider_sub: str
    provider_subject: str
    subject: str
    groups: tuple[str, ...]
    team: str | None
    machine: str
    created_unix_us: int
    expires_unix_us: int
    checked_unix_us: int
    provider_secret: bytes | None = None
    provider_session: str | None = None
    ended_unix_us: int | None = None
    ended_reason: str | None = None

    def is_open(self, now_unix_us: int) -> bool:
        """Whether it holds at all, as far as is known here."""
        return self.ended_unix_us is None and now_unix_us < self.expires_unix_us


@dataclass(frozen=True, slots=True)
class NewTokens:
    """Digests of tokens that were just made, and until when the access token holds."""

    access: bytes
    refresh: bytes
    access_expires_unix_us: int


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """What a provider names when somebody has signed out there: the person (`sub`), one session of
    theirs by its own name for it (`sid`), or both."""

    sub: str | None
    name: str | None
