"""`gatehouse policy versions` and `show`: the configurations that were in force, and their text."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gateway.cli import ports
from gateway.cli.changes_told import changes_in_short
from gateway.cli.configured import AnyName, shipped
from gateway.cli.data import opened_database
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import AsJson, Data, Server
from gateway.cli.output import note, print_json, print_line, print_table, print_text
from gateway.cli.state import state_at
from gateway.cli.times import format_unix_us
from gateway.settings import environment, read_running

if TYPE_CHECKING:
    from gateway.configuration.build import Configuration
    from gateway.configuration.orders import Order
    from gateway.configuration.stored import StoredConfiguration
    from gateway.store.versions import KnownVersion, Versions

T = TypeVar("T")

PREVIOUS = "previous"
"""In place of a digest: the version in force before the one that is."""

_TABLE = ("VERSION", "IN FORCE", "FIRST", "LAST", "#FILES", "CHANGED")


def versions(data: Data = None, server: Server = None, as_json: AsJson = False) -> None:
    """List the configurations that were in force, the newest first."""
    found = state_at(server, data).versions.list()
    if as_json:
        print_json(_object(each, found.in_force, found.pin) for each in found.known)
        return
    print_table(_TABLE, [_row(each, found.in_force, found.pin) for each in found.known])
    if found.pin is not None:
        note(_told(found.pin))
    for told in found.waiting:
        note(told)


def show(
    digest: Annotated[
        str, typer.Argument(metavar="DIGEST", help="Or its beginning, `previous`, or a proposal.")
    ],
    file: Annotated[
        str | None, typer.Option(metavar="NAME", help="This file alone, as it is.")
    ] = None,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Print the files of a version as they were written, but for keys that stood in them."""
    stored = state_at(server, data).versions.shown(digest)
    if file is not None:
        print_text(_text_of(stored, file))
        return
    if as_json:
        print_json(
            {
                "digest": stored.digest,
                "role": each.role,
                "name": each.name,
                "owner": each.owner,
                "text": each.text,
            }
            for each in stored.files
        )
        return
    for each in stored.files:
        print_line(f"# {each.name}")
        print_text(each.text)
    if not stored.files:
        note("Its files are not kept: there were none, or too much of them.")


def _text_of(stored: "StoredConfiguration", name: str) -> str:
    for each in stored.files:
        if each.name == name:
            return each.text
    names = ", ".join(each.name for each in stored.files) or "none"
    raise CommandFailed(f"that version has no file {name}; its files: {names}", Exit.NOT_FOUND)


def is_digest(text: str) -> bool:
    """Whether it may name a version: the beginning of a digest, `previous`, or a proposal."""
    return text == PREVIOUS or re.fullmatch("[0-9a-fA-F]{1,64}|pc_[a-z2-7]{12}", text) is not None


def wanted_version(versions: ports.Versions, digest: str) -> "Configuration":
    """A version as a configuration whose secrets need not be here."""
    from gateway.configuration.problems import ConfigurationError

    try:
        return made_again(versions.shown(digest))
    except ConfigurationError as error:
        raise CommandFailed(str(error), Exit.CONFIGURATION) from error


def made_again(stored: "StoredConfiguration") -> "Configuration":
    """A stored version as a configuration; secrets need not be here.

    Raises `ConfigurationError`.
    """
    from gateway.configuration.restore import restore

    path = Path(stored.source or "gatehouse.yaml")
    anything = AnyName(environment())
    return restore(stored, path, anything, shipped(), opens_secrets=False)


def pin_notices(folder: Path) -> Iterator[str]:
    """That a version is pinned for the gateway of a data folder, where one is.

    Nothing where no gateway has run; where it cannot be read, that is said.
    """
    from gateway.store.database import FILE_NAME

    async def read(kept: "Versions") -> "Order | None":
        return (await kept.standing()).pin

    if read_running(folder) is None and not (folder / FILE_NAME).is_file():
        return
    try:
        pin = in_versions(folder, read)
    except CommandFailed as failure:
        yield f"whether a version is pinned is not known: {failure.message}"
        return
    if pin is not None:
        yield f"{_told(pin)}; the files do not count until `gatehouse policy resume`"


def _told(pin: "Order") -> str:
    since = format_unix_us(pin.asked_unix_us)
    return f"version {(pin.digest or '')[:12]} is pinned since {since}, by {pin.by}: {pin.reason}"


def in_versions(folder: Path, do: "Callable[[Versions], Awaitable[T]]") -> T:
    """Do something with the versions of a data folder; what keeps us from it is one clear line."""

    async def opened() -> T:
        from gateway.store.versions import Versions

        async with opened_database(folder) as database:
            return await do(Versions(database))

    from gateway.configuration.orders import OrdersUnavailable, VersionNotFound

    try:
        return asyncio.run(opened())
    except VersionNotFound as error:
        raise CommandFailed(str(error), Exit.NOT_FOUND) from error
    except OrdersUnavailable as error:
        raise CommandFailed(
            f"the database cannot be used: {error}; try again", Exit.DATA
        ) from error


def _row(version: "KnownVersion", in_force: str | None, pin: "Order | None") -> tuple[object, ...]:
    return (
        version.digest[:12],
        _standing(version, in_force, pin),
        format_unix_us(version.first_unix_us),
        format_unix_us(version.last_unix_us),
        version.file_count,
        changes_in_short(version.changes),
    )


def _standing(version: "KnownVersion", in_force: str | None, pin: "Order | None") -> str:
    if pin is not None and pin.digest == version.digest:
        return "pinned"
    return "yes" if version.digest == in_force else ""


def _object(
    version: "KnownVersion", in_force: str | None, pin: "Order | None"
) -> dict[str, object]:
    return {
        "digest": version.digest,
        "in_force": version.digest == in_force,
        "pinned": pin is not None and pin.digest == version.digest,
        "first": format_unix_us(version.first_unix_us),
        "last": format_unix_us(version.last_unix_us),
        "source": version.source,
        "files": version.file_count,
        "bytes": version.size_bytes,
        **version.changes,
    }
