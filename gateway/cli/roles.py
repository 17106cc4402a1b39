"""`gatehouse role`: give people roles, take them back, and see who has which."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, cast

import typer

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import AsJson, Data, Server
from gateway.cli.output import note, print_json, print_table
from gateway.cli.state import state_at
from gateway.cli.users import facts_of

if TYPE_CHECKING:
    from gateway.cli.ports import Keys
    from gateway.roles import Role

role = typer.Typer(
    help="Grant roles to people who sign in, besides those of their groups.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_User = Annotated[str, typer.Argument(metavar="USER", help="As tokens and the ledger have it.")]
_Role = Annotated[str, typer.Argument(metavar="ROLE", help="As `gatehouse role list` has them.")]


@role.command()
def grant(
    user: _User,
    role: _Role,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Give a person a role, whatever they sign in with. Their keys keep their own roles."""
    granted = state_at(server, data).subjects.grant(user, role_named(role))
    if as_json:
        print_json([facts_of(granted)])
        return
    note(f"{user} has, by grants: {', '.join(sorted(granted.roles))}")


@role.command()
def revoke(
    user: _User,
    role: _Role,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Take a granted role back. What keys and groups give is not touched, but told."""
    state = state_at(server, data)
    left = state.subjects.take_back(user, role_named(role))
    if as_json:
        print_json([facts_of(left)])
        return
    note(f"{user} has, by grants: {', '.join(sorted(left.roles)) or 'nothing any more'}")
    for key_id in _keys_with(state.keys, user, role):
        note(f"But {key_id} has the role {role} too: gatehouse key revoke {key_id} ends it")


@role.command("list")
def list_roles(data: Data = None, server: Server = None, as_json: AsJson = False) -> None:
    """List who was granted what, and what each role may do."""
    from gateway.roles import PERMISSIONS

    found = [each for each in state_at(server, data).subjects.list() if each.roles]
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


def _keys_with(keys: "Keys", user: str, role: str) -> Sequence[object]:
    """The ids of a person's keys that hold and have the role."""
    return [
        each["id"]
        for each in keys.list()
        if (each["user"], each["kind"], each["state"]) == (user, "person", "active")
        and role in cast(Sequence[str], each["roles"])
    ]
