"""What a data folder knows of people and services, also while a gateway runs on it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.acting import acting_user, until_known
from gateway.cli.data import opened_database
from gateway.cli.exits import CommandFailed, Exit

if TYPE_CHECKING:
    from gateway.roles import Role
    from gateway.store.stored_subject import StoredSubject
    from gateway.store.subjects import Subjects


class FolderSubjects:
    """Changes are in the ledger in the name of whoever types the command.

    As `gateway.cli.ports.Subjects` says.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def list(self) -> "Sequence[StoredSubject]":
        """Everybody who is blocked or was granted a role."""
        return asyncio.run(self._list())

    def block(self, name: str, *, is_service: bool) -> "StoredSubject":
        """Take nothing of theirs any more."""
        return self._change(
            lambda known: known.block(name, _now(), acting_user(), is_service=is_service)
        )

    def unblock(self, name: str, *, is_service: bool) -> "StoredSubject":
        """Take again what holds of theirs."""
        return self._change(
            lambda known: known.unblock(name, _now(), acting_user(), is_service=is_service)
        )

    def grant(self, user: str, role: "Role") -> "StoredSubject":
        """Give a person a role."""
        return self._change(lambda known: known.grant(user, role, _now(), acting_user()))

    def take_back(self, user: str, role: "Role") -> "StoredSubject":
        """Take a granted role back."""
        return self._change(lambda known: known.take_back(user, role, _now(), acting_user()))

    async def _list(self) -> "Sequence[StoredSubject]":
        from gateway.store.subjects import Subjects

        async with opened_database(self._folder) as database:
            return await Subjects(database).list()

    def _change(self, change: "Callable[[Subjects], Awaitable[StoredSubject]]") -> "StoredSubject":
        """What was asked for, once a running gateway knows of it."""
        changed = asyncio.run(self._changed(change))
        until_known(self._folder)
        return changed

    async def _changed(
        self, change: "Callable[[Subjects], Awaitable[StoredSubject]]"
    ) -> "StoredSubject":
        from gateway.store.stored_subject import RoleNotGranted, RolesStayApart, SubjectBlocked
        from gateway.store.subjects import Subjects

        async with opened_database(self._folder) as database:
            try:
                return await change(Subjects(database))
            except RoleNotGranted as error:
                raise CommandFailed(str(error), Exit.NOT_FOUND) from error
            except (RolesStayApart, SubjectBlocked) as error:
                raise CommandFailed(str(error)) from error
            except ValueError as error:
                raise CommandFailed(str(error), Exit.USAGE) from error


def _now() -> int:
    return time.time_ns() // 1000
