"""Who asks, and what they may see and change here."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends
from starlette.requests import Request

from gateway.admin.problems import Problem
from gateway.roles import PERMISSIONS, Permission, permits
from gateway.store.changes import Actor
from policy.types import Identity

CALLER: Final = "gatehouse.caller"
"""Stands in a request's scope, put there by `gateway.admin.guard`."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose key is good; what they may do depends on their roles."""

    identity: Identity

    @property
    def actor(self) -> Actor:
        """As the ledger names who changes something."""
        return Actor.caller(self.identity)

    def may(self, permission: Permission) -> bool:
        """Whether a role of theirs has the permission."""
        return permits(self.identity.roles, permission)

    def must(self, permission: Permission) -> None:
        """Raise a problem (403) where they may not."""
        if not self.may(permission):
            raise self.refused(permission)

    def refused(self, *lacking: Permission) -> Problem:
        """What they are told that lack these permissions, any of which would do."""
        named = " or ".join(lacking)
        having = [role for role, all_of in PERMISSIONS.items() if not all_of.isdisjoint(lacking)]
        yours = ", ".join(sorted(self.identity.roles)) or "no role"
        return Problem(
            403,
            "permission_missing",
            f"this takes the permission {named}, which {', '.join(having)} have; "
            f"this key has the role {yours}",
        )

    def team_within(self, wide: Permission, own: Permission, team: str | None) -> str | None:
        """The team that a question is narrowed to: the one asked for, or the caller's own where
        they may see no other; None for all.

        Raises a problem (403) where they may see neither, or another one was asked for.
        """
        if self.may(wide):
            return team
        if not self.may(own):
            raise self.refused(wide, own)
        mine = self.identity.team
        if team not in (None, mine):
            raise Problem(
                403,
                "other_team",
                f"this key sees its own team, {mine}, only; other teams take the permission {wide}",
            )
        return mine


async def caller_of(request: Request) -> Caller:
    """The caller that the guard has let in."""
    caller = request.scope[CALLER]
    assert isinstance(caller, Caller)
    return caller


Asking = Annotated[Caller, Depends(caller_of)]
