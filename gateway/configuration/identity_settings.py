"""The section `identity`, built: providers as they are asked, and what their tokens stand for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gateway.configuration.identity_document import (
    IdentityDocument,
    ProviderDocument,
)


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID Connect provider. `teams` and `services` are in the order they were written.

    `hosts` are those, written `host` or `host:port`, that its addresses may lead to besides its
    own. `foreign_prefixes` begin the subjects of other providers: none of this one's may.
    """

    issuer: str
    audiences: frozenset[str]
    parties: frozenset[str]
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
class IdentitySettings:
    """Who is known besides the holders of virtual keys. Nobody, unless something is configured."""

    providers: Mapping[str, Provider]


NOBODY_ELSE: Final = IdentitySettings({})


def identity_settings(written: IdentityDocument) -> IdentitySettings:
    """Build from a document that has passed the checks."""
    if not written.oidc:
        return NOBODY_ELSE
    prefixes = {each.issuer: each.subject_prefix or "" for each in written.oidc}
    return IdentitySettings({each.issuer: _provider(each, prefixes) for each in written.oidc})


def _provider(written: ProviderDocument, prefixes: Mapping[str, str]) -> Provider:
    own = prefixes[written.issuer]
    parties = {*written.audience, *written.authorized_parties, written.client_id or ""} - {""}
    return Provider(
        issuer=written.issuer,
        audiences=frozenset(written.audience),
        parties=frozenset(parties),
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
