"""`gatehouse key`: make, replace, list and revoke virtual keys, also while the gateway runs."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gateway.cli import key_wishes
from gateway.cli.data import opened_database
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.key_facts import facts_of, print_keys
from gateway.cli.options import AsJson, Config, Data, data_folder
from gateway.cli.output import note, print_json, print_line
from gateway.cli.storage import said_of
from gateway.cli.times import format_unix_us
from gateway.settings import environment, operating_user, read_running

if TYPE_CHECKING:
    from gateway.roles import Role
    from gateway.store.changes import Actor
    from gateway.store.database import Database
    from gateway.store.stored_key import StoredKey
    from gateway.virtual_key import Hasher, IssuedKey, KeyIssuer

T = TypeVar("T")

_SETTLING_SECONDS = 1.3

key = typer.Typer(
    help="Make, replace, list and revoke the keys by which clients are known.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_KEY_ID = typer.Argument(metavar="ID", help="As `gatehouse key list` has it.")


@key.command()
def create(
    user: Annotated[str | None, typer.Option(help="Whose key it is.")] = None,
    service: Annotated[
        str | None, typer.Option(help="Instead: what uses it that is no person, like a build.")
    ] = None,
    team: Annotated[
        str | None, typer.Option(help="The team it speaks for: one that the configuration names.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Only this model of the team's; may be repeated.")
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(metavar="CIDR", help="Only from this network; may be repeated."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How long it holds: 90d, 12h. Or ever.")
    ] = None,
    admin: Annotated[
        bool, typer.Option("--admin", help="An administrator's key: it cannot ask models.")
    ] = False,
    config: Config = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, this once. A running gateway knows it when this returns."""
    folder = data_folder(data)
    subject, is_service = key_wishes.whose(user, service)
    models, networks = model or (), network or ()
    scope = None
    if admin:
        chosen = key_wishes.administrators(team, (*models, *networks))
    else:
        path, named = key_wishes.named_in(config, folder)
        chosen = key_wishes.team_of(team, path, named)
        scope = key_wishes.scope_of(models, networks, chosen, named)
    until = None if expires is None else _now_unix_us() + key_wishes.microseconds(expires)
    issued = _obtain(
        folder,
        lambda issuer: issuer.issue(
            chosen, subject, _roles(admin), until, scope=scope, is_service=is_service
        ),
    )
    facts = facts_of([issued.stored], _now_unix_us())
    end = format_unix_us(issued.stored.expires_unix_us)
    whose = f"{issued.stored.id}, of {subject} in team {chosen}" + (f", until {end}" if end else "")
    _show(issued, facts, whose, as_json)


@key.command()
def rotate(
    key_id: Annotated[str, _KEY_ID],
    overlap: Annotated[
        str, typer.Option(metavar="DURATION", help="How long the old key holds on.")
    ] = "24h",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a key's successor, like it in all, and print it; the old key ends after the overlap."""
    folder = data_folder(data)
    overlap_us = key_wishes.microseconds(overlap)
    issued, old = _obtain(folder, lambda issuer: issuer.rotate(key_id, overlap_us))
    before, after = facts_of([old, issued.stored], _now_unix_us())
    until = format_unix_us(old.expires_unix_us)
    told = f"{issued.stored.id}, in place of {old.id}, which holds on until {until}"
    _show(issued, [after, before], told, as_json)


@key.command("list")
def list_keys(data: Data = None, as_json: AsJson = False) -> None:
    """List every key there has been. The keys themselves are kept nowhere."""
    facts = facts_of(asyncio.run(_stored(data_folder(data))), _now_unix_us())
    if as_json:
        print_json(facts)
    else:
        print_keys(facts)


@key.command()
def revoke(
    key_id: Annotated[str | None, _KEY_ID] = None,
    user: Annotated[
        str | None, typer.Option(help="Instead: every key of somebody who leaves.")
    ] = None,
    service: Annotated[str | None, typer.Option(help="Instead: every key of a service.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """End keys for good, and what runs under them. A running gateway refuses them on return."""
    if [key_id, user, service].count(None) != 2:
        raise CommandFailed("say which: an ID, --user or --service", Exit.USAGE)
    folder = data_folder(data)
    subject = service if user is None else user
    revoked = asyncio.run(_revoke(folder, key_id, subject, service is not None))
    until_known(folder)
    if as_json:
        print_json(facts_of(revoked, _now_unix_us()))
        return
    for each in revoked:
        note(f"{each.id} of {each.subject} in team {each.team} is revoked")


def until_known(folder: Path) -> None:
    """Give running gateways the time to look: they ask for what has changed once a second."""
    running = read_running(folder)
    if said_of(folder).address is not None or (running is not None and running.is_alive):
        time.sleep(_SETTLING_SECONDS)


def _show(
    issued: "IssuedKey", facts: Sequence[Mapping[str, object]], told: str, as_json: bool
) -> None:
    """Print a new key, this once. The first facts are its own."""
    secret = issued.secret.reveal()
    if as_json:
        print_json([{**facts[0], "key": secret}, *facts[1:]])
        return
    print_line(secret)
    note(told)
    note("It is not shown again; the gateway keeps a digest of it.")


def _roles(is_admin: bool) -> "frozenset[Role]":
    from gateway.roles import Role

    return frozenset({Role.ADMIN if is_admin else Role.DEVELOPER})


def _by() -> "Actor":
    """Who types this command, as the ledger names them."""
    from gateway.store.changes import Actor

    return Actor.os_user(operating_user())


def _obtain(folder: Path, ask: "Callable[[KeyIssuer], Awaitable[T]]") -> T:
    """What was asked of the issuer, once a running gateway knows of it."""
    obtained = asyncio.run(_with_issuer(folder, ask))
    until_known(folder)
    return obtained


async def _with_issuer(folder: Path, ask: "Callable[[KeyIssuer], Awaitable[T]]") -> T:
    from gateway.store.database import StoreError
    from gateway.store.keys import KeyCannotBeReplaced, KeyNotFound, Keys
    from gateway.virtual_key import KeyIssuer

    async with opened_database(folder) as database:
        try:
            hasher = await hasher_of(folder, database)
            issuer = KeyIssuer(
                Keys(database), hasher, by=_by(), unix_us=_now_unix_us, random_bytes=os.urandom
            )
            return await ask(issuer)
        except StoreError as error:
            raise CommandFailed(str(error), Exit.DATA) from error
        except KeyNotFound as error:
            raise CommandFailed(str(error), Exit.NOT_FOUND) from error
        except KeyCannotBeReplaced as error:
            raise CommandFailed(str(error)) from error
        except ValueError as error:
            raise CommandFailed(str(error), Exit.USAGE) from error


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


async def _stored(folder: Path) -> "Sequence[StoredKey]":
    from gateway.store.keys import Keys

    async with opened_database(folder) as database:
        return await Keys(database).list()


async def _revoke(
    folder: Path, key_id: str | None, subject: str | None, is_service: bool
) -> "Sequence[StoredKey]":
    from gateway.store.keys import KeyNotFound, Keys

    async with opened_database(folder) as database:
        keys, now = Keys(database), _now_unix_us()
        try:
            if key_id is not None:
                return [await keys.revoke(key_id, now, _by())]
            return await keys.revoke_all_of(str(subject), now, _by(), is_service=is_service)
        except KeyNotFound as error:
            raise CommandFailed(str(error), Exit.NOT_FOUND) from error


def _now_unix_us() -> int:
    return time.time_ns() // 1000
