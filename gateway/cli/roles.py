"""`gatehouse role`: give people roles, take them back, and see who has which."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.acting import acting_user, until_known
from gateway.cli.data import opened_database
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import AsJson, Data, data_folder
from gateway.cli.output import note, print_json, print_table
from gateway.cli.users import facts_of, stored_subjects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.roles import Role
    from gateway.store.stored_key import StoredKey
    from gateway.store.stored_subject import StoredSubject

role = typer.Typer(
    help="Grant roles to people who sign in, besides those of their groups.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_User = Annotated[str, typer.Argument(metavar="USER", help="As tokens and the ledger have it.")]
_Role = Annotated[str, typer.Argument(metavar="ROLE", help="As `gatehouse role list` has them.")]


@role.command()
def grant(user: _User, role: _Role, data: Data = None, as_json: AsJson = False) -> None:
    """Give a person a role, whatever they sign in with. Their keys keep their own roles."""
    folder = data_folder(data)
    granted = asyncio.run(_change(folder, user, role_named(role), is_granted=True))
    until_known(folder)
    if as_json:
        print_json([facts_of(granted)])
        return
    note(f"{user} has, by grants: {', '.join(sorted(granted.roles))}")


@role.command()
def revoke(user: _User, role: _Role, data: Data = None, as_json: AsJson = False) -> None:
    """Take a granted role back. What keys and groups give is not touched, but told."""
    folder = data_folder(data)
    left = asyncio.run(_change(folder, user, role_named(role), is_granted=False))
    until_known(folder)
    if as_json:
        print_json([facts_of(left)])
        return
    note(f"{user} has, by grants: {', '.join(sorted(left.roles)) or 'nothing any more'}")
    for key in asyncio.run(_keys_with(folder, user, role)):
        note(f"But {key.id} has the role {role} too: gatehouse key revoke {key.id} ends it")


@role.command("list")
def list_roles(data: Data = None, as_json: AsJson = False) -> None:
    """List who was granted what, and what each role may do."""
    from gateway.roles import PERMISSIONS

    found = [each for each in asyncio.run(stored_subjects(data_folder(data))) if each.roles]
    if as_json:
        print_json([facts_of(each) for each in found])
        return
    print_table(
        ("USER", "ROLE"), ((each.subject, it) for each in found for it in sorted(each.roles))
    )
    note("")
    for each, permissions in PERMISSIONS.items():
        note(f"{each.value:10} {', '.join(sorted(permissions))}")


def role_named(name: str) -> "Role":
    """The role. Raises `CommandFailed` (not found) with those there are."""
    from gateway.roles import Role

    try:
        return Role(name)
    except ValueError:
        listed = ", ".join(each.value for each in Role)
        raise CommandFailed(
            f"there is no role {name!r}; there are: {listed}", Exit.NOT_FOUND
        ) from None


async def _change(folder: Path, user: str, role: "Role", *, is_granted: bool) -> "StoredSubject":
    from gateway.store.stored_subject import RoleNotGranted, RolesStayApart, SubjectBlocked
    from gateway.store.subjects import Subjects

    async with opened_database(folder) as database:
        subjects, now = Subjects(database), time.time_ns() // 1000
        change = subjects.grant if is_granted else subjects.take_back
        try:
            return await change(user, role, now, acting_user())
        except RoleNotGranted as error:
            raise CommandFailed(str(error), Exit.NOT_FOUND) from error
        except (RolesStayApart, SubjectBlocked) as error:
            raise CommandFailed(str(error)) from error
        except ValueError as error:
            raise CommandFailed(str(error), Exit.USAGE) from error


async def _keys_with(folder: Path, user: str, role: str) -> "Sequence[StoredKey]":
    from gateway.store.keys import Keys

    async with opened_database(folder) as database:
        now, stored = time.time_ns() // 1000, await Keys(database).list()
    return [
        key
        for key in stored
        if (key.subject, key.is_service) == (user, False)
        and role in key.roles
        and key.revoked_unix_us is None
        and not key.is_expired(now)
    ]
