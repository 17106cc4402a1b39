"""Check what a key is asked to be against the configuration that a running gateway goes by."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.configured import Named, configuration_path, read_names
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.times import parse_duration

if TYPE_CHECKING:
    from gateway.roles import Role
    from policy.types import Scope

LONGEST_DAYS = 36_500
_DEFAULT_TEAMS = ("default",)  # of the embedded default


def named_in(config: Path | None, folder: Path) -> tuple[Path | None, Named | None]:
    """The configuration in question and what it names; nothing for the embedded default."""
    path = configuration_path(config, folder, Path.cwd())
    return path, None if path is None else read_names(path)


def team_of(given: str | None, path: Path | None, named: Named | None) -> str:
    """The team, when the configuration names it."""
    known = _DEFAULT_TEAMS if named is None else tuple(named.teams)
    listed = ", ".join(known)
    if given is None:
        raise CommandFailed(f"say for which team, with --team; there are: {listed}", Exit.USAGE)
    if given not in known:
        source = path or "the embedded default"
        raise CommandFailed(f"there is no team {given!r}; {source} names: {listed}", Exit.NOT_FOUND)
    return given


def administrators(team: str | None, scoped: Sequence[str]) -> str:
    """The team of keys whose roles are about no team; they have no scope, for no model is asked."""
    from gateway.first_start import ADMINISTRATORS

    if team not in (None, ADMINISTRATORS):
        raise CommandFailed(
            f"a key of such a role belongs to {ADMINISTRATORS}; leave --team out", Exit.USAGE
        )
    if scoped:
        raise CommandFailed(
            "a key of such a role does not reach models: leave --model and --network out",
            Exit.USAGE,
        )
    return ADMINISTRATORS


def roles_of(names: Sequence[str]) -> "frozenset[Role]":
    """The roles named, or developer; they must be such that one key may have them together."""
    from gateway.cli.roles import role_named
    from gateway.roles import Role, why_apart

    roles = frozenset(map(role_named, names)) or frozenset({Role.DEVELOPER})
    why = why_apart(frozenset(each.value for each in roles))
    if why is not None:
        raise CommandFailed(f"one key cannot have these roles: {why}", Exit.USAGE)
    return roles


def are_of_a_team(roles: "frozenset[Role]") -> bool:
    """Whether a key of these roles speaks for a team that the configuration names."""
    from gateway.roles import Role

    return bool(roles & {Role.DEVELOPER, Role.TEAM_LEAD})


def whose(user: str | None, service: str | None) -> tuple[str, bool]:
    """The one name given, and whether it is a service's."""
    if (user is None) == (service is None):
        raise CommandFailed(
            "say whose: either --user, or --service for what is no person", Exit.USAGE
        )
    return (service, True) if service is not None else (str(user), False)


def scope_of(
    models: Sequence[str], networks: Sequence[str], team: str, named: Named | None
) -> "Scope | None":
    """What the key is limited to: models of its team, and networks in CIDR form."""
    from gateway.store import stored_key

    if named is not None:
        _refuse_unknown(models, team, named)
    try:
        return stored_key.scope_of(frozenset(models), frozenset(networks))
    except ValueError as error:
        raise CommandFailed(str(error), Exit.USAGE) from error


def _refuse_unknown(models: Sequence[str], team: str, named: Named) -> None:
    aliases = {alias: model.name for model in named.models for alias in model.aliases}
    for each in models:
        if each in named.teams[team]:
            continue
        if each in aliases:
            raise CommandFailed(
                f"{each!r} is another name of {aliases[each]!r}: name that one", Exit.USAGE
            )
        listed = ", ".join(named.teams[team]) or "none"
        raise CommandFailed(
            f"team {team!r} has no model {each!r}; it has: {listed}", Exit.NOT_FOUND
        )


def microseconds(duration: str) -> int:
    """How long a key may hold."""
    parsed = parse_duration(duration)
    if parsed.days > LONGEST_DAYS:
        raise CommandFailed(f"a key holds {LONGEST_DAYS} days at most", Exit.USAGE)
    return parsed // timedelta(microseconds=1)
