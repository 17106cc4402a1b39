"""`gatehouse key`: make, list and revoke virtual keys, also while the gateway runs."""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.configured import configuration_path, read_names
from gateway.cli.data import opened_database
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import AsJson, Config, Data, data_folder
from gateway.cli.output import note, print_json, print_line, print_table
from gateway.cli.times import format_unix_us, parse_duration
from gateway.settings import read_running

if TYPE_CHECKING:
    from gateway.store.keys import StoredKey
    from gateway.virtual_key import IssuedKey

LONGEST_DAYS = 36_500
_SETTLING_SECONDS = 1.3
_DEFAULT_TEAMS = ("default",)  # of the embedded default

key = typer.Typer(
    help="Make, list and revoke the keys by which clients are known.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@key.command()
def create(
    user: Annotated[str, typer.Option(help="Whose key it is.")],
    team: Annotated[
        str | None, typer.Option(help="The team it speaks for: one that the configuration names.")
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
    chosen = _administrators(team) if admin else _team(team, config, folder)
    issued = asyncio.run(_issue(folder, chosen, user, admin, _expiry_unix_us(expires)))
    _until_known(folder)
    if as_json:
        print_json([{**_facts(issued.stored, _now_unix_us()), "key": issued.secret.reveal()}])
        return
    print_line(issued.secret.reveal())
    until = format_unix_us(issued.stored.expires_unix_us)
    note(f"{issued.stored.id}, of {user} in team {chosen}" + (f", until {until}" if until else ""))
    note("It is not shown again; the gateway keeps a digest of it.")


@key.command("list")
def list_keys(data: Data = None, as_json: AsJson = False) -> None:
    """List every key there has been. The keys themselves are kept nowhere."""
    stored = asyncio.run(_stored(data_folder(data)))
    facts = [_facts(each, _now_unix_us()) for each in stored]
    if as_json:
        print_json(facts)
        return
    print_table(
        ("ID", "TEAM", "USER", "ROLES", "KEY", "CREATED", "EXPIRES", "STATE"),
        (
            (
                *(each[name] for name in ("id", "team", "user")),
                ", ".join(stored_key.roles),
                *(each[name] or "" for name in ("key_hint", "created", "expires", "state")),
            )
            for each, stored_key in zip(facts, stored, strict=True)
        ),
    )


@key.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `gatehouse key list` has it.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """End a key for good. A running gateway refuses it when this returns."""
    folder = data_folder(data)
    revoked = asyncio.run(_revoke(folder, key_id))
    _until_known(folder)
    if as_json:
        print_json([_facts(revoked, _now_unix_us())])
    else:
        note(f"{revoked.id} of {revoked.subject} in team {revoked.team} is revoked")


def _until_known(folder: Path) -> None:
    """Give a running gateway the time to look: it asks for changed keys once a second."""
    running = read_running(folder)
    if running is not None and running.is_alive:
        time.sleep(_SETTLING_SECONDS)


def _team(given: str | None, config: Path | None, folder: Path) -> str:
    """The team, when the configuration in question names it."""
    path = configuration_path(config, folder, Path.cwd())
    known = tuple(read_names(path).teams) if path is not None else _DEFAULT_TEAMS
    listed = ", ".join(known)
    if given is None:
        raise CommandFailed(f"say for which team, with --team; there are: {listed}", Exit.USAGE)
    if given not in known:
        source = path or "the embedded default"
        raise CommandFailed(f"there is no team {given!r}; {source} names: {listed}", Exit.NOT_FOUND)
    return given


def _administrators(given: str | None) -> str:
    from gateway.first_start import ADMINISTRATORS

    if given not in (None, ADMINISTRATORS):
        raise CommandFailed(
            f"an administrator's key belongs to {ADMINISTRATORS}; leave --team out", Exit.USAGE
        )
    return ADMINISTRATORS


def _expiry_unix_us(expires: str | None) -> int | None:
    if expires is None:
        return None
    duration = parse_duration(expires)
    if duration.days > LONGEST_DAYS:
        raise CommandFailed(f"a key holds {LONGEST_DAYS} days at most", Exit.USAGE)
    return _now_unix_us() + int(duration.total_seconds()) * 1_000_000


async def _issue(
    folder: Path, team: str, user: str, is_admin: bool, expires_unix_us: int | None
) -> "IssuedKey":
    from gateway.store.database import StoreError
    from gateway.store.keys import Keys
    from gateway.virtual_key import Hasher, KeyIssuer, Role, load_pepper

    async with opened_database(folder) as database:
        try:
            hasher = Hasher(load_pepper(folder, os.urandom))
            issuer = KeyIssuer(
                Keys(database), hasher, unix_us=_now_unix_us, random_bytes=os.urandom
            )
            role = Role.ADMIN if is_admin else Role.DEVELOPER
            return await issuer.issue(team, user, frozenset({role}), expires_unix_us)
        except StoreError as error:
            raise CommandFailed(str(error), Exit.DATA) from error
        except ValueError as error:
            raise CommandFailed(str(error), Exit.USAGE) from error


async def _stored(folder: Path) -> "list[StoredKey]":
    from gateway.store.keys import Keys

    async with opened_database(folder) as database:
        return await Keys(database).list()


async def _revoke(folder: Path, key_id: str) -> "StoredKey":
    from gateway.store.keys import KeyNotFound, Keys

    async with opened_database(folder) as database:
        try:
            return await Keys(database).revoke(key_id, _now_unix_us())
        except KeyNotFound as error:
            raise CommandFailed(str(error), Exit.NOT_FOUND) from error


def _facts(key: "StoredKey", now_unix_us: int) -> Mapping[str, object]:
    """What may be told of a key, as `--json` prints it."""
    state = "active"
    if key.expires_unix_us is not None and key.expires_unix_us <= now_unix_us:
        state = "expired"
    if key.revoked_unix_us is not None:
        state = "revoked"
    return {
        "id": key.id,
        "team": key.team,
        "user": key.subject,
        "roles": sorted(key.roles),
        "key_hint": f"gth_…{key.last_four}",
        "created": format_unix_us(key.created_unix_us),
        "expires": format_unix_us(key.expires_unix_us) or None,
        "revoked": format_unix_us(key.revoked_unix_us) or None,
        "state": state,
    }


def _now_unix_us() -> int:
    return time.time_ns() // 1000
