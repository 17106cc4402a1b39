"""What must hold of the section `identity`: teams exist, subjects stay apart, somebody comes in."""

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from gateway.configuration.identity_document import (
    LOOPBACK,
    IdentityDocument,
    LoginDocument,
    ProviderDocument,
)
from gateway.configuration.identity_settings import signing_in
from gateway.configuration.problems import Path, suggestion
from gateway.roles import why_apart

PROMISED_SECONDS: Final = 45
"""Up to this `recheck_seconds` who has left loses access within a minute (docs/identity.md)."""

Found = Iterator[tuple[Path, str]]


def check_identity(written: IdentityDocument, teams: Sequence[str]) -> Found:
    """Every problem: the path of what to change, and what to change it to."""
    for at, provider in enumerate(written.oidc):
        path: Path = ("identity", "oidc", at)
        yield from _check_provider(path, provider, teams)
        yield from _check_apart(path, provider, written.oidc[:at])
    if written.login is not None:
        yield from _check_login(("identity", "login"), written.login, written)


def identity_notices(written: IdentityDocument) -> Iterator[str]:
    """What is no error but lets in more than somebody may have meant."""
    for provider in written.oidc:
        for pattern in provider.services:
            before = pattern.partition("*")[0]
            if "*" in pattern and (not before or before[-1].isalnum()):
                yield (
                    f"identity: the service pattern {pattern} of {provider.issuer} has its `*` "
                    f"after {before[-1:] or 'nothing'}: names that only begin so match too"
                )
    if written.login is not None and written.login.recheck_seconds > PROMISED_SECONDS:
        yield (
            f"identity: by login.recheck_seconds {written.login.recheck_seconds} who leaves may go "
            f"on for more than a minute; up to {PROMISED_SECONDS} they may not"
        )


def _check_provider(path: Path, provider: ProviderDocument, teams: Sequence[str]) -> Found:
    if not provider.audience and provider.client_id is None:
        yield path, "needs an audience, to take its tokens, or a client_id, to let people sign in"
    if not (provider.teams or provider.default_team or provider.services):
        yield path, "lets nobody in: add teams, a default_team or services"
    if provider.client_secret is not None and provider.client_id is None:
        yield (*path, "client_secret"), "is the secret of no client; add client_id"
    if provider.client_id is not None and "openid" not in provider.scopes:
        yield (*path, "scopes"), "needs `openid`: without it the provider does not say who it is"
    for field, named in (("teams", provider.teams), ("services", provider.services)):
        for name, team in named.items():
            yield from _check_team((*path, field, name), team, teams)
    if provider.default_team is not None:
        yield from _check_team((*path, "default_team"), provider.default_team, teams)
    for group, roles in provider.roles.items():
        why = why_apart(frozenset(roles))
        if why is not None:
            yield (*path, "roles", group), f"{why}; give one of them to another group"


def _check_team(path: Path, team: str, teams: Sequence[str]) -> Found:
    if team not in teams:
        yield path, f"names a team that is not under teams: {team}{suggestion(team, teams)}"


def _check_apart(
    path: Path, provider: ProviderDocument, before: Sequence[ProviderDocument]
) -> Found:
    """The same subject of two providers must not become one person."""
    for other in before:
        if provider.issuer == other.issuer:
            yield (*path, "issuer"), f"{provider.issuer} is here twice; keep one"
        elif provider.subject_prefix == other.subject_prefix:
            yield (
                path,
                f"the subjects of {provider.issuer} and {other.issuer} could not be told apart; "
                f"give one of them a subject_prefix of its own, like `ci:`",
            )


def _check_login(path: Path, login: LoginDocument, written: IdentityDocument) -> Found:
    found = signing_in(written)
    named = [each.issuer for each in written.oidc]
    if login.issuer is not None and login.issuer not in named:
        hint = suggestion(login.issuer, named)
        yield (*path, "issuer"), f"names no issuer of identity.oidc{hint}"
    elif not found:
        yield path, "needs a provider with a client_id under identity.oidc"
    elif len(found) > 1:
        listed = ", ".join(each.issuer for each in found)
        yield path, f"several providers have a client_id; say with issuer which one: {listed}"
    parts = urlsplit(login.url)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        yield (
            (*path, "url"),
            "people sign in over https:// only, but on this machine; give the address of the "
            "proxy that ends TLS before the gateway",
        )
