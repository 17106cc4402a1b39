"""Who may see, make and end which keys: nobody gets one that may do more than they hand out."""

from collections.abc import Collection
from typing import Final

from gateway.admin.access import Caller
from gateway.admin.problems import Problem
from gateway.roles import Permission, Role
from gateway.store.keys import KeyNotFound, Keys
from gateway.store.stored_key import StoredKey

_PLAIN: Final = frozenset[str]({Role.DEVELOPER})
_OF_TEAMS: Final = frozenset[str]({Role.DEVELOPER, Role.TEAM_LEAD})


class KeyRights:
    """All raise a problem (403, or 404 for a key that the caller does not see)."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def visible(self, caller: Caller, key_id: str) -> StoredKey:
        """The key of this id, where the caller may see it."""
        own = caller.team_within(Permission.READ_CONFIGURATION, Permission.READ_OWN_TEAM, None)
        try:
            key = await self._keys.find(key_id)
        except KeyNotFound:
            raise _unknown(key_id) from None
        if own is not None and key.team != own:
            raise _unknown(key_id)
        return key

    def team_to_make_in(self, caller: Caller, team: str | None) -> str | None:
        """The team that a key is asked for; a team lead's is the own one."""
        if caller.may(Permission.MANAGE_KEYS):
            return team
        own = caller.identity.team
        if team not in (None, own) or not _manages(caller, own):
            raise caller.refused(Permission.MANAGE_KEYS, Permission.MANAGE_OWN_TEAM_KEYS)
        return own

    def may_make(
        self, caller: Caller, team: str, roles: Collection[str], subject: str | None = None
    ) -> None:
        """Keys of developers take one permission, other roles one more, and somebody else."""
        if not _manages(caller, team):
            raise caller.refused(Permission.MANAGE_KEYS, Permission.MANAGE_OWN_TEAM_KEYS)
        if _PLAIN.issuperset(roles):
            return
        caller.must(Permission.MANAGE_ROLES)
        if subject == caller.identity.subject:
            told = "nobody gives roles to themselves: somebody else makes this key"
            raise Problem(403, "own_roles", told)

    def may_rotate(self, caller: Caller, key: StoredKey) -> None:
        """Whoever rotates a key holds it; so as with making one, but for the caller's own."""
        is_own = key.id == caller.identity.credential_id
        self.may_make(caller, key.team, _PLAIN if is_own else key.roles)

    def may_end(self, caller: Caller, key: StoredKey) -> None:
        """A lead ends those of the team's people, not those of whoever runs the gateway."""
        if caller.may(Permission.MANAGE_KEYS):
            return
        if not _manages(caller, key.team) or not _OF_TEAMS.issuperset(key.roles):
            raise caller.refused(Permission.MANAGE_KEYS)

    async def team_to_end_in(self, caller: Caller, subject: str, is_service: bool) -> str | None:
        """The team in which all keys of somebody are to end; None for all teams."""
        if caller.may(Permission.MANAGE_KEYS):
            return None
        caller.must(Permission.MANAGE_OWN_TEAM_KEYS)
        for key in await self._keys.of_subject(subject, is_service=is_service):
            if key.team == caller.identity.team:
                self.may_end(caller, key)
        return caller.identity.team


def _manages(caller: Caller, team: str) -> bool:
    if caller.may(Permission.MANAGE_KEYS):
        return True
    return caller.may(Permission.MANAGE_OWN_TEAM_KEYS) and caller.identity.team == team


def _unknown(key_id: str) -> Problem:
    return Problem(404, "unknown_key", f"there is no key {key_id!r}; GET /admin/v1/keys lists them")
