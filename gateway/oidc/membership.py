"""Whom verified claims stand for: a person of teams with roles, or a service of one team."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.configuration.identity_settings import Provider
from gateway.oidc.refused import Cause, TokenRefused
from gateway.oidc.token import Claims
from gateway.roles import Role

LONGEST_SUBJECT: Final = 200
MOST_GROUPS: Final = 2000
_LONGEST_GROUP: Final = 500
_DEVELOPER: Final = frozenset({Role.DEVELOPER.value})


@dataclass(frozen=True, slots=True)
class Member:
    """Whom a token stands for. `teams` are in the configuration's order; the first holds.

    Who is in a team is a developer; who is in none may have other roles.
    """

    subject: str
    is_service: bool
    teams: tuple[str, ...]
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a provider says of somebody, before it is held against the configuration."""

    subject: str
    groups: tuple[str, ...]


def claimed(claims: Claims, provider: Provider) -> Claimed:
    """Who it is, and in which groups, as the provider says. Raises `TokenRefused`."""
    subject = _subject(claims, provider)
    return Claimed(subject, relevant(_groups(claims, provider), provider))


def relevant(groups: Iterable[str], provider: Provider) -> tuple[str, ...]:
    """The groups that the configuration names, each once; the rest is nobody's business here."""
    meant = {*(group for group, _ in provider.teams), *provider.roles}
    return tuple(sorted(meant.intersection(groups)))


def member(who: Claimed, provider: Provider) -> Member:
    """Which teams and roles that makes here; nothing, where nothing of theirs is named."""
    named = provider.subject_prefix + who.subject
    for pattern, team in provider.services:
        if matches(pattern, who.subject):
            return Member(named, True, (team,), _DEVELOPER)
    teams = [team for group, team in provider.teams if group in who.groups]
    if not teams and provider.default_team is not None:
        teams = [provider.default_team]
    roles = frozenset[str]().union(*(provider.roles.get(each, ()) for each in who.groups))
    if teams:
        roles |= _DEVELOPER
    return Member(named, False, tuple(dict.fromkeys(teams)), roles)


def has_groups(claims: Claims, provider: Provider) -> bool:
    """Whether the claims say anything about groups."""
    return _at(claims, provider.groups_claim) is not None


def matches(pattern: str, subject: str) -> bool:
    """Whether a subject is as the pattern has it; `*` stands for any characters, also none.

    Letter case counts: a provider may tell two subjects apart by it.
    """
    first, *runs = pattern.split("*")
    if not runs:
        return subject == pattern
    *middle, last = runs
    if not subject.startswith(first) or len(subject) < len(first) + len(last):
        return False
    at, end = len(first), len(subject) - len(last)
    for run in middle:
        found = subject.find(run, at, end)
        if found < 0:
            return False
        at = found + len(run)
    return subject.endswith(last)


def _subject(claims: Claims, provider: Provider) -> str:
    name = provider.subject_claim
    subject = _at(claims, name)
    if not isinstance(subject, str) or not subject:
        raise TokenRefused(Cause.NO_SUBJECT, f"it has no text under {name}")
    must_be_verified = name == "email" and provider.require_verified_email
    if must_be_verified and claims.get("email_verified") is not True:
        raise TokenRefused(Cause.UNVERIFIED_EMAIL, "its email is not said to be verified")
    wrong = _why_no_name(provider.subject_prefix + subject, provider)
    if wrong is not None:
        raise TokenRefused(Cause.NO_SUBJECT, f"what it has under {name} {wrong}")
    # Lower case comes last: it would make a K of the Kelvin sign, which is another's address.
    return subject.lower() if name == "email" else subject


def _why_no_name(named: str, provider: Provider) -> str | None:
    if len(named) > LONGEST_SUBJECT or not named.isprintable():
        return "is no name that could be kept"
    if not unicodedata.is_normalized("NFC", named):
        return "could be written in two ways"
    return "begins like another issuer's" if named.startswith(_longer(provider)) else None


def _longer(provider: Provider) -> tuple[str, ...]:
    return tuple(
        each for each in provider.foreign_prefixes if len(each) > len(provider.subject_prefix)
    )


def _groups(claims: Claims, provider: Provider) -> Sequence[str]:
    name = provider.groups_claim
    found = _at(claims, name)
    if found is None:
        elsewhere = claims.get("_claim_names")
        if isinstance(elsewhere, dict) and name in elsewhere:
            raise TokenRefused(
                Cause.WRONG_CLAIM,
                f"it says that {name} would be too long: let the provider send "
                "only groups that are assigned to this application",
            )
        return ()
    groups = [found] if isinstance(found, str) else found
    if (
        not isinstance(groups, list)
        or len(groups) > MOST_GROUPS
        or not all(isinstance(each, str) and len(each) <= _LONGEST_GROUP for each in groups)
    ):
        raise TokenRefused(Cause.WRONG_CLAIM, f"what it has under {name} is no list of groups")
    return groups


def _at(claims: Claims, name: str) -> object:
    """A claim by its name, else by the path that its name is."""
    if name in claims:
        return claims[name]
    found: object = claims
    for step in name.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found
