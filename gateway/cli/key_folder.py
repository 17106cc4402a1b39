"""The keys of a data folder, looked after also while a gateway runs on it."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from gateway.cli import key_wishes
from gateway.cli.data import opened_database
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.key_facts import Facts, facts_of
from gateway.settings import operating_user, read_running

if TYPE_CHECKING:
    from gateway.store.changes import Actor
    from gateway.store.database import Database
    from gateway.store.keys import Keys
    from gateway.virtual_key import KeyIssuer

T = TypeVar("T")

_SETTLING_SECONDS: Final = 1.3


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
            lambda: key_wishes.names_of(*key_wishes.named_in(self._config, self._folder)),
        )
        until = None if wish.lifetime_us is None else _now_unix_us() + wish.lifetime_us

        async def issue(issuer: "KeyIssuer", _: "Keys") -> tuple[str, Facts]:
            issued = await issuer.issue(
                team, wish.subject, wish.roles, until, scope=scope, is_service=wish.is_service
            )
            (facts,) = facts_of([issued.stored], _now_unix_us())
            return issued.secret.reveal(), facts

        return self._change(issue)

    def rotate(self, key_id: str, overlap_us: int) -> tuple[str, Facts, Facts]:
        """A key's successor, what may be told of it, and of the key itself."""

        async def replace(issuer: "KeyIssuer", _: "Keys") -> tuple[str, Facts, Facts]:
            issued, old = await issuer.rotate(key_id, overlap_us)
            before, after = facts_of([old, issued.stored], _now_unix_us())
            return issued.secret.reveal(), after, before

        return self._change(replace)

    def list(self) -> Sequence[Facts]:
        """Every key there has been, oldest first."""
        return asyncio.run(self._list())

    def revoke(self, key_id: str) -> Facts:
        """End a key."""

        async def end(_: "KeyIssuer", keys: "Keys") -> Facts:
            revoked = await keys.revoke(key_id, _now_unix_us(), _by())
            return facts_of([revoked], _now_unix_us())[0]

        return self._change(end)

    def revoke_all_of(self, subject: str, *, is_service: bool) -> Sequence[Facts]:
        """End all keys of a user, or of a service."""

        async def end_all(_: "KeyIssuer", keys: "Keys") -> Sequence[Facts]:
            now = _now_unix_us()
            ended = await keys.revoke_all_of(subject, now, _by(), is_service=is_service)
            return facts_of(ended, _now_unix_us())

        return self._change(end_all)

    async def _list(self) -> Sequence[Facts]:
        from gateway.store.keys import Keys

        async with opened_database(self._folder) as database:
            return facts_of(await Keys(database).list(), _now_unix_us())

    def _change(self, change: "Callable[[KeyIssuer, Keys], Awaitable[T]]") -> T:
        """What was asked for, once a running gateway knows of it."""
        changed = asyncio.run(self._changed(change))
        until_known(self._folder)
        return changed

    async def _changed(self, change: "Callable[[KeyIssuer, Keys], Awaitable[T]]") -> T:
        from gateway.store.database import StoreError
        from gateway.store.keys import KeyCannotBeReplaced, KeyNotFound

        async with opened_database(self._folder) as database:
            try:
                return await change(*self._tools(database))
            except StoreError as error:
                raise CommandFailed(str(error), Exit.DATA) from error
            except KeyNotFound as error:
                raise CommandFailed(str(error), Exit.NOT_FOUND) from error
            except KeyCannotBeReplaced as error:
                raise CommandFailed(str(error)) from error
            except ValueError as error:
                raise CommandFailed(str(error), Exit.USAGE) from error

    def _tools(self, database: "Database") -> "tuple[KeyIssuer, Keys]":
        from gateway.store.keys import Keys
        from gateway.virtual_key import Hasher, KeyIssuer, load_pepper

        hasher, keys = Hasher(load_pepper(self._folder, os.urandom)), Keys(database)
        made = KeyIssuer(keys, hasher, by=_by(), unix_us=_now_unix_us, random_bytes=os.urandom)
        return made, keys


def until_known(folder: Path) -> None:
    """Give a running gateway the time to look: it asks for changed keys once a second."""
    running = read_running(folder)
    if running is not None and running.is_alive:
        time.sleep(_SETTLING_SECONDS)


def _by() -> "Actor":
    """Who types this command, as the ledger names them."""
    from gateway.store.changes import Actor

    return Actor.os_user(operating_user())


def _now_unix_us() -> int:
    return time.time_ns() // 1000
