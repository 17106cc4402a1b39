"""Ask a provider about somebody who signs in: once with their code, then whether it knows them."""

import base64
import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from gateway.configuration.identity_settings import Client, Login, Provider
from gateway.oidc.asking import Answer, Metadata, ProviderClient, check_address
from gateway.oidc.membership import LONGEST_SUBJECT, Claimed, claimed, has_groups
from gateway.oidc.provider_tokens import ProviderTokens
from gateway.oidc.refused import Cause, ProviderAway, TokenRefused
from gateway.oidc.token import Claims, check_audience, check_times
from gateway.sessions.sealing import ProviderSecret

log = logging.getLogger(__name__)

CALLBACK: Final = "/oauth/callback"
_NO: Final = frozenset(
    (
        "invalid_grant",
        "invalid_request",  # Canaille's, and others' made of Authlib, of who is locked or deleted
        "access_denied",
        "consent_required",
        "interaction_required",
        "login_required",
    )
)
"""How providers say of a refresh token that it is good for nothing any more. What is wrong with us
(`invalid_client`) says nothing of anybody."""

_LONGEST_TOKEN: Final = 16_384
_SHORTEST_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who came back from the provider, and what it gave to ask it again.

    `sub` and `provider_session` are its own names for them and for their session there.
    """

    who: Claimed
    sub: str
    provider_session: str | None
    secret: ProviderSecret


@dataclass(frozen=True, slots=True)
class StillKnown:
    """The provider still knows them; the secret to ask with the next time.

    `who` is None where it says no more than that.
    """

    who: Claimed | None
    secret: ProviderSecret


@dataclass(frozen=True, slots=True)
class KnownNoMore:
    """The provider has ended it. The reason is for the log."""

    reason: str


class AtProvider:
    """Speaks to providers on behalf of people who sign in. `unix_seconds` is UTC."""

    def __init__(
        self, client: ProviderClient, tokens: ProviderTokens, unix_seconds: Callable[[], int]
    ) -> None:
        self._client = client
        self._tokens = tokens
        self._unix_seconds = unix_seconds

    async def way_in(self, login: Login, state: str, nonce: str, verifier: str) -> str:
        """The address to send a browser to. Raises `ProviderAway`."""
        metadata = await self._metadata(login.provider)
        if metadata.authorization is None:
            raise ProviderAway("its discovery document names no authorization_endpoint")
        check_address(metadata.authorization, login.provider)
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": login.client.id,
            "redirect_uri": login.url + CALLBACK,
            "scope": " ".join(login.client.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in metadata.authorization else "?"
        return metadata.authorization + joint + urlencode(query)

    async def come_in(self, login: Login, code: str, nonce: str, verifier: str) -> SignedIn:
        """Who came back with this code. Raises `TokenRefused` or `ProviderAway`."""
        metadata = await self._metadata(login.provider)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": login.url + CALLBACK,
            "code_verifier": verifier,
        }
        answer = await self._client.token(login.provider, login.client, metadata, form)
        if answer.status != 200:
            raise ProviderAway(f"it answered {answer.status} {_error(answer)} to the code")
        claims = await self._id_claims(answer, login.provider, login.client)
        if claims is None:
            raise ProviderAway("it gave no id_token for the code")
        if claims.get("nonce") != nonce:
            raise TokenRefused(Cause.WRONG_NONCE, "its nonce is not the one that was sent")
        asks_userinfo = not has_groups(claims, login.provider) and metadata.userinfo is not None
        if asks_userinfo:
            access_token = _text(answer.document, "access_token")
            claims = await self._with_userinfo(claims, login.provider, metadata, access_token)
        sub, sid = claims.get("sub"), claims.get("sid")
        if not isinstance(sub, str) or not 0 < len(sub) <= LONGEST_SUBJECT:
            raise TokenRefused(Cause.NO_SUBJECT, "its sub is no name")
        return SignedIn(
            claimed(claims, login.provider),
            sub,
            sid if isinstance(sid, str) and len(sid) <= 500 else None,
            self._secret(answer, None, asks_userinfo),
        )

    async def ask_again(
        self, provider: Provider, client: Client, secret: ProviderSecret, subject: str
    ) -> StillKnown | KnownNoMore:
        """Whether the provider still knows this subject of its own. Raises `ProviderAway`."""
        metadata = await self._metadata(provider)
        if secret.refresh_token is None:
            return await self._ask_userinfo(provider, metadata, secret, subject)
        form = {"grant_type": "refresh_token", "refresh_token": secret.refresh_token}
        answer = await self._client.token(provider, client, metadata, form)
        if answer.status != 200:
            if answer.status == 400 and (error := _error(answer)) in _NO:
                return KnownNoMore(f"its refresh token is not taken any more ({error})")
            raise ProviderAway(f"it answered {answer.status} {_error(answer)} to a refresh token")
        # The token before is used up: whatever else goes wrong, the new one must not be lost.
        renewed = self._secret(answer, secret.refresh_token, secret.asks_userinfo)
        try:
            claims = await self._id_claims(answer, provider, client)
        except (TokenRefused, ProviderAway) as error:
            return _only_renewed(provider, renewed, error)
        try:
            if secret.asks_userinfo or claims is None:
                access_token = _text(answer.document, "access_token")
                claims = await self._with_userinfo(claims or {}, provider, metadata, access_token)
            return _still(claims, provider, renewed, subject)
        except TokenRefused as refused:
            return KnownNoMore(refused.reason)
        except ProviderAway as error:
            return _only_renewed(provider, renewed, error)

    async def _ask_userinfo(
        self, provider: Provider, metadata: Metadata, secret: ProviderSecret, subject: str
    ) -> StillKnown | KnownNoMore:
        try:
            claims = await self._with_userinfo({}, provider, metadata, secret.access_token)
            return _still(claims, provider, secret, subject)
        except TokenRefused as refused:
            return KnownNoMore(refused.reason)

    async def _metadata(self, provider: Provider) -> Metadata:
        return await self._tokens.keys_of(provider).metadata()

    async def _id_claims(self, answer: Answer, provider: Provider, client: Client) -> Claims | None:
        """The claims of the id token, held to be ours; None where there is none."""
        token = _text(answer.document, "id_token")
        if token is None:
            return None
        claims = await self._tokens.claims_of(token, provider)
        ours = frozenset({client.id})
        check_audience(claims, ours, ours)
        check_times(claims, provider, self._unix_seconds())
        return claims

    async def _with_userinfo(
        self, claims: Claims, provider: Provider, metadata: Metadata, access_token: str | None
    ) -> Claims:
        """The claims, and what userinfo adds. Raises `TokenRefused` where it knows nobody."""
        if metadata.userinfo is None or access_token is None:
            return claims
        answer = await self._client.userinfo(provider, metadata.userinfo, access_token)
        if answer.status in (401, 403):
            raise TokenRefused(Cause.ENDED, "its userinfo does not take the access token any more")
        if answer.status != 200:
            raise ProviderAway(f"its userinfo answered {answer.status}")
        if "sub" in claims and answer.document.get("sub") != claims["sub"]:
            raise TokenRefused(Cause.NO_SUBJECT, "its userinfo is of somebody else")
        return {**answer.document, **claims}

    def _secret(self, answer: Answer, before: str | None, asks_userinfo: bool) -> ProviderSecret:
        refresh_token = _text(answer.document, "refresh_token") or before
        if refresh_token is not None:
            return ProviderSecret(refresh_token, asks_userinfo=asks_userinfo)
        lasts = answer.document.get("expires_in")
        seconds = lasts if isinstance(lasts, int) and not isinstance(lasts, bool) else 0
        until = self._unix_seconds() + max(seconds, _SHORTEST_SECONDS)
        access_token = _text(answer.document, "access_token")
        return ProviderSecret(None, access_token, until, asks_userinfo)


def _only_renewed(
    provider: Provider, renewed: ProviderSecret, error: TokenRefused | ProviderAway
) -> StillKnown:
    """It renewed the token, so it knows them; what else it said cannot be used."""
    log.warning("session_not_told", extra={"issuer": provider.issuer, "reason": str(error)})
    return StillKnown(None, renewed)


def _still(
    claims: Claims, provider: Provider, secret: ProviderSecret, subject: str
) -> StillKnown | KnownNoMore:
    if not claims:
        return StillKnown(None, secret)
    who = claimed(claims, provider)
    if who.subject != subject:
        return KnownNoMore("it names somebody else now")
    return StillKnown(who, secret)


def _error(answer: Answer) -> str:
    """OAuth's word for what was wrong, if it is one."""
    error = answer.document.get("error")
    known = isinstance(error, str) and error.isascii() and error.replace("_", "").isalnum()
    return error[:60] if known and isinstance(error, str) else ""


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST_TOKEN else None
