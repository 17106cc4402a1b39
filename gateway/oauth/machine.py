"""What machines ask: codes and tokens for `gatehouse login`; and a provider tells who is out."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from gateway.configuration.identity_settings import Login
from gateway.oauth.forms import BadForm, read_form
from gateway.oauth.visitors import Visitors
from gateway.oidc.refused import ProviderAway, TokenRefused
from gateway.pipeline import Pipeline
from gateway.sessions.opened import SessionSide
from gateway.sessions.token_office import Grant, GrantRefused
from gateway.store.sign_ins import TooManySignIns

log = logging.getLogger(__name__)

DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
NO_STORE: Final = {"cache-control": "no-store", "pragma": "no-cache"}

_BEGINS_PER_MINUTE: Final = (20, 600)
_ASKS_PER_MINUTE: Final = (1200, 12_000)
"""From one address, behind which a whole office may sit, and from all."""


class MachineDesk:
    """Answers commands, in OAuth's words (RFC 6749, 7009, 8628)."""

    def __init__(self, visitors: Visitors, side: SessionSide, pipeline: Pipeline) -> None:
        self._visitors = visitors
        self._signing_in = side.signing_in
        self._office = side.office
        self._back_channel = side.back_channel
        self._pipeline = pipeline

    async def begin(self, request: Request) -> Response:
        """`POST /oauth/device_authorization`: a code for the person, one for the machine."""
        login = self._visitors.login()
        if login is None:
            return _not_configured()
        if not self._visitors.allows("begin", request, *_BEGINS_PER_MINUTE):
            return _refused(429, "slow_down", "too many machines ask from here; wait a minute")
        try:
            form = await read_form(request)
            begun = await self._signing_in.begin(
                form.get("machine", ""), self._visitors.address(request), form.get("team")
            )
        except BadForm as error:
            return _refused(400, "invalid_request", str(error))
        except TooManySignIns:
            return _refused(503, "temporarily_unavailable", "too many machines wait already")
        page = f"{login.url}/device"
        return _told(
            {
                "device_code": begun.device_code,
                "user_code": begun.user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={begun.user_code}",
                "expires_in": begun.expires_in_seconds,
                "interval": begun.interval_seconds,
            }
        )

    async def token(self, request: Request) -> Response:
        """`POST /oauth/token`: for a device code or a refresh token."""
        login = self._visitors.login()
        if login is None:
            return _not_configured()
        if not self._visitors.allows("token", request, *_ASKS_PER_MINUTE):
            return _refused(429, "slow_down", "too many ask from here; wait a minute")
        try:
            return _granted(await self._grant(login, await read_form(request)))
        except BadForm as error:
            return _refused(400, "invalid_request", str(error))
        except GrantRefused as refused:
            more = {"interval": refused.interval_seconds} if refused.interval_seconds else {}
            return _refused(400, refused.error, str(refused), more)

    async def _grant(self, login: Login, form: Mapping[str, str]) -> Grant:
        match form.get("grant_type"):
            case "refresh_token":
                return await self._office.next(login, form.get("refresh_token", ""))
            case kind if kind == DEVICE_GRANT:
                return await self._office.first(login, form.get("device_code", ""))
            case _:
                told = f"grant_type is refresh_token or {DEVICE_GRANT}"
                raise GrantRefused("unsupported_grant_type", told)

    async def revoke(self, request: Request) -> Response:
        """`POST /oauth/revoke`: end the session of a token. The same answer for any token."""
        if not self._visitors.allows("token", request, *_ASKS_PER_MINUTE):
            return _refused(429, "slow_down", "too many ask from here; wait a minute")
        try:
            form = await read_form(request)
        except BadForm as error:
            return _refused(400, "invalid_request", str(error))
        await self._office.sign_out(form.get("token", ""))
        return _told({})

    async def sign_out(self, request: Request) -> Response:
        """`POST /oauth/backchannel_logout`: the provider says who has signed out there."""
        login = self._visitors.login()
        if login is None:
            return _not_configured()
        if not self._visitors.allows("logout", request, *_ASKS_PER_MINUTE):
            return _refused(429, "slow_down", "too many ask from here; wait a minute")
        try:
            form = await read_form(request)
            await self._back_channel.sign_out(login, form.get("logout_token", ""))
        except BadForm as error:
            return _refused(400, "invalid_request", str(error))
        except TokenRefused as refused:
            facts = {"cause": refused.cause.value, "reason": refused.reason}
            log.warning("logout_token_refused", extra=facts)
            return _refused(
                400, "invalid_request", f"the logout token is refused: {refused.reason}"
            )
        except ProviderAway:
            return _refused(503, "temporarily_unavailable", "its signature cannot be checked now")
        return _told({})

    async def who(self, request: Request) -> Response:
        """`GET /oauth/userinfo`: whose the credential of this request is, of whatever kind."""
        peer = None if request.client is None else request.client.host
        identity = await self._pipeline.caller(tuple(request.scope["headers"]), peer)
        return _told(
            {
                "sub": identity.subject,
                "kind": identity.kind,
                "team": identity.team,
                "roles": sorted(identity.roles),
                "credential_id": identity.credential_id,
            }
        )


def _granted(grant: Grant) -> Response:
    return _told(
        {
            "access_token": grant.access_token,
            "token_type": "Bearer",
            "expires_in": grant.access_expires_in_seconds,
            "refresh_token": grant.refresh_token,
            "session_id": grant.session.id,
            "sub": grant.session.subject,
        }
    )


def _not_configured() -> Response:
    told = "nobody signs in at this gateway: identity.login is not in its configuration; use a key"
    return _refused(404, "login_not_configured", told)


def _told(document: Mapping[str, object]) -> Response:
    return JSONResponse(document, headers=NO_STORE)


def _refused(
    status: int, error: str, message: str, more: Mapping[str, Any] | None = None
) -> Response:
    document = {"error": error, "error_description": message, **(more or {})}
    return JSONResponse(document, status_code=status, headers=NO_STORE)
