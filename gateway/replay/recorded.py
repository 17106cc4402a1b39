"""An exchange as the ledger remembers it: the facts that policy asks for, and how it ended."""

from collections.abc import Callable
from typing import Final

import msgspec

from policy.types import Circumstances, Identity, Operation, RequestFacts

CAP_CODES: Final = frozenset({"rate_limited", "budget_exceeded", "caps_unavailable"})
"""Denials by a cap that had no room: what other requests used decided, and no policy."""

OWN_RULES: Final = frozenset({"key_scope", "continuation"})
"""Denials that rest on the key, or on an earlier answer, which no configuration changes."""


class RecordedAssistant(msgspec.Struct, frozen=True):
    """The tool that sent the request."""

    name: str = "unrecognised"
    version: str | None = None


class RecordedRequest(msgspec.Struct, frozen=True):
    """What an `admitted` or `denied` record says; what one lacks it does not know.

    Times are UTC microseconds. `rule` and `code` are of a denial; `targets` are those that
    could be tried, `left_out` those that a cap took out of what policy allowed;
    `exceptions` are those (break-glass) without which it had not passed.
    """

    exchange_id: str
    kind: str
    time_unix_us: int
    team: str | None = None
    subject: str | None = None
    roles: tuple[str, ...] = ()
    credential_id: str = ""
    address: str | None = None
    assistant: RecordedAssistant = RecordedAssistant()
    operation: str | None = None
    model: str | None = None
    asked_model: str | None = None
    body_bytes: int = 0
    input_tokens_estimate: int = 0
    tool_names: tuple[str, ...] = ()
    tool_names_omitted: int = 0
    continues: str | None = None
    config_digest: str = ""
    targets: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    rule: str | None = None
    code: str | None = None

    @property
    def was_read(self) -> bool:
        """Whether there is a request that policy was asked about, or would have been."""
        return self.model is not None and self.team is not None and self.operation is not None

    @property
    def unix_seconds(self) -> int:
        """When it was made."""
        return self.time_unix_us // 1_000_000

    @property
    def name(self) -> str:
        """The model by the name the caller used."""
        return self.asked_model or self.model or ""


class RecordedExchange(msgspec.Struct, frozen=True):
    """A request and its end: which target answered, if one did, and what it cost."""

    request: RecordedRequest
    target: str | None = None
    cost_nano_usd: int = 0


class _End(msgspec.Struct, frozen=True):
    target: str | None = None


decode_request: Final[Callable[[str], RecordedRequest]] = msgspec.json.Decoder(
    RecordedRequest
).decode
"""Read the body of a record. Raises `msgspec.MsgspecError`."""

_decode_end = msgspec.json.Decoder(_End).decode


def answered_by(body: str) -> str | None:
    """The target that a `completed` record names. Raises `msgspec.MsgspecError`."""
    return _decode_end(body).target


def identity_of(request: RecordedRequest) -> Identity:
    """Who asked. What the key is limited to is left out: it was held to that then, and is still."""
    return Identity(
        request.subject or "", request.team or "", frozenset(request.roles), request.credential_id
    )


def facts_of(request: RecordedRequest, canonical: Callable[[str], str]) -> RequestFacts:
    """What was asked. `canonical` leads from an alias to its model, by the policy that is asked."""
    model = canonical(request.name)
    return RequestFacts(
        model=model,
        streaming=False,
        operation=Operation(request.operation or "chat"),
        body_bytes=request.body_bytes,
        input_tokens_estimate=request.input_tokens_estimate,
        output_tokens_limit=None,
        answers=1,
        tool_names=request.tool_names,
        read_segments=tuple,
        alias=None if model == request.name else request.name,
    )


def circumstances_of(request: RecordedRequest) -> Circumstances:
    """When, with what and from where, as far as that is on record."""
    assistant = request.assistant
    return Circumstances(request.unix_seconds, assistant.name, assistant.version, request.address)
