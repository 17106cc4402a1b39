"""What the gateway itself answers when it cannot serve: one class a cause, phrased by each wire.

Refusals of policy are values (`policy.types.Deny`), not errors; failures of vendors are
`providers.errors`. `code` is the stable word a machine reads; `message` says what was wrong
and what to do, and never holds a key, a prompt or a stack.
"""

from policy.types import Identity


class GatewayError(Exception):
    """A request the gateway ends itself, before any byte of an answer has left."""

    status = 500
    code = "internal_error"
    retry_after_seconds: int | None = None

    def __init__(self, message: str, *, is_recorded: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.is_recorded = is_recorded  # whether the ledger can be asked for the audit id


class MalformedRequest(GatewayError):
    """The body is not what this protocol allows. The message names the field."""

    status = 400
    code = "malformed_request"


class NotAuthenticated(GatewayError):
    """No key, or none we know. One answer for unknown, revoked and expired keys.

    `cause` (missing, malformed, mistyped, unknown, revoked, expired, wrong_kind, or why a token is
    refused), `reason` in words, and `identity`, where it is known whose it is, are for ledger and
    log. Strangers are not recorded. Only a typo, a wrong kind of key and a team that is not the
    caller's are told apart in the answer.
    """

    status = 401
    code = "not_authenticated"

    def __init__(
        self,
        # Claude Code 2.1.329 shows "Please run /login" in place of any 401 that names `x-api-key`.
        message: str = (
            "no valid Gatehouse key: send one as 'Authorization: Bearer <key>'; "
            "ask your platform team for one"
        ),
        *,
        cause: str = "unknown",
        identity: Identity | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message, is_recorded=identity is not None)
        self.cause = cause
        self.identity = identity
        self.reason = reason or f"the key is {cause}"

    @classmethod
    def mistyped(cls) -> "NotAuthenticated":
        """A key whose checksum does not hold, or that lacks a part: it never was one of ours."""
        return cls(
            "this Gatehouse key is mistyped: a character of it is wrong, missing or too many "
            "(its checksum does not hold); copy it whole",
            cause="mistyped",
        )

    @classmethod
    def token(
        cls, cause: str, reason: str, identity: Identity | None, *, is_session: bool = False
    ) -> "NotAuthenticated":
        """A token that is not taken, for whatever reason: the caller is told to get another."""
        how = "get a new one from your identity provider"
        if is_session:
            how = "'gatehouse token' prints the next one, 'gatehouse login' signs you in again"
        return cls(
            f"this token is not taken here, or not any more: {how}; "
            "your platform team can see why it was refused",
            cause=cause,
            identity=identity,
            reason=reason,
        )

    @classmethod
    def of_another_team(
        cls, identity: Identity, team: str, teams: tuple[str, ...]
    ) -> "NotAuthenticated":
        """A caller who asks for a team, by header, that is none of theirs."""
        return cls(
            "x-gatehouse-team names a team that is none of yours; yours: "
            + (", ".join(teams) or "none"),
            cause="wrong_team",
            identity=identity,
            reason=f"it asked for team {team[:64]!a}, which is none of theirs",
        )

    @classmethod
    def revoked_meanwhile(cls) -> "NotAuthenticated":
        """A key that was revoked, or a token's holder blocked, while a request was answered."""
        told = "the key was revoked, or its holder blocked, while this was being answered"
        return cls(told, cause="revoked")

    @classmethod
    def wrong_kind(cls, identity: Identity) -> "NotAuthenticated":
        """A valid key of a role that has no business at this endpoint."""
        return cls(
            "this key has not the role that is needed here: administrators' keys do not reach "
            "models, developers' keys do not administer",
            cause="wrong_kind",
            identity=identity,
        )


class WrongNetwork(GatewayError):
    """Something else than a model was asked for with a key that is limited to other networks."""

    status = 403
    code = "policy_denied"


class RequestTimedOut(GatewayError):
    """The request's body came too slowly."""

    status = 408
    code = "request_timeout"


class RequestTooLarge(GatewayError):
    """The body is over the limit."""

    status = 413
    code = "request_too_large"


class UnsupportedMediaType(GatewayError):
    """The body is not declared as JSON, or comes in an encoding we do not unpack."""

    status = 415
    code = "unsupported_media_type"


class HeadersTooLarge(GatewayError):
    """The header section is over the limit."""

    status = 431
    code = "headers_too_large"


class UpstreamFailed(GatewayError):
    """Every allowed target was tried and none answered."""

    status = 502
    code = "upstream_failed"

    def __init__(
        self,
        message: str,
        *,
        status: int = 502,
        code: str = "upstream_failed",
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after_seconds = retry_after_seconds


class LedgerUnavailable(GatewayError):
    """No ledger row, no request: nothing could be recorded, so nothing is sent."""

    status = 503
    code = "audit_unavailable"


class IdentityUnavailable(GatewayError):
    """Whether a token is good cannot be said now: its provider gives no keys, or too many ask."""

    status = 503
    code = "identity_unavailable"
    retry_after_seconds = 5


class ShuttingDown(GatewayError):
    """This process is draining; another replica, or a retry, will answer."""

    status = 503
    code = "shutting_down"
    retry_after_seconds = 2
