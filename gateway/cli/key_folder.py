"""The keys of a data folder, looked after also while a gateway runs on it."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gateway.cli import key_wishes
from gateway.cli.acting import acting_user, until_known
from gateway.cli.data import opened_database
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.in_force import names_in_force
from gateway.cli.key_facts import Facts, facts_of
from gateway.cli.storage import said_of
from gateway.settings import environment

if TYPE_CHECKING:
    from gateway.store.database import Database
    from gateway.virtual_key import Hasher, KeyIssuer

T = TypeVar("T")


class FolderKeys:
    """Changes are in the ledger in the name of whoever types the command. All raise
    `CommandFailed`.
    """

    def __init__(self, folder: Path, config: Path | None = None) -> None:
        self._folder = folder
        self._config = config

    def create(self, wish: key_wishes.KeyWish) -> tuple[str, Facts]:
        """A new key, and what may be told of it."""
        team, scope = key_wishes.checked(
            wish,
            lambda: key_wishes.names_of(*names_in_force(self._config, self._folder)),
        )
        until = None if wish.lifetime_us is None else _now_unix_us() + wish.lifetime_us

        async def issue(database: "Database") -> tuple[str, Facts]:
            issuer = await _issuer(self._folder, database)
            issued = await issuer.issue(
                team, wish.subject, wish.roles, until, scope=scope, is_service=wish.is_service
            )
            (facts,) = facts_of([issued.stored], _now_unix_us())
            return issued.secret.reveal(), facts

        return self._change(issue)

    def rotate(self, key_id: str, overlap_us: int) -> tuple[str, Facts, Facts]:
        """A key's successor, what may be told of it, and of the key itself."""

        async def replace(database: "Database") -> tuple[str, Facts, Facts]:
            issued, old = await (await _issuer(self._folder, database)).rotate(key_id, overlap_us)
            before, after = facts_of([old, issued.stored], _now_unix_us())
            return issued.secret.reveal(), after, before

        return self._change(replace)

    def list(self) -> Sequence[Facts]:
        """Every key there has been, oldest first."""
        return asyncio.run(self._list())

    def revoke(self, key_id: str) -> Facts:
        """End a key."""

        async def end(database: "Database") -> Facts:
            from gateway.store.keys import Keys

            revoked = await Keys(database).revoke(key_id, _now_unix_us(), acting_user())
            return facts_of([revoked], _now_unix_us())[0]

        return self._change(end)

    def revoke_all_of(self, subject: str, *, is_service: bool) -> Sequence[Facts]:
        """End all keys of a user, or of a service."""

        async def end_all(database: "Database") -> Sequence[Facts]:
            from gateway.store.keys import Keys

            keys, now = Keys(database), _now_unix_us()
            ended = await keys.revoke_all_of(subject, now, acting_user(), is_service=is_service)
            return facts_of(ended, now)

        return self._change(end_all)

    async def _list(self) -> Sequence[Facts]:
        from gateway.store.keys import Keys

        async with opened_database(self._folder) as database:
            return facts_of(await Keys(database).list(), _now_unix_us())

    def _change(self, change: "Callable[[Database], Awaitable[T]]") -> T:
        """What was asked for, once a running gateway knows of it."""
        changed = asyncio.run(self._changed(change))
        until_known(self._folder)
        return changed

    async def _changed(self, change: "Callable[[Database], Awaitable[T]]") -> T:
        from gateway.store.database import StoreError
        from gateway.store.keys import KeyCannotBeReplaced, KeyNotFound
        from gateway.store.stored_subject import RolesStayApart, SubjectBlocked

        async with opened_database(self._folder) as database:
            try:
                return await change(database)
            except StoreError as error:
                raise CommandFailed(str(error), Exit.DATA) from error
            except KeyNotFound as error:
                raise CommandFailed(str(error), Exit.NOT_FOUND) from error
            except (KeyCannotBeReplaced, RolesStayApart, SubjectBlocked) as error:
                raise CommandFailed(str(error)) from error
            except ValueError as error:
                raise CommandFailed(str(error), Exit.USAGE) from error


async def _issuer(folder: Path, database: "Database") -> "KeyIssuer":
    """Makes keys under the gateway's pepper. Raises `StoreError` or `CommandFailed`."""
    from gateway.store.keys import Keys
    from gateway.virtual_key import KeyIssuer

    return KeyIssuer(
        Keys(database),
        await hasher_of(folder, database),
        by=acting_user(),
        unix_us=_now_unix_us,
        random_bytes=os.urandom,
    )


async def hasher_of(folder: Path, database: "Database") -> "Hasher":
    """What makes digests of keys, under the gateway's pepper.

    Raises `StoreError` or `CommandFailed`.
    """
    from gateway.pepper import check_of, chosen_pepper
    from gateway.store.installation import hold_to_pepper
    from gateway.virtual_key import Hasher

    said = said_of(folder)
    make = os.urandom if said.address is None else None
    pepper = chosen_pepper(folder, said.pepper, environment(), make)
    await hold_to_pepper(database, check_of(pepper))
    return Hasher(pepper)


def _now_unix_us() -> int:
    return time.time_ns() // 1000
