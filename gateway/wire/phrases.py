"""Put the gateway's own words into answers: JSON by an encoder, headers without user text."""

from typing import Final

import msgspec

from gateway.errors import GatewayError
from gateway.wire.base import Answer

FINAL_STATUSES: Final = frozenset((400, 401, 404, 413, 415, 431))
"""Statuses after which asking again is pointless."""

MOST_RETRY_AFTER_SECONDS: Final = 20
"""Some assistants sleep on a longer one without a word."""

_CONTENT_TYPE: Final = (b"content-type", b"application/json")
_FINAL: Final = (b"x-should-retry", b"false")  # understood by Claude Code and Copilot CLI


def answer(
    status: int,
    document: object,
    *,
    retry_after_seconds: int | None = None,
    is_final: bool = False,
) -> Answer:
    """`document` as JSON, with the headers that say whether, and when, to ask again."""
    headers = [_CONTENT_TYPE]
    if retry_after_seconds is not None:
        seconds = min(max(retry_after_seconds, 1), MOST_RETRY_AFTER_SECONDS)
        headers.append((b"retry-after", b"%d" % seconds))
    elif is_final:
        headers.append(_FINAL)
    return Answer(status, tuple(headers), msgspec.json.encode(document))


def message_of(error: GatewayError, audit_id: str) -> str:
    """The error's message, with the audit id where the ledger can be asked for it."""
    return with_audit_id(error.message, audit_id) if error.is_recorded else error.message


def with_audit_id(message: str, audit_id: str) -> str:
    """The message with the id to quote: assistants show nothing but the message."""
    return f"{message} (audit id {audit_id})"
