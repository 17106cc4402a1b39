"""Check what a key is asked to be against the configuration that a running gateway goes by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.cli.configured import Named
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.times import parse_duration

if TYPE_CHECKING:
    from gateway.key_wish import Names
    from gateway.roles import Role
    from policy.types import Scope

LONGEST_DAYS = 36_500
_DEFAULT_TEAM = "default"  # of the embedded default


@dataclass(frozen=True, slots=True)
class KeyWish:
    """A key as it is asked for. `lifetime_us` None: it holds for ever."""

    subject: str
    is_service: bool
    roles: "frozenset[Role]"
    team: str | None = None
    models: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    lifetime_us: int | None = None


def names_of(source: str, named: Named | None) -> "Names":
    """What a key may be asked to be limited to."""
    from gateway.key_wish import Names

    if named is None:
        return Names(source, {_DEFAULT_TEAM: None}, {})
    aliases = {alias: model.name for model in named.models for alias in model.aliases}
    return Names(source, named.teams, aliases)


def whose(user: str | None, service: str | None) -> tuple[str, bool]:
    """The one name given, and whether it is a service's."""
    if (user is None) == (service is None):
        raise CommandFailed(
            "say whose: either --user, or --service for what is no person", Exit.USAGE
        )
    return (service, True) if service is not None else (str(user), False)


def roles_of(given: Sequence[str], is_admin: bool) -> "frozenset[Role]":
    """What a key is for: a developer's, unless something else is said."""
    from gateway.roles import Role, why_apart

    named = [*given, *(["admin"] if is_admin else [])] or ["developer"]
    unknown = [each for each in named if each not in set(Role)]
    if unknown:
        listed = ", ".join(Role)
        raise CommandFailed(f"there is no role {unknown[0]!r}; there are: {listed}", Exit.USAGE)
    why = why_apart(frozenset(named))
    if why is not None:
        raise CommandFailed(f"one key cannot have these roles: {why}", Exit.USAGE)
    return frozenset(map(Role, named))


def checked(wish: KeyWish, read: "Callable[[], Names]") -> "tuple[str, Scope | None]":
    """The key's team and what it is limited to: models of its team, networks in CIDR form.

    What the configuration names is only read where that matters.
    """
    from gateway.key_wish import IN_A_TEAM, NO_NAMES, NotNamed, refuse_scope, team_for
    from gateway.store.stored_key import scope_of

    names = NO_NAMES if IN_A_TEAM.isdisjoint(wish.roles) else read()
    try:
        team = team_for(wish.roles, wish.team, names)
        refuse_scope(wish.roles, wish.models, wish.networks, team, names)
        return team, scope_of(frozenset(wish.models), frozenset(wish.networks))
    except NotNamed as error:
        raise CommandFailed(str(error), Exit.NOT_FOUND) from error
    except ValueError as error:
        raise CommandFailed(str(error), Exit.USAGE) from error


def microseconds(duration: str) -> int:
    """How long a key may hold."""
    parsed = parse_duration(duration)
    if parsed.days > LONGEST_DAYS:
        raise CommandFailed(f"a key holds {LONGEST_DAYS} days at most", Exit.USAGE)
    return parsed // timedelta(microseconds=1)
