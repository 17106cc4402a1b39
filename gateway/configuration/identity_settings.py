"""The section `identity`, built: providers as they are asked, and what their tokens stand for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gateway.configuration.identity_document import (
    IdentityDocument,
    LoginDocument,
    ProviderDocument,
)
from gateway.configuration.problems import Path
from providers.base import Secret


@dataclass(frozen=True, slots=True)
class Client:
    """What the gateway is at a provider, for people who sign in."""

    id: str
    secret: Secret | None
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID Connect provider. `teams` and `services` are in the order they were written.

    `hosts` are those, written `host` or `host:port`, that its addresses may lead to besides its
    own. `audiences` is empty where its tokens are not taken by themselves. `foreign_prefixes`
    begin the subjects of other providers: none of this one's may.
    """

    issuer: str
    audiences: frozenset[str]
    parties: frozenset[str]
    client: Client | None
    algorithms: frozenset[str]
    clock_skew_seconds: int
    max_token_age_seconds: int | None
    hosts: frozenset[str]
    subject_claim: str
    require_verified_email: bool
    subject_prefix: str
    groups_claim: str
    teams: tuple[tuple[str, str], ...]
    default_team: str | None
    roles: Mapping[str, frozenset[str]]
    services: tuple[tuple[str, str], ...]
    foreign_prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Login:
    """How people sign in. `url` is where their browsers reach the gateway, without a last slash."""

    url: str
    provider: Provider
    client: Client
    access_token_seconds: int
    session_hours: int
    recheck_seconds: int
    outage_minutes: int


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """Who is known besides the holders of virtual keys. Nobody, unless something is configured."""

    providers: Mapping[str, Provider]
    login: Login | None = None


NOBODY_ELSE: Final = IdentitySettings({})


def identity_settings(written: IdentityDocument, opened: Mapping[Path, Secret]) -> IdentitySettings:
    """Build from a document that has passed the checks, and the secrets by where they stand."""
    if not written.oidc:
        return NOBODY_ELSE
    prefixes = {each.issuer: each.subject_prefix or "" for each in written.oidc}
    providers = {
        each.issuer: _provider(
            each, opened.get(("identity", "oidc", at, "client_secret")), prefixes
        )
        for at, each in enumerate(written.oidc)
    }
    login = None if written.login is None else _login(written.login, providers)
    return IdentitySettings(providers, login)


def signing_in(written: IdentityDocument) -> tuple[ProviderDocument, ...]:
    """The providers that people could sign in at: one, when the document is right."""
    with_client = tuple(each for each in written.oidc if each.client_id is not None)
    if written.login is None or written.login.issuer is None:
        return with_client
    return tuple(each for each in with_client if each.issuer == written.login.issuer)


def _provider(
    written: ProviderDocument, secret: Secret | None, prefixes: Mapping[str, str]
) -> Provider:
    client = None
    if written.client_id is not None:
        client = Client(written.client_id, secret, written.scopes)
    own = prefixes[written.issuer]
    parties = {*written.audience, *written.authorized_parties, written.client_id or ""} - {""}
    return Provider(
        issuer=written.issuer,
        audiences=frozenset(written.audience),
        parties=frozenset(parties),
        client=client,
        algorithms=frozenset(written.algorithms),
        clock_skew_seconds=written.clock_skew_seconds,
        max_token_age_seconds=written.max_token_age_seconds,
        hosts=frozenset({urlsplit(written.issuer).netloc.lower(), *written.hosts}),
        subject_claim=written.subject_claim,
        require_verified_email=written.require_verified_email,
        subject_prefix=own,
        groups_claim=written.groups_claim,
        teams=tuple(written.teams.items()),
        default_team=written.default_team,
        roles={group: frozenset(roles) for group, roles in written.roles.items()},
        services=tuple(written.services.items()),
        foreign_prefixes=tuple(each for each in prefixes.values() if each and each != own),
    )


def _login(written: LoginDocument, providers: Mapping[str, Provider]) -> Login | None:
    with_client = [each for each in providers.values() if each.client is not None]
    named = [each for each in with_client if written.issuer in (None, each.issuer)]
    provider = named[0]
    assert provider.client is not None
    return Login(
        url=written.url,
        provider=provider,
        client=provider.client,
        access_token_seconds=written.access_token_seconds,
        session_hours=written.session_hours,
        recheck_seconds=written.recheck_seconds,
        outage_minutes=written.outage_minutes,
    )
