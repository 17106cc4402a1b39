"""The exceptions that a data folder knows of, opened and closed also while a gateway runs on it."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.acting import until_known
from gateway.cli.by_whom import by_whom, now_unix_us
from gateway.cli.data import opened_database, opened_ledger
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.glass_wishes import refuse_unfit
from gateway.cli.in_force import configuration_in_force
from gateway.cli.opened_glasses import known_glasses

if TYPE_CHECKING:
    from gateway.acting import Acting
    from gateway.break_glass import BreakGlassDesk, Wanted
    from gateway.store.passed import Passed
    from gateway.store.stored_break_glass import StoredBreakGlass
    from policy.break_glass import BreakGlassTerms


class FolderGlasses:
    """Changes are in the ledger in the name of whose `key` it is, else of the machine's user;
    `config` is the configuration that was named. As `gateway.cli.ports.Glasses` says."""

    def __init__(self, folder: Path, config: Path | None, key: str | None) -> None:
        self._folder = folder
        self._config = config
        self._key = key

    def open(self, wanted: "Wanted") -> "StoredBreakGlass":
        """Open one, or propose it where it takes two people."""
        configuration = configuration_in_force(self._config, self._folder)
        refuse_unfit(wanted.lifts, wanted.match, configuration)
        return self._asked(configuration.break_glass, lambda desk, by: desk.open(wanted, by))

    def approve(self, glass_id: str) -> "StoredBreakGlass":
        """Open what somebody else has proposed."""
        terms = configuration_in_force(self._config, self._folder).break_glass
        return self._asked(terms, lambda desk, by: desk.approve(glass_id, by))

    def close(self, glass_id: str) -> "StoredBreakGlass":
        """End one before its time, or withdraw a proposal."""
        from policy.break_glass import USUAL_TERMS

        return self._asked(USUAL_TERMS, lambda desk, by: desk.close(glass_id, by))

    def list(self) -> "Sequence[StoredBreakGlass]":
        """Every one there has been, oldest first."""
        return known_glasses(self._folder)

    def story(self, glass_id: str) -> "tuple[StoredBreakGlass, Sequence[Passed]]":
        """One of them, and what passed because of it."""
        return asyncio.run(self._story(glass_id))

    def _asked(
        self,
        terms: "BreakGlassTerms",
        ask: "Callable[[BreakGlassDesk, Acting], Awaitable[StoredBreakGlass]]",
    ) -> "StoredBreakGlass":
        """What was asked of the desk, once a running gateway knows of it."""
        glass = asyncio.run(self._at_the_desk(terms, ask))
        until_known(self._folder)
        return glass

    async def _at_the_desk(
        self,
        terms: "BreakGlassTerms",
        ask: "Callable[[BreakGlassDesk, Acting], Awaitable[StoredBreakGlass]]",
    ) -> "StoredBreakGlass":
        from gateway.break_glass import BreakGlassDesk, BreakGlassRefused
        from gateway.store.break_glasses import BreakGlasses, BreakGlassNotFound, BreakGlassStands

        async with opened_database(self._folder) as database:
            desk = BreakGlassDesk(BreakGlasses(database), terms, now_unix_us, os.urandom)
            try:
                return await ask(desk, await by_whom(database, self._folder, self._key))
            except BreakGlassNotFound as error:
                raise CommandFailed(str(error), Exit.NOT_FOUND) from error
            except (BreakGlassRefused, BreakGlassStands) as error:
                raise CommandFailed(str(error)) from error

    async def _story(self, glass_id: str) -> "tuple[StoredBreakGlass, Sequence[Passed]]":
        from gateway.store.break_glasses import BreakGlasses, BreakGlassNotFound
        from gateway.store.passed import passed_under

        async with opened_ledger(self._folder), opened_database(self._folder) as database:
            try:
                glass = await BreakGlasses(database).find(glass_id)
            except BreakGlassNotFound as error:
                raise CommandFailed(str(error), Exit.NOT_FOUND) from error
            since, until = glass.opened_unix_us, glass.admits_until_unix_us
            passed = () if since is None else await passed_under(database, glass.id, since, until)
            return glass, passed
