"""What a data folder knows of people and services, also while a gateway runs on it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.cli.acting import acting_user, until_known
from gateway.cli.data import opened_database, opened_whole
from gateway.cli.exits import CommandFailed, Exit

if TYPE_CHECKING:
    from gateway.roles import Role
    from gateway.store.people import Person
    from gateway.store.stored_subject import StoredSubject
    from gateway.store.subjects import Subjects

_PAGE: Final = 500


class FolderSubjects:
    """Changes are in the ledger in the name of whoever types the command.

    As `gateway.cli.ports.Subjects` says.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def list(self) -> "Sequence[StoredSubject]":
        """Everybody who is blocked or was granted a role."""
        return asyncio.run(self._list())

    def everybody(self, team: str | None) -> "Sequence[Person]":
        """Everybody who has or had a key, or has asked."""
        return asyncio.run(self._everybody(team))

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

    async def _everybody(self, team: str | None) -> "Sequence[Person]":
        from gateway.store.people import People
        from gateway.store.rollup import Rollup

        found: list[Person] = []
        async with opened_whole(self._folder) as database:
            await Rollup(database).catch_up()
            people = People(database)
            while True:
                last = (found[-1].subject, found[-1].is_service) if found else None
                page = await people.page(_now(), _PAGE, team=team, after=last)
                found += page
                if len(page) < _PAGE:
                    return found

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
