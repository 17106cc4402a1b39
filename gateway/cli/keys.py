"""`gatehouse key`: make, replace, list and revoke virtual keys, also while the gateway runs."""

from collections.abc import Sequence
from typing import Annotated

import typer

from gateway.cli import key_wishes
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.key_facts import Facts, print_keys
from gateway.cli.options import AsJson, Config, Data, Server
from gateway.cli.output import note, print_json, print_line
from gateway.cli.state import state_at

key = typer.Typer(
    help="Make, replace, list and revoke the keys by which clients are known.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_KEY_ID = typer.Argument(metavar="ID", help="As `gatehouse key list` has it.")
_User = Annotated[str | None, typer.Option("--user", help="Whose key it is.")]
_Service = Annotated[
    str | None,
    typer.Option("--service", help="Instead: what uses it that is no person, like a build."),
]
_Team = Annotated[
    str | None,
    typer.Option("--team", help="The team it speaks for: one that the configuration names."),
]
_Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="Only this model of the team's; may be repeated."),
]
_Networks = Annotated[
    list[str] | None,
    typer.Option("--network", metavar="CIDR", help="Only from this network; may be repeated."),
]
_Lifetime = Annotated[
    str | None,
    typer.Option("--expires", metavar="DURATION", help="How long it holds: 90d, 12h. Or ever."),
]
_Roles = Annotated[
    list[str] | None,
    typer.Option("--role", help="What it is for: developer (the default), team_lead, finance, ..."),
]


@key.command()
def create(
    user: _User = None,
    service: _Service = None,
    team: _Team = None,
    model: _Models = None,
    network: _Networks = None,
    expires: _Lifetime = None,
    role: _Roles = None,
    admin: Annotated[
        bool, typer.Option("--admin", help="An administrator's key: short for --role admin.")
    ] = False,
    config: Config = None,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, this once. A running gateway knows it when this returns."""
    subject, is_service = key_wishes.whose(user, service)
    wish = key_wishes.KeyWish(
        subject,
        is_service,
        key_wishes.roles_of(role or (), admin),
        team,
        tuple(model or ()),
        tuple(network or ()),
        None if expires is None else key_wishes.microseconds(expires),
    )
    secret, facts = state_at(server, data, config).keys.create(wish)
    until = f", until {facts['expires']}" if facts["expires"] else ""
    told = f"{facts['id']}, of {subject} in team {facts['team']}{until}"
    _show(secret, [facts], told, as_json)


@key.command()
def rotate(
    key_id: Annotated[str, _KEY_ID],
    overlap: Annotated[
        str, typer.Option(metavar="DURATION", help="How long the old key holds on.")
    ] = "24h",
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Make a key's successor, like it in all, and print it; the old key ends after the overlap."""
    overlap_us = key_wishes.microseconds(overlap)
    secret, new, old = state_at(server, data).keys.rotate(key_id, overlap_us)
    told = f"{new['id']}, in place of {old['id']}, which holds on until {old['expires']}"
    _show(secret, [new, old], told, as_json)


@key.command("list")
def list_keys(data: Data = None, server: Server = None, as_json: AsJson = False) -> None:
    """List every key there has been. The keys themselves are kept nowhere."""
    facts = state_at(server, data).keys.list()
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
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """End keys for good, and what runs under them. A running gateway refuses them on return."""
    if [key_id, user, service].count(None) != 2:
        raise CommandFailed("say which: an ID, --user or --service", Exit.USAGE)
    keys = state_at(server, data).keys
    if key_id is not None:
        revoked: Sequence[Facts] = [keys.revoke(key_id)]
    else:
        subject, is_service = key_wishes.whose(user, service)
        revoked = keys.revoke_all_of(subject, is_service=is_service)
    if as_json:
        print_json(revoked)
        return
    for each in revoked:
        note(f"{each['id']} of {each['user']} in team {each['team']} is revoked")


def _show(secret: str, facts: Sequence[Facts], told: str, as_json: bool) -> None:
    """Print a new key, this once. The first facts are its own."""
    if as_json:
        print_json([{**facts[0], "key": secret}, *facts[1:]])
        return
    print_line(secret)
    note(told)
    note("It is not shown again; the gateway keeps a digest of it.")
