"""Ask a gateway over HTTP, as an assistant would: nobody else, through no proxy, no redirects."""

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlencode, urlsplit

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.offered import Sizes, read_offered

_CONNECT_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 120.0
_MOST_BYTES: Final = 32 << 20


class Unreachable(Exception):
    """Nobody answered there, or not in HTTP."""


class AnswerLost(Unreachable):
    """It was asked, and no whole answer came: what was asked for may have been done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    body: bytes
    seconds: float

    @property
    def message(self) -> str:
        """What an error says, in any of the protocols' shapes; else the status."""
        try:
            error = json.loads(self.body)["error"]
            told = error["message"] if isinstance(error, dict) else error
            return str(told)
        except (ValueError, KeyError, TypeError):
            return f"it answers with status {self.status}"


def gateway_root(url: str) -> str:
    """A gateway's address without `/v1` and a last slash. Raises `CommandFailed` (usage)."""
    try:
        parts = urlsplit(url.strip())
        is_right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right or not url.isprintable() or " " in url.strip():
        raise CommandFailed(
            f"{url!r} is no address; write one like http://127.0.0.1:7070", Exit.USAGE
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise CommandFailed("the address must hold no user, query or fragment", Exit.USAGE)
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"


def ask(
    root: str, path: str, headers: Mapping[str, str], body: Mapping[str, object] | None = None
) -> Answer:
    """GET, or POST a JSON body; the whole answer. Raises `Unreachable`, or `AnswerLost`."""
    if body is None:
        return _exchange(root, path, headers, None)
    kind = {"content-type": "application/json"}
    return _exchange(root, path, {**kind, **headers}, json.dumps(body).encode())


def post_form(root: str, path: str, form: Mapping[str, str]) -> Answer:
    """POST a form; the whole answer. Raises `Unreachable`, or `AnswerLost`."""
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return _exchange(root, path, kind, urlencode(form).encode())


def _exchange(root: str, path: str, headers: Mapping[str, str], sent: bytes | None) -> Answer:
    parts = urlsplit(root)
    began = time.monotonic()
    connection = _connection(parts)
    failed: type[Unreachable] = Unreachable
    try:
        connection.connect()
        connection.sock.settimeout(_ANSWER_SECONDS)
        method = "GET" if sent is None else "POST"
        failed = AnswerLost
        connection.request(method, parts.path + path, sent, dict(headers))
        response = connection.getresponse()
        read = response.read(_MOST_BYTES)
        return Answer(response.status, read, time.monotonic() - began)
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(
            f"its certificate is not trusted here: {error.verify_message} (the file that "
            "SSL_CERT_FILE names holds the authorities to trust)"
        ) from error
    except OSError as error:
        raise failed(error.strerror or str(error) or "no answer in time") from error
    except http.client.IncompleteRead as error:
        raise failed("its answer was cut") from error
    except (http.client.HTTPException, ValueError) as error:
        raise failed(f"it does not speak HTTP as a gateway does ({error})") from error
    finally:
        connection.close()


def models_offered(root: str, secret: str) -> dict[str, Sizes]:
    """The models that this key may use. Raises `CommandFailed` when the gateway will not say."""
    try:
        answer = ask(root, "/v1/models", {"authorization": f"Bearer {secret}"})
    except Unreachable as error:
        raise CommandFailed(
            f"no gateway answers at {root} ({error}); start one with gatehouse up, "
            "or name another with --url"
        ) from error
    if answer.status in (401, 403):
        raise CommandFailed(f"the gateway at {root} refuses the key: {answer.message}")
    if answer.status != 200:
        raise CommandFailed(f"the gateway at {root} does not list its models: {answer.message}")
    try:
        return read_offered(answer.body)
    except ValueError as error:
        raise CommandFailed(f"what answers at {root} is not a gateway") from error


def settings_required(root: str, secret: str, assistant: str) -> dict[str, str | int | bool]:
    """What the gateway's register of assistants requires of one; nothing where it does not say."""
    try:
        answer = ask(root, "/v1/assistants", {"authorization": f"Bearer {secret}"})
        entries = json.loads(answer.body)["data"] if answer.status == 200 else []
        return {
            name: value
            for each in entries
            if each["name"] == assistant
            for name, value in each["required_settings"].items()
            if isinstance(value, str | int)
        }
    except (Unreachable, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    assert parts.hostname is not None
    if parts.scheme == "https":
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=_CONNECT_SECONDS, context=context
        )
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=_CONNECT_SECONDS)
