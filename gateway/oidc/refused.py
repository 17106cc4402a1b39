"""Why a token is not taken: a stable word for counts, a sentence for the log, no token."""

from enum import StrEnum


class Cause(StrEnum):
    """The stable words, which metrics and log lines carry."""

    MALFORMED = "malformed"
    TOO_LONG = "too_long"
    UNKNOWN_ISSUER = "unknown_issuer"
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    WRONG_TYPE = "wrong_type"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_PARTY = "wrong_party"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    TOO_OLD = "too_old"
    NO_SUBJECT = "no_subject"
    UNVERIFIED_EMAIL = "unverified_email"
    WRONG_CLAIM = "wrong_claim"
    WRONG_NONCE = "wrong_nonce"
    NO_TEAM = "no_team"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    ENDED = "session_ended"
    UNCHECKED = "unchecked"


class TokenRefused(Exception):
    """A token that is not taken. `subject` is whose it is, where its signature holds."""

    def __init__(self, cause: Cause, reason: str, *, subject: str | None = None) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason
        self.subject = subject


class ProviderAway(Exception):
    """The provider gave no answer that can be used; the message says what went wrong."""


class ProviderUnreachable(ProviderAway):
    """It gave none at all."""
