"""Who may do what: roles, the permissions each has, and what no one role has together."""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What somebody, or a key, is there for. One may have several; they add up."""

    ADMIN = "admin"  # sets an installation up: everything but models and content
    DEVELOPER = "developer"  # reaches models
    TEAM_LEAD = "team_lead"  # keys and usage of the own team
    PLATFORM = "platform"  # runs the gateway: vendors, models, keys, caps
    SECURITY = "security"  # answers for policy, registers and exceptions
    AUDITOR = "auditor"  # reads everything, changes nothing
    FINANCE = "finance"  # reads what was spent


class Permission(StrEnum):
    """One thing that can be allowed."""

    USE_MODELS = "use_models"
    READ_OWN_TEAM = "read_own_team"  # its usage, keys and caps
    MANAGE_OWN_TEAM_KEYS = "manage_own_team_keys"
    READ_USAGE = "read_usage"  # of all teams
    READ_CONFIGURATION = "read_configuration"  # teams, models, policy, registers, keys, caps
    READ_LEDGER = "read_ledger"
    READ_CONTENT = "read_content"  # of prompts, where any is kept
    READ_METRICS = "read_metrics"
    MANAGE_KEYS = "manage_keys"
    MANAGE_ROLES = "manage_roles"
    CHANGE_POLICY = "change_policy"  # roll back, take over, propose
    APPROVE_POLICY = "approve_policy"
    OPEN_BREAK_GLASS = "open_break_glass"
    APPROVE_BREAK_GLASS = "approve_break_glass"


_READS: Final = frozenset(
    {Permission.READ_USAGE, Permission.READ_CONFIGURATION, Permission.READ_METRICS}
)

PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.ADMIN: frozenset(Permission) - {Permission.USE_MODELS, Permission.READ_CONTENT},
        Role.DEVELOPER: frozenset({Permission.USE_MODELS}),
        Role.TEAM_LEAD: frozenset({Permission.READ_OWN_TEAM, Permission.MANAGE_OWN_TEAM_KEYS}),
        Role.PLATFORM: _READS
        | {Permission.MANAGE_KEYS, Permission.CHANGE_POLICY, Permission.OPEN_BREAK_GLASS},
        Role.SECURITY: _READS
        | {
            Permission.READ_LEDGER,
            Permission.APPROVE_POLICY,
            Permission.OPEN_BREAK_GLASS,
            Permission.APPROVE_BREAK_GLASS,
        },
        Role.AUDITOR: _READS | {Permission.READ_LEDGER, Permission.READ_CONTENT},
        Role.FINANCE: frozenset({Permission.READ_USAGE}),
    }
)
"""The auditor changes nothing; who runs the gateway reads no content and approves no policy."""


@lru_cache(maxsize=256)
def permissions_of(roles: frozenset[str]) -> frozenset[Permission]:
    """All that these roles may do together; a role that does not exist may do nothing."""
    known = [PERMISSIONS[Role(each)] for each in roles if each in set(Role)]
    return frozenset[Permission]().union(*known)


def permits(roles: frozenset[str], permission: Permission) -> bool:
    """Whether any of these roles has the permission."""
    return permission in permissions_of(roles)


CHANGES: Final = frozenset(
    {
        Permission.MANAGE_OWN_TEAM_KEYS,
        Permission.MANAGE_KEYS,
        Permission.MANAGE_ROLES,
        Permission.CHANGE_POLICY,
        Permission.APPROVE_POLICY,
        Permission.OPEN_BREAK_GLASS,
        Permission.APPROVE_BREAK_GLASS,
    }
)
"""Permissions to change what an auditor looks into."""


def why_apart(roles: frozenset[str]) -> str | None:
    """Why these roles may not be one subject's; None where they may.

    An auditor who also changes things would look into their own work.
    """
    if Role.AUDITOR not in roles:
        return None
    changing = sorted(each for each in roles if permissions_of(frozenset({each})) & CHANGES)
    if not changing:
        return None
    return f"an auditor changes nothing, and {' and '.join(changing)} may: one would audit oneself"


def held_apart(roles: frozenset[str]) -> frozenset[str]:
    """The roles without those that an auditor may not have besides: reading stays."""
    if why_apart(roles) is None:
        return roles
    return frozenset(each for each in roles if not permissions_of(frozenset({each})) & CHANGES)
