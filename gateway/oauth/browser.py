"""What binds a sign-in to one browser: its cookie, and the token in each form it was shown."""

import base64
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gateway.configuration.identity_settings import Login
from gateway.sessions.sealing import Sealer

_COOKIE: Final = "gatehouse_sign_in"
_FORM: Final = b"gatehouse sign-in form"
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser as its cookie names it."""

    name: str
    is_new: bool


class Browsers:
    """Tells browsers apart and knows their forms again."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def of(self, login: Login, cookies: Mapping[str, str]) -> Browser:
        """The browser that sent these cookies; one without ours is new."""
        name = cookies.get(cookie_name(login), "")
        if 0 < len(name) <= _LONGEST and name.isascii() and name.replace("-", "").isalnum():
            return Browser(name, is_new=False)
        return Browser(secrets.token_hex(32), is_new=True)

    def form_token(self, browser: Browser) -> str:
        """What stands in the forms that this browser is shown."""
        digest = self._sealer.derived(_FORM, browser.name)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def sent_form(self, browser: Browser, form: Mapping[str, str]) -> bool:
        """Whether a form comes from a page that we showed this browser."""
        given = form.get("form_token", "").encode()
        is_theirs = hmac.compare_digest(self.form_token(browser).encode(), given)
        return is_theirs and not browser.is_new


def cookie_name(login: Login) -> str:
    """With TLS, a name that no other host of the domain can set."""
    return f"__Host-{_COOKIE}" if is_secure(login) else _COOKIE


def set_cookie(login: Login, browser: Browser) -> str:
    """The header that makes a browser known for the time of a sign-in.

    `Lax`: the provider sends the browser back to us by a link, and with it the cookie.
    """
    secure = "; Secure" if is_secure(login) else ""
    return (
        f"{cookie_name(login)}={browser.name}; Path=/; Max-Age=900; HttpOnly; SameSite=Lax{secure}"
    )


def is_secure(login: Login) -> bool:
    """Whether browsers reach us by TLS."""
    return urlsplit(login.url).scheme == "https"
