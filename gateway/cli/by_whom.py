"""Who types a command that not everybody may: by their own key, else by the machine's user."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.key_folder import hasher_of
from gateway.cli.server import KEY_VARIABLE, own_key
from gateway.settings import operating_user

if TYPE_CHECKING:
    from gateway.acting import Acting
    from gateway.store.database import Database

OwnKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help=f"Your own key, which says who you are. Default: ${KEY_VARIABLE}; "
        "else the machine's user.",
    ),
]


async def by_whom(database: "Database", folder: Path, key: str | None) -> "Acting":
    """Whoever types this. A key that proves nothing is told where it is asked for something.

    Raises `CommandFailed` when the folder's secrets cannot be read.
    """
    from gateway.acting import Acting, acting
    from gateway.store.changes import Actor
    from gateway.store.database import StoreError
    from gateway.store.keys import Keys

    secret = key if key is not None else own_key()
    if secret is None:
        return Acting(Actor.os_user(operating_user()))
    try:
        hasher = await hasher_of(folder, database)
    except StoreError as error:
        raise CommandFailed(str(error), Exit.DATA) from error
    return await acting(Keys(database), hasher, operating_user(), secret)


def now_unix_us() -> int:
    """The time, in UTC microseconds."""
    return time.time_ns() // 1000
