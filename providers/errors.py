"""What can go wrong at a model's door, and whether another target should be tried.

ProviderError
 |- ProviderRejected      the vendor refused this request (its 4xx): the client's to mend, final
 |- ProviderCredentials   the vendor refused OUR key (401, 403): another target may do better
 |- ProviderBusy          429 or 529: another target may do better
 |- ProviderUnavailable   no connection, 5xx, an answer that is none (HTML, empty)
 |- ProviderTimeout       silence: before the first byte or in the middle
 |- ReplyCut              the reply broke off in the middle
 |- UnsupportedFeature    translation would lose what this request relies on: another target may do
"""

from providers.base import Headers


class ProviderError(Exception):
    """Anything that kept a target from answering. `try_next`: may another target be tried?

    `status` is the HTTP status the target answered with, None where it gave none. `told` is what
    the target itself said: for its caller, never for a log, since it may repeat the prompt.
    """

    try_next = True
    status: int | None = None
    told: str = ""

    def __init__(self, message: str, *, target: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.target = target


class ProviderRejected(ProviderError):
    """The vendor's own 4xx about this request. `body` is its answer, in `wire`'s form or not."""

    try_next = False
    status: int

    def __init__(
        self, status: int, headers: Headers, body: bytes, *, same_protocol: bool, target: str = ""
    ) -> None:
        super().__init__(f"the model's server answered {status}", target=target)
        self.status = status
        self.headers = headers
        self.body = body
        self.same_protocol = same_protocol


class ProviderCredentials(ProviderError):
    """The vendor does not accept the gateway's key. Never the caller's fault."""


class ProviderBusy(ProviderError):
    """The vendor is at a limit. `retry_after_seconds` is what it asked for, if it did."""

    def __init__(
        self, message: str, *, retry_after_seconds: float | None = None, target: str = ""
    ) -> None:
        super().__init__(message, target=target)
        self.retry_after_seconds = retry_after_seconds


class ProviderUnavailable(ProviderError):
    """Nobody there, or nobody who speaks the protocol."""


class ProviderTimeout(ProviderError):
    """Somebody there, but silent for too long."""


class ReplyCut(ProviderError):
    """The reply ended before its proper end."""


class UnsupportedFeature(ProviderError):
    """This target cannot be asked this without losing something the request relies on."""
