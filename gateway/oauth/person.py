"""What a person sees who signs in: type the code, see which machine asks, go to the provider."""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from gateway.configuration.identity_settings import Login
from gateway.oauth.browser import Browser, Browsers, set_cookie
from gateway.oauth.forms import BadForm, read_form
from gateway.oauth.pages import HEADERS, code_page, confirm_page, leaving_page, message_page
from gateway.oauth.visitors import Visitors
from gateway.sessions.signing_in import SignInFailed, SigningIn, read_code, shown_code
from gateway.store.stored_sign_in import StoredSignIn

TRIES_PER_MINUTE: Final = (10, 600)
_LONGEST: Final = 4096
_NO_CODE: Final = "There is no such code, or its ten minutes are over. Look again, or begin anew."


class PersonDesk:
    """Answers browsers. `unix_us` is UTC."""

    def __init__(
        self,
        visitors: Visitors,
        browsers: Browsers,
        signing_in: SigningIn,
        unix_us: Callable[[], int],
    ) -> None:
        self._visitors = visitors
        self._browsers = browsers
        self._signing_in = signing_in
        self._unix_us = unix_us

    async def ask_code(self, request: Request) -> Response:
        """`GET /device`: the form for the code."""
        login = self._visitors.login()
        if login is None:
            return _not_configured()
        browser = self._browsers.of(login, request.cookies)
        typed = request.query_params.get("user_code", "")[:20]
        return self._code_page(login, browser, typed)

    async def take_code(self, request: Request) -> Response:
        """`POST /device`: which machine asks, if this is a code."""
        login = self._visitors.login()
        if login is None:
            return _not_configured()
        browser, form = await self._form(login, request)
        if form is None:
            return self._stale(login)
        typed = form.get("user_code", "")[:40]
        found = await self._found(request, typed)
        if isinstance(found, Response):
            return found
        if found is None:
            return self._code_page(login, browser, typed, _NO_CODE, 400)
        page = confirm_page(
            _base(login),
            self._browsers.form_token(browser),
            shown_code(read_code(typed) or ""),
            found.machine,
            found.address,
            self._ago(found),
        )
        return _page(page)

    async def take_answer(self, request: Request) -> Response:
        """`POST /device/answer`: on to the provider, or it was not them."""
        login = self._visitors.login()
        if login is None:
            return _not_configured()
        browser, form = await self._form(login, request)
        if form is None:
            return self._stale(login)
        found = await self._found(request, form.get("user_code", ""))
        if isinstance(found, Response):
            return found
        if found is None:
            return self._code_page(login, browser, "", _NO_CODE, 400)
        if form.get("answer") != "yes":
            await self._signing_in.deny(found)
            return _page(message_page("Nobody was signed in", "The machine is told so. Thank you."))
        try:
            way = await self._signing_in.send_on(login, found, browser.name)
        except SignInFailed as failed:
            return _page(message_page("You are not signed in", str(failed)), 400)
        return _page(leaving_page(way))

    async def come_back(self, request: Request) -> Response:
        """`GET /oauth/callback`: the provider sends the browser back, with a code or without."""
        login = self._visitors.login()
        if login is None:
            return _not_configured()
        given, browser = request.query_params, self._browsers.of(login, request.cookies)
        code, state = given.get("code", ""), given.get("state", "")
        issuer = given.get("iss", login.provider.issuer)
        if not code or issuer != login.provider.issuer or max(len(code), len(state)) > _LONGEST:
            told = "Your identity provider did not sign you in. Begin again on the machine."
            return _page(message_page("You are not signed in", told), 400)
        try:
            session, who = await self._signing_in.come_back(login, code, state, browser.name)
        except SignInFailed as failed:
            return _page(message_page("You are not signed in", str(failed)), 400)
        team = f", for team {who.teams[0]}" if session.team is None and who.teams else ""
        team = f", for team {session.team}" if session.team is not None else team
        told = f"You are {session.subject}{team}. Go back to {session.machine}: it knows already."
        return _page(message_page("You are signed in", told))

    async def _form(
        self, login: Login, request: Request
    ) -> tuple[Browser, Mapping[str, str] | None]:
        """The form, when it is one that this browser was shown."""
        browser = self._browsers.of(login, request.cookies)
        try:
            form = await read_form(request)
        except BadForm:
            return browser, None
        return browser, form if self._browsers.sent_form(browser, form) else None

    async def _found(self, request: Request, typed: str) -> StoredSignIn | Response | None:
        if not self._visitors.allows("code", request, *TRIES_PER_MINUTE):
            return _page(message_page("Too many tries", "Wait a minute and try again."), 429)
        return await self._signing_in.find(typed)

    def _code_page(
        self, login: Login, browser: Browser, typed: str, wrong: str = "", status: int = 200
    ) -> Response:
        form_token = self._browsers.form_token(browser)
        answer = _page(code_page(_base(login), form_token, typed, wrong), status)
        if browser.is_new:
            answer.headers["set-cookie"] = set_cookie(login, browser)
        return answer

    def _stale(self, login: Login) -> Response:
        told = (
            "This page was open for too long, or your browser keeps no cookies. "
            f"Open {login.url}/device again."
        )
        return _page(message_page("Once more, please", told), 400)

    def _ago(self, sign_in: StoredSignIn) -> str:
        seconds = max(0, self._unix_us() - sign_in.created_unix_us) // 1_000_000
        return f"{seconds} seconds ago" if seconds < 120 else f"{seconds // 60} minutes ago"


def _base(login: Login) -> str:
    """The path below which browsers find us."""
    return urlsplit(login.url).path.rstrip("/")


def _page(content: str, status: int = 200) -> Response:
    return HTMLResponse(content, status_code=status, headers=HEADERS)


def _not_configured() -> Response:
    told = "Nobody signs in at this gateway: its configuration has no identity.login."
    return _page(message_page("There is no sign-in here", told), 404)
