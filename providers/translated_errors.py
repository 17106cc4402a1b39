"""What a failed translated call means: told by the vendor's own answer, not LiteLLM's classes.

LiteLLM files a 403 as a plain error, a 413 at one vendor as a 400, loses `retry-after` and puts
tracebacks and bodies into messages. The watch kept status, headers and body as they came.
"""

import httpx
import openai
import orjson

from providers.errors import (
    ProviderBusy,
    ProviderCredentials,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    ReplyCut,
    UnsupportedFeature,
)
from providers.told import refuses_key
from providers.translation.watch import ReplyWatch, error_message
from providers.watched_http import Errand

FOREIGN = (
    openai.OpenAIError,
    httpx.HTTPError,
    httpx.StreamError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
)
"""What LiteLLM and the packages below it raise: its own classes, and whatever slips through."""


def translate_failure(error: BaseException, errand: Errand) -> ProviderError:
    """The failure in our own words. Never quotes LiteLLM, whose messages quote requests."""
    target, watch = errand.target.name, errand.watch
    if errand.failure is not None:
        return errand.failure
    if watch.status is None:
        return _refused_unsent(error, target)
    if watch.status >= 300:
        return _by_status(watch.status, watch, target)
    if watch.is_stream:
        told = f": {watch.failure}" if watch.failure else ""
        return ReplyCut(f"the model's stream broke off{told}", target=target)
    return ProviderUnavailable("the model's server sent no proper answer", target=target)


def _refused_unsent(error: BaseException, target: str) -> ProviderError:
    kind = type(error).__name__
    if kind == "UnsupportedParamsError":
        return UnsupportedFeature("a field cannot be translated for this model", target=target)
    if isinstance(error, openai.APITimeoutError):
        return ProviderTimeout("the model's server did not answer in time", target=target)
    if isinstance(error, openai.BadRequestError):
        body = _openai_error("the request cannot be translated for this model", None)
        return ProviderRejected(400, (), body, same_protocol=False, target=target)
    return ProviderUnavailable(f"the request could not be translated ({kind})", target=target)


def _by_status(status: int, watch: ReplyWatch, target: str) -> ProviderError:
    if status in (401, 402, 403) or (status == 400 and refuses_key(watch.document)):
        return ProviderCredentials("the vendor does not accept our key", target=target)
    if status in (429, 529):
        seconds = _seconds(watch.headers.get("retry-after"))
        message = "the vendor is at a limit"
        return ProviderBusy(message, retry_after_seconds=seconds, target=target)
    if status in (408, 504):
        return ProviderTimeout(f"the vendor answered {status}", target=target)
    if status < 400 or status >= 500:
        return ProviderUnavailable(f"the vendor answered {status}", target=target)
    message, code = _vendor_words(watch.document)
    body = _openai_error(message or f"the vendor answered {status}", code)
    return ProviderRejected(status, (), body, same_protocol=False, target=target)


def _vendor_words(document: bytes) -> tuple[str, str | None]:
    try:
        value = orjson.loads(document)
    except orjson.JSONDecodeError:
        return "", None
    error = value.get("error", value) if isinstance(value, dict) else None
    if not isinstance(error, dict):
        return ("" if error is None else str(error)[:500]), None
    code = error.get("code")
    return error_message(error), code if isinstance(code, str) else None


def _openai_error(message: str, code: str | None) -> bytes:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return orjson.dumps({"error": error})


def _seconds(value: str | None) -> float | None:
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        return None  # a date: rare, and no vendor here sends one
