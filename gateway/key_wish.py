"""What a key may be asked to be: of a team there is, limited to models of that team."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.roles import Permission, Role, permits

ADMINISTRATORS: Final = "administrators"
"""The team of keys that belong to no team of the configuration."""

IN_A_TEAM: Final = frozenset({Role.DEVELOPER, Role.TEAM_LEAD})
"""Roles that mean nothing without a team."""


class WishRefused(ValueError):
    """A key cannot be as it was asked for; the message says why, and what to do."""


class NotNamed(WishRefused):
    """The configuration names no such team or model."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a configuration names: teams with their models, aliases with theirs.

    `source` is what messages call it. None for a team's models: they are not known here.
    """

    source: str
    teams: Mapping[str, Sequence[str] | None]
    aliases: Mapping[str, str]


NO_NAMES: Final = Names("", {}, {})


def team_for(roles: Collection[Role], team: str | None, names: Names) -> str:
    """The team of a key with these roles. Raises `WishRefused`."""
    if IN_A_TEAM.isdisjoint(roles):
        if team in (None, ADMINISTRATORS):
            return ADMINISTRATORS
        raise WishRefused(
            f"a key of no developer and no team lead belongs to {ADMINISTRATORS}: name no team"
        )
    listed = ", ".join(names.teams)
    if team is None:
        raise WishRefused(f"say for which team; there are: {listed}")
    if team not in names.teams:
        raise NotNamed(f"there is no team {team[:80]!r}; {names.source} names: {listed}")
    return team


def refuse_scope(
    roles: frozenset[Role], models: Sequence[str], networks: Sequence[str], team: str, names: Names
) -> None:
    """Raise `WishRefused` for limits that such a key cannot have."""
    if not models and not networks:
        return
    if not permits(roles, Permission.USE_MODELS):
        raise WishRefused("a key without the role developer does not reach models: limit it not")
    has = names.teams.get(team, ())
    for each in models:
        if has is None or each in has:
            continue
        if each in names.aliases:
            meant = names.aliases[each]
            raise WishRefused(f"{each!r} is another name of {meant!r}: name that one")
        listed = ", ".join(has) or "none"
        raise NotNamed(f"team {team!r} has no model {each[:80]!r}; it has: {listed}")
