"""A provider says by itself that somebody has signed out there: their sessions here end with it.

OpenID Connect Back-Channel Logout 1.0. A token that comes again ends nothing that began since.
"""

import logging
from collections.abc import Callable
from typing import Final

from gateway.configuration.identity_settings import Login
from gateway.oidc.membership import LONGEST_SUBJECT
from gateway.oidc.provider_tokens import ProviderTokens
from gateway.oidc.refused import Cause, TokenRefused
from gateway.oidc.token import Claims, check_audience, check_times, is_logout_token, read_head
from gateway.store.sessions import Sessions
from gateway.store.stored_session import ProviderSession

log = logging.getLogger(__name__)

OLDEST_SECONDS: Final = 600
"""How old a logout token may be."""

_TYPES: Final = frozenset({"", "jwt", "logout+jwt", "application/jwt", "application/logout+jwt"})
_LONGEST_SESSION: Final = 500
_US: Final = 1_000_000


class BackChannel:
    """Takes logout tokens. `unix_us` is UTC."""

    def __init__(
        self, sessions: Sessions, tokens: ProviderTokens, *, unix_us: Callable[[], int]
    ) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._unix_us = unix_us

    async def sign_out(self, login: Login, logout_token: str) -> int:
        """End what a logout token names; how many sessions ended.

        Raises `TokenRefused` or `ProviderAway`.
        """
        if read_head(logout_token).type not in _TYPES:
            raise TokenRefused(
                Cause.WRONG_TYPE, "it is a token of another type than a logout token"
            )
        claims = await self._tokens.claims_of(logout_token, login.provider)
        now = self._unix_us()
        issued = _issued(claims, login, now // _US)
        told = (issued + login.provider.clock_skew_seconds) * _US
        named = _named(claims)
        ended = await self._sessions.end_of_provider(login.provider.issuer, named, told, now)
        for each in ended:
            facts = {"credential_id": each.id, "issuer": each.issuer, "subject": each.subject}
            log.info("session_signed_out_at_provider", extra=facts)
        return len(ended)


def _issued(claims: Claims, login: Login, now_unix_seconds: int) -> int:
    """When it was made, for us and as a logout token. Raises `TokenRefused`."""
    ours = frozenset({login.client.id})
    check_audience(claims, ours, ours)
    issued = check_times(claims, login.provider, now_unix_seconds).issued
    oldest = now_unix_seconds - OLDEST_SECONDS - login.provider.clock_skew_seconds
    if issued is None or issued < oldest:
        raise TokenRefused(Cause.TOO_OLD, "it was not made within the last ten minutes (iat)")
    if not is_logout_token(claims):
        raise TokenRefused(Cause.WRONG_TYPE, "it does not tell of a logout (events)")
    if "nonce" in claims:
        raise TokenRefused(Cause.WRONG_TYPE, "it has a nonce, so it is an id token")
    return issued


def _named(claims: Claims) -> ProviderSession:
    """Whom and what it names. Raises `TokenRefused` where that is nothing."""
    sub, sid = claims.get("sub"), claims.get("sid")
    named = ((sub, LONGEST_SUBJECT), (sid, _LONGEST_SESSION))
    for value, longest in named:
        if value is not None and not (isinstance(value, str) and 0 < len(value) <= longest):
            raise TokenRefused(Cause.WRONG_CLAIM, "its sub or sid is no name")
    if sub is None and sid is None:
        raise TokenRefused(Cause.NO_SUBJECT, "it names neither a person (sub) nor a session (sid)")
    return ProviderSession(sub, sid)
