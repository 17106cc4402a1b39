"""The section `identity` as people write it: whose tokens are taken, and what they stand for."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from gateway.configuration.field_types import Address, SecretText, Words
from policy.document import Name, Section

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that may be asked without TLS: nobody stands between."""

RoleLabel = Literal["admin", "developer", "team_lead", "platform", "security", "auditor", "finance"]
AlgorithmLabel = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
    "Ed25519", "EdDSA",
]  # fmt: skip
"""Signatures with a public key. Neither `none` nor a shared secret can be written here."""

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?")
_PREFIX = re.compile(r"[a-z0-9][a-z0-9._-]*[:/]")


def _issuer(value: str) -> str:
    plain = value.isascii() and value.isprintable() and not set(value) & set(" ?#\\@")
    try:
        parts = urlsplit(value)
        sound = plain and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.scheme not in ("http", "https"):
        raise ValueError("an issuer is https://, a host, perhaps a port and a path")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("an issuer elsewhere than on this machine is asked by https:// only")
    return value


def _host(value: str) -> str:
    if _HOST.fullmatch(value) is None:
        raise ValueError("a host is written in lower case, like keys.example.com or host:8443")
    return value


def _prefix(value: str) -> str:
    if _PREFIX.fullmatch(value) is None:
        raise ValueError("a prefix is a word of a-z, 0-9, '.', '_', '-' and then ':' or '/'")
    return value


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _claim(value: str) -> str:
    if not value.isprintable() or value.strip() != value:
        raise ValueError("a claim is named as the token names it, without blanks at its ends")
    return value


Issuer = Annotated[
    str,
    AfterValidator(_issuer),
    WithJsonSchema({"type": "string", "pattern": r"^(https?://|.*\$\{)"}),
]
Host = Annotated[str, AfterValidator(_host), WithJsonSchema({"type": "string"})]
ClaimName = Annotated[Words, AfterValidator(_claim)]
Pattern = Annotated[str, Field(min_length=1, max_length=500)]
Audience = Annotated[
    tuple[Words, ...],
    BeforeValidator(_one_or_more),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}},
            ]
        }
    ),
]


class ProviderDocument(Section):
    """An OpenID Connect provider whose word is taken for who somebody is."""

    issuer: Issuer
    """Exactly as its tokens have it under `iss`, a last slash included."""
    audience: Audience = ()
    """What its tokens must hold under `aud`, one of these. Left out: its tokens are not taken."""
    client_id: Words | None = None
    """What the gateway is called there; needed where people sign in by `gatehouse login`."""
    client_secret: SecretText | None = None
    """The client's secret, where it has one: "${NAME}" or file:/path. Never printed."""
    authorized_parties: tuple[Words, ...] = ()
    """Clients, besides those above, that tokens may have been made for (`azp`)."""
    algorithms: Annotated[tuple[AlgorithmLabel, ...], Field(min_length=1)] = (
        "RS256",
        "ES256",
        "Ed25519",
        "EdDSA",
    )
    """How its tokens may be signed."""
    clock_skew_seconds: Annotated[int, Field(ge=0, le=60)] = 30
    """By how much its clock and ours may differ."""
    max_token_age_seconds: Annotated[int, Field(ge=60, le=31_536_000)] | None = None
    """Refuse a token that is older, though it says that it holds longer."""
    hosts: tuple[Host, ...] = ()
    """Hosts, besides the issuer's own, that its addresses may lead to."""
    scopes: Annotated[tuple[Words, ...], Field(min_length=1)] = (
        "openid",
        "profile",
        "email",
        "offline_access",
    )
    """What is asked for at `gatehouse login`."""
    subject_claim: ClaimName = "sub"
    """Which claim names somebody in policy, budgets and the ledger."""
    require_verified_email: bool = True
    """With `subject_claim: email`: refuse an address that the provider does not call verified."""
    subject_prefix: (
        Annotated[
            str,
            AfterValidator(_prefix),
            WithJsonSchema({"type": "string", "pattern": f"^{_PREFIX.pattern}$"}),
        ]
        | None
    ) = None
    """Put before every subject, so that two providers' people are never one. Like `ci:`."""
    groups_claim: ClaimName = "groups"
    """Which claim lists groups; `realm_access.roles` looks into an object."""
    teams: dict[Words, Name] = Field(default_factory=dict)
    """The team of a group's members. Of several, the one that stands first here."""
    default_team: Name | None = None
    """The team of people in no group above. Left out: they are refused."""
    roles: dict[Words, tuple[RoleLabel, ...]] = Field(default_factory=dict)
    """The roles of a group's members, besides developer."""
    services: dict[Pattern, Name] = Field(default_factory=dict)
    """Tokens of builds: the team by a pattern of the subject, such as `repo:acme/web:*`."""


class LoginDocument(Section):
    """`gatehouse login`: short-lived tokens for people, who sign in at the provider."""

    url: Address
    """Where people's browsers reach this gateway; nothing is ever sent elsewhere."""
    issuer: Issuer | None = None
    """Where they sign in. Default: the only provider with a client_id."""
    access_token_seconds: Annotated[int, Field(ge=900, le=3600)] = 3600
    """How long an access token holds; `gatehouse token` gets the next one."""
    session_hours: Annotated[int, Field(ge=1, le=2160)] = 168
    """After how long somebody signs in again."""
    recheck_seconds: Annotated[int, Field(ge=10, le=3600)] = 45
    """How old the provider's last word on somebody may be while the session is used."""
    outage_minutes: Annotated[int, Field(ge=0, le=1440)] = 60
    """How long sessions hold while the provider does not answer."""


class IdentityDocument(Section):
    """Who is known besides the holders of virtual keys."""

    oidc: tuple[ProviderDocument, ...] = ()
    """OpenID Connect providers; each token is its issuer's, and no other's."""
    login: LoginDocument | None = None
    """Sign-in by `gatehouse login`."""
