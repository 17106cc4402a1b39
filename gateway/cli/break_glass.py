"""`gatehouse break-glass`: open an exception from policy for a time, with a reason, on record."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.by_whom import OwnKey, now_unix_us
from gateway.cli.glass_facts import facts_of, lines_of, print_glasses, sentence
from gateway.cli.glass_wishes import lifts_of, reason_of, scope_of, seconds_of
from gateway.cli.options import AsJson, Config, Data, Server
from gateway.cli.output import note, print_json, print_line
from gateway.cli.state import state_at

if TYPE_CHECKING:
    from gateway.store.stored_break_glass import StoredBreakGlass

break_glass = typer.Typer(
    help="Open an exception from policy for a time, and see what passes under it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
GlassId = Annotated[
    str, typer.Argument(metavar="ID", help="As `gatehouse break-glass list` has it.")
]
Several = list[str] | None


@break_glass.command("open")
def open_glass(
    duration: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="How long it is open: 2h, 45m.")
    ],
    reason: Annotated[str, typer.Option(help="Why, for whoever reads the ledger.")],
    rule: Annotated[
        Several, typer.Option(metavar="ID", help="Lift this written rule; may be repeated.")
    ] = None,
    register: Annotated[
        Several,
        typer.Option(
            metavar="KIND:NAME",
            help="Lift that the review of vendor:NAME or assistant:NAME has lapsed.",
        ),
    ] = None,
    extra_usd: Annotated[
        str | None, typer.Option(metavar="USD", help="Raise the team's budgets by so much.")
    ] = None,
    team: Annotated[Several, typer.Option(help="Only for this team; may be repeated.")] = None,
    user: Annotated[Several, typer.Option(help="Only for this user; may be repeated.")] = None,
    assistant: Annotated[
        Several, typer.Option(help='Only for this assistant: codex, "claude-code < 2.1".')
    ] = None,
    model: Annotated[Several, typer.Option(help="Only for this model, or a pattern.")] = None,
    key: OwnKey = None,
    config: Config = None,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Open an exception, or propose it where it takes two people; print its id."""
    from gateway.break_glass import Wanted

    lifts = lifts_of(rule or (), register or (), extra_usd)
    match = scope_of(teams=team, users=user, assistants=assistant, models=model)
    wanted = Wanted(reason_of(reason), lifts, match, seconds_of(duration))
    _tell(state_at(server, data, config).glasses(key).open(wanted), as_json)


@break_glass.command()
def approve(
    glass_id: GlassId,
    key: OwnKey = None,
    config: Config = None,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Open what somebody else has proposed. It takes your own key."""
    _tell(state_at(server, data, config).glasses(key).approve(glass_id), as_json)


@break_glass.command()
def close(
    glass_id: GlassId,
    key: OwnKey = None,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """End an exception before its time, or withdraw a proposal."""
    _tell(state_at(server, data).glasses(key).close(glass_id), as_json)


@break_glass.command("list")
def list_glasses(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """List what is open, and what waits for a second person."""
    from gateway.store.stored_break_glass import BreakGlassState

    current = (BreakGlassState.OPEN, BreakGlassState.PROPOSED)
    now, known = now_unix_us(), state_at(server, data).glasses().list()
    found = [each for each in known if everything or each.state(now) in current]
    if as_json:
        print_json(facts_of(each, now) for each in found)
    else:
        print_glasses(found, now)


@break_glass.command()
def show(
    glass_id: GlassId, data: Data = None, server: Server = None, as_json: AsJson = False
) -> None:
    """Tell of one exception, and count the requests that passed because of it."""
    glass, passed = state_at(server, data).glasses().story(glass_id)
    if as_json:
        requests = sum(each.requests for each in passed)
        found = [asdict(each) for each in passed]
        print_json([{**facts_of(glass, now_unix_us()), "requests": requests, "passed": found}])
        return
    for line in lines_of(glass, passed, now_unix_us()):
        print_line(line)
    note(f"gatehouse audit search --exception {glass.id} shows each of them")


def _tell(glass: "StoredBreakGlass", as_json: bool) -> None:
    now = now_unix_us()
    if as_json:
        print_json([facts_of(glass, now)])
        return
    print_line(glass.id)
    note(sentence(glass, now))
    if glass.opened_unix_us is None and glass.closed_unix_us is None:
        note(f"another person opens it: gatehouse break-glass approve {glass.id} --key ...")
