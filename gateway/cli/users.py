"""`gatehouse user`: take nothing of somebody's any more, at once, and take it again."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import AsJson, Data, Server
from gateway.cli.output import note, print_json, print_table
from gateway.cli.state import state_at
from gateway.cli.times import format_unix_us

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.store.people import Person
    from gateway.store.stored_subject import StoredSubject

user = typer.Typer(
    help="Block people and services, and see what was decided about them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_Name = Annotated[
    str, typer.Argument(metavar="NAME", help="As keys, tokens and the ledger have it.")
]
_Service = Annotated[bool, typer.Option("--service", help="A service's name, not a person's.")]


@user.command()
def block(
    name: _Name,
    service: _Service = False,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Take no key, session or token of theirs, and end what runs under them."""
    blocked = state_at(server, data).subjects.block(name, is_service=service)
    if as_json:
        print_json([facts_of(blocked)])
        return
    note(f"{blocked.kind} {name} is blocked: nothing of theirs is taken, now or later")


@user.command()
def unblock(
    name: _Name,
    service: _Service = False,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Take again what holds of theirs; keys that were revoked stay revoked."""
    free = state_at(server, data).subjects.unblock(name, is_service=service)
    if as_json:
        print_json([facts_of(free)])
        return
    note(f"{free.kind} {name} is not blocked")


@user.command("list")
def list_users(
    everybody: Annotated[
        bool, typer.Option("--all", help="Everybody who has or had a key, or has asked.")
    ] = False,
    team: Annotated[str | None, typer.Option(help="With --all: of this team.")] = None,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """List everybody who is blocked or was granted a role."""
    if team is not None and not everybody:
        raise CommandFailed("--team goes with --all", Exit.USAGE)
    subjects = state_at(server, data).subjects
    if everybody:
        _list_everybody(subjects.everybody(team), as_json)
        return
    found = [facts_of(each) for each in subjects.list()]
    if as_json:
        print_json(found)
        return
    rows = [(each["user"], each["kind"], _roles(each), each["blocked"] or "") for each in found]
    print_table(("USER", "KIND", "GRANTED", "BLOCKED SINCE"), rows)


def _list_everybody(people: "Sequence[Person]", as_json: bool) -> None:
    found = [_facts_of_person(each) for each in people]
    if as_json:
        print_json(found)
        return
    shown = [
        {**each, "teams": ", ".join(each["teams"]), "last_seen": each["last_seen"] or ""}
        for each in found
    ]
    print_table(
        ("USER", "KIND", "TEAMS", "#KEYS", "#THAT HOLD", "LAST SEEN"),
        [tuple(each.values()) for each in shown],
    )


def _facts_of_person(person: "Person") -> "Mapping[str, Any]":
    last = person.last_hour_unix_seconds
    return {
        "user": person.subject,
        "kind": "service" if person.is_service else "person",
        "teams": list(person.teams),
        "keys": person.keys,
        "active_keys": person.active_keys,
        "last_seen": None if last is None else format_unix_us(last * 1_000_000),
    }


def facts_of(subject: "StoredSubject") -> "Mapping[str, object]":
    """What was decided about somebody, as `--json` prints it."""
    return {
        "user": subject.subject,
        "kind": subject.kind,
        "roles": sorted(subject.roles),
        "blocked": format_unix_us(subject.blocked_unix_us) or None,
    }


def _roles(facts: "Mapping[str, object]") -> str:
    roles = facts["roles"]
    assert isinstance(roles, list)
    return ", ".join(roles)
