"""Ask a gateway for tokens: by the device flow, by a refresh token, and to end a session."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.cli.asking import Answer, Unreachable, ask, post_form
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.signed_in import SignedIn

DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
EARLY_SECONDS: Final = 60
"""How long before its end an access token is exchanged for the next."""

SLOWER_SECONDS: Final = 5
"""By how much to ask less often where that was asked for (RFC 8628, 3.5)."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class SignInOver(CommandFailed):
    """The session is no more; only signing in again helps."""


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What the gateway gave: where to go, the code to type there, and our own to ask with."""

    page: str
    page_with_code: str
    user_code: str
    interval_seconds: int
    expires_in_seconds: int
    device_code: str = field(repr=False)


def refuse_in_the_clear(root: str) -> None:
    """Raise `CommandFailed` for a gateway that tokens would travel to for everybody to read."""
    parts = urlsplit(root)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise CommandFailed(f"tokens are sent by https:// only, and not to {root}", Exit.USAGE)


def begin(root: str, machine: str, team: str | None) -> DeviceCode:
    """Begin to sign in. Raises `CommandFailed`."""
    form = {"client_id": "gatehouse", "machine": machine}
    asked = form if team is None else form | {"team": team}
    told = _document(_post(root, "/oauth/device_authorization", asked), root)
    try:
        return DeviceCode(
            _page(told["verification_uri"], root),
            _page(told["verification_uri_complete"], root),
            str(told["user_code"]),
            int(told["interval"]),
            int(told["expires_in"]),
            str(told["device_code"]),
        )
    except (KeyError, TypeError, ValueError):
        raise CommandFailed(f"what answers at {root} is not a gateway that signs in") from None


def wait(root: str, code: DeviceCode, sleep: Callable[[float], None] = time.sleep) -> SignedIn:
    """Ask until somebody has signed in, or nobody will. Raises `CommandFailed`.

    A gateway that is busy or away for a moment is asked again, less often.
    """
    interval = max(1, code.interval_seconds)
    left = float(code.expires_in_seconds)
    form = {"client_id": "gatehouse", "grant_type": DEVICE_GRANT, "device_code": code.device_code}
    while left > 0:
        sleep(interval)
        left -= interval
        try:
            answer = post_form(root, "/oauth/token", form)
        except Unreachable:
            interval += SLOWER_SECONDS
            continue
        if answer.status == 200:
            return _signed_in(root, _document(answer, root))
        error = _error(answer)
        if error == "slow_down" or answer.status >= 500:
            interval += SLOWER_SECONDS
        elif error != "authorization_pending":
            raise CommandFailed(_message(answer, root))
    raise CommandFailed("nobody signed in within the time; begin again")


def refresh(session: SignedIn) -> SignedIn:
    """The next tokens of a session. Raises `SignInOver`, or `CommandFailed` for anything else."""
    form = {
        "client_id": "gatehouse",
        "grant_type": "refresh_token",
        "refresh_token": session.refresh_token,
    }
    answer = _post(session.server, "/oauth/token", form)
    if answer.status == 200:
        return _signed_in(session.server, _document(answer, session.server))
    if _error(answer) in ("invalid_grant", "login_not_configured"):
        raise SignInOver(_message(answer, session.server))
    raise CommandFailed(_message(answer, session.server))


def revoke(session: SignedIn) -> None:
    """End the session at its gateway. Raises `CommandFailed` where that cannot be said to it."""
    answer = _post(session.server, "/oauth/revoke", {"token": session.refresh_token})
    if answer.status != 200:
        raise CommandFailed(_message(answer, session.server))


def who(root: str, credential: str) -> Mapping[str, Any]:
    """Whose a credential is, as the gateway says. Raises `CommandFailed`."""
    try:
        answer = ask(root, "/oauth/userinfo", {"authorization": f"Bearer {credential}"})
    except Unreachable as error:
        raise CommandFailed(f"no gateway answers at {root} ({error})") from error
    if answer.status != 200:
        raise CommandFailed(f"the gateway at {root} says: {answer.message}")
    return _document(answer, root)


def is_fresh(session: SignedIn, now: float) -> bool:
    """Whether its access token holds long enough to be handed out."""
    return session.until - now > EARLY_SECONDS


def _signed_in(root: str, told: Mapping[str, Any]) -> SignedIn:
    try:
        return SignedIn(
            server=root,
            subject=str(told["sub"]),
            session_id=str(told["session_id"]),
            until=int(time.time()) + int(told["expires_in"]),
            access_token=str(told["access_token"]),
            refresh_token=str(told["refresh_token"]),
        )
    except (KeyError, TypeError, ValueError):
        raise CommandFailed(f"what answers at {root} is not a gateway that signs in") from None


def _post(root: str, path: str, form: Mapping[str, str]) -> Answer:
    try:
        return post_form(root, path, form)
    except Unreachable as error:
        raise CommandFailed(f"no gateway answers at {root} ({error})") from error


def _document(answer: Answer, root: str) -> Mapping[str, Any]:
    if answer.status != 200:
        raise CommandFailed(_message(answer, root))
    try:
        document = json.loads(answer.body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise CommandFailed(f"what answers at {root} is not a gateway")
    return document


def _error(answer: Answer) -> str:
    try:
        return str(json.loads(answer.body)["error"])
    except (ValueError, KeyError, TypeError):
        return ""


def _message(answer: Answer, root: str) -> str:
    try:
        return f"{root}: {json.loads(answer.body)['error_description']}"
    except (ValueError, KeyError, TypeError):
        return f"{root} answers with status {answer.status}"


def _page(address: object, root: str) -> str:
    """The page to open: one that a browser opens without doing anything else with it."""
    parts = urlsplit(str(address))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise CommandFailed(f"{root} wants people to sign in without TLS; that is refused")
    return str(address)
