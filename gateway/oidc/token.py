"""A JSON Web Token of a provider: told by its shape, read, and verified with one of its keys.

joserfc imports keys and checks signatures; which algorithms and claims hold is decided here.
"""

import base64
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, get_args

import orjson

from gateway.configuration.identity_document import AlgorithmLabel
from gateway.configuration.identity_settings import Provider
from gateway.oidc.refused import Cause, TokenRefused

if TYPE_CHECKING:
    from joserfc.jwk import Key

Claims = Mapping[str, Any]

BEGINNING: Final = "eyJ"
"""How every token begins: `{"` in base64url."""

MOST_CHARACTERS: Final = 8192
_LONGEST_KEY_ID = 256
_SHAPE = re.compile(r"[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{2,8192}\.[A-Za-z0-9_-]{0,1024}")
_TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt", "application/jwt"})
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_NAMED = frozenset({"none", "HS256", "HS384", "HS512", *get_args(AlgorithmLabel)})
"""Algorithms that a reason may name; any other is what a stranger wrote."""
_FAR_FUTURE = 1 << 40


@dataclass(frozen=True, slots=True)
class Head:
    """What an unverified token says of itself: enough to look for the key, and for nothing else."""

    issuer: str
    algorithm: str
    key_id: str | None
    type: str


@dataclass(frozen=True, slots=True)
class Times:
    """When a token holds, in UTC seconds, as verified; `until` counts the clocks' difference in."""

    until: int
    issued: int | None


def read_head(token: str) -> Head:
    """What a token says of itself, before anything of it is believed. Raises `TokenRefused`."""
    if len(token) > MOST_CHARACTERS:
        raise TokenRefused(Cause.TOO_LONG, f"it is longer than {MOST_CHARACTERS} characters")
    if _SHAPE.fullmatch(token) is None:
        raise TokenRefused(Cause.MALFORMED, "it is no signed token")
    head, payload, _ = token.split(".")
    protected, claims = _part(head), _part(payload)
    algorithm, issuer = protected.get("alg"), claims.get("iss")
    key_id, kind = protected.get("kid"), protected.get("typ", "")
    if not isinstance(algorithm, str) or not isinstance(kind, str):
        raise TokenRefused(Cause.MALFORMED, "its header is none of a signed token")
    if "crit" in protected or "b64" in protected:
        raise TokenRefused(Cause.MALFORMED, "its header asks for an extension that is not known")
    if key_id is not None and not (isinstance(key_id, str) and len(key_id) <= _LONGEST_KEY_ID):
        raise TokenRefused(Cause.MALFORMED, "its key id is no text, or longer than any is")
    if not isinstance(issuer, str):
        raise TokenRefused(Cause.UNKNOWN_ISSUER, "it names no issuer")
    return Head(issuer, algorithm, key_id, kind.lower())


def check_head(head: Head, provider: Provider) -> None:
    """Refuse, before a key is looked for, what no key could make good. Raises `TokenRefused`."""
    check_algorithm(head, provider)
    if head.type not in _TYPES:
        raise TokenRefused(Cause.WRONG_TYPE, "it is a token of another type than an access token")


def check_algorithm(head: Head, provider: Provider) -> None:
    """Whether it is signed as this provider's tokens may be. Raises `TokenRefused`."""
    if head.algorithm not in provider.algorithms:
        name = head.algorithm if head.algorithm in _NAMED else "one that is not known here"
        told = f"its algorithm, {name}, is not among the algorithms listed for {provider.issuer}"
        raise TokenRefused(Cause.ALGORITHM, told)


def verified_claims(token: str, algorithm: str, key: "Key") -> Claims:
    """The claims, once the signature holds under this key. Raises `TokenRefused`."""
    from joserfc.errors import JoseError

    from gateway.oidc.signature import signed_content

    try:
        return _claims(signed_content(token, algorithm, key))
    except (JoseError, ValueError) as error:
        raise TokenRefused(Cause.BAD_SIGNATURE, "its signature does not hold") from error


def check_times(claims: Claims, provider: Provider, now_unix_seconds: int) -> Times:
    """When the token holds, which includes now. Raises `TokenRefused`."""
    skew = provider.clock_skew_seconds
    expires = _seconds(claims, "exp")
    issued = _seconds(claims, "iat")
    if expires is None:
        raise TokenRefused(Cause.EXPIRED, "it does not say until when it holds (exp)")
    if expires + skew <= now_unix_seconds:
        raise TokenRefused(Cause.EXPIRED, f"it expired {now_unix_seconds - expires} seconds ago")
    for name, begins in (("nbf", _seconds(claims, "nbf")), ("iat", issued)):
        if begins is not None and begins - skew > now_unix_seconds:
            ahead = begins - now_unix_seconds
            raise TokenRefused(Cause.NOT_YET_VALID, f"its {name} is {ahead} seconds ahead of us")
    until = expires + skew
    if provider.max_token_age_seconds is not None:
        if issued is None:
            raise TokenRefused(Cause.TOO_OLD, "it does not say since when it holds (iat)")
        oldest = issued + provider.max_token_age_seconds + skew
        if oldest <= now_unix_seconds:
            raise TokenRefused(
                Cause.TOO_OLD, f"it is older than {provider.max_token_age_seconds} seconds"
            )
        until = min(until, oldest)
    return Times(until, issued)


def check_audience(claims: Claims, audiences: frozenset[str], parties: frozenset[str]) -> None:
    """Whether it was made for us, and for a client that may speak to us. Raises `TokenRefused`."""
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or not any(
        isinstance(each, str) and each in audiences for each in named
    ):
        raise TokenRefused(Cause.WRONG_AUDIENCE, "it was made for another audience (aud)")
    party = claims.get("azp")
    if "azp" in claims and not (isinstance(party, str) and party in parties):
        raise TokenRefused(
            Cause.WRONG_PARTY,
            "it was made for a client that is not among client_id, audience and "
            "authorized_parties (azp)",
        )


def is_logout_token(claims: Claims) -> bool:
    """Whether it tells that somebody has signed out: that is no proof of who speaks."""
    events = claims.get("events")
    return isinstance(events, dict) and _LOGOUT_EVENT in events


def _claims(content: bytes) -> Claims:
    claims = orjson.loads(content)
    if not isinstance(claims, dict):
        raise ValueError("no claims")
    return claims


def _part(encoded: str) -> Claims:
    try:
        padded = encoded + "=" * (-len(encoded) % 4)
        return _claims(base64.b64decode(padded, altchars=b"-_", validate=True))
    except ValueError as error:
        raise TokenRefused(Cause.MALFORMED, "it cannot be read") from error


def _seconds(claims: Claims, name: str) -> int | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenRefused(Cause.WRONG_CLAIM, f"its {name} is no time")
    if abs(value) > _FAR_FUTURE:
        raise TokenRefused(Cause.WRONG_CLAIM, f"its {name} is no time that anything has")
    return int(value)
