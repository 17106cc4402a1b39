"""`gatehouse break-glass`: open an exception from policy for a time, with a reason, on record."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.acting import until_known
from gateway.cli.by_whom import OwnKey, by_whom, now_unix_us
from gateway.cli.data import opened_database, opened_ledger
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.glass_facts import facts_of, lines_of, print_glasses, sentence
from gateway.cli.glass_wishes import lifts_of, reason_of, refuse_unfit, scope_of, seconds_of
from gateway.cli.in_force import configuration_in_force
from gateway.cli.opened_glasses import known_glasses
from gateway.cli.options import AsJson, Config, Data, data_folder
from gateway.cli.output import note, print_json, print_line

if TYPE_CHECKING:
    from gateway.acting import Acting
    from gateway.break_glass import BreakGlassDesk
    from gateway.store.passed import Passed
    from gateway.store.stored_break_glass import StoredBreakGlass
    from policy.break_glass import BreakGlassTerms

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
    as_json: AsJson = False,
) -> None:
    """Open an exception, or propose it where it takes two people; print its id."""
    from gateway.break_glass import Wanted

    folder = data_folder(data)
    lifts = lifts_of(rule or (), register or (), extra_usd)
    match = scope_of(teams=team, users=user, assistants=assistant, models=model)
    configuration = configuration_in_force(config, folder)
    refuse_unfit(lifts, match, configuration)
    wanted = Wanted(reason_of(reason), lifts, match, seconds_of(duration))
    terms = configuration.break_glass
    glass = _asked(folder, terms, key, lambda desk, by: desk.open(wanted, by))
    _tell(glass, as_json)


@break_glass.command()
def approve(
    glass_id: GlassId,
    key: OwnKey = None,
    config: Config = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Open what somebody else has proposed. It takes your own key."""
    folder = data_folder(data)
    terms = configuration_in_force(config, folder).break_glass
    glass = _asked(folder, terms, key, lambda desk, by: desk.approve(glass_id, by))
    _tell(glass, as_json)


@break_glass.command()
def close(
    glass_id: GlassId, key: OwnKey = None, data: Data = None, as_json: AsJson = False
) -> None:
    """End an exception before its time, or withdraw a proposal."""
    from policy.break_glass import USUAL_TERMS

    folder = data_folder(data)
    glass = _asked(folder, USUAL_TERMS, key, lambda desk, by: desk.close(glass_id, by))
    _tell(glass, as_json)


@break_glass.command("list")
def list_glasses(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List what is open, and what waits for a second person."""
    from gateway.store.stored_break_glass import BreakGlassState

    current = (BreakGlassState.OPEN, BreakGlassState.PROPOSED)
    now, folder = now_unix_us(), data_folder(data)
    found = [each for each in known_glasses(folder) if everything or each.state(now) in current]
    if as_json:
        print_json(facts_of(each, now) for each in found)
    else:
        print_glasses(found, now)


@break_glass.command()
def show(glass_id: GlassId, data: Data = None, as_json: AsJson = False) -> None:
    """Tell of one exception, and count the requests that passed because of it."""
    glass, passed = asyncio.run(_passed(data_folder(data), glass_id))
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


def _asked(
    folder: Path,
    terms: "BreakGlassTerms",
    key: str | None,
    ask: "Callable[[BreakGlassDesk, Acting], Awaitable[StoredBreakGlass]]",
) -> "StoredBreakGlass":
    """What was asked of the desk, once a running gateway knows of it."""
    glass = asyncio.run(_at_the_desk(folder, terms, key, ask))
    until_known(folder)
    return glass


async def _at_the_desk(
    folder: Path,
    terms: "BreakGlassTerms",
    key: str | None,
    ask: "Callable[[BreakGlassDesk, Acting], Awaitable[StoredBreakGlass]]",
) -> "StoredBreakGlass":
    from gateway.break_glass import BreakGlassDesk, BreakGlassRefused
    from gateway.store.break_glasses import BreakGlasses, BreakGlassNotFound, BreakGlassStands

    async with opened_database(folder) as database:
        desk = BreakGlassDesk(BreakGlasses(database), terms, now_unix_us, os.urandom)
        try:
            return await ask(desk, await by_whom(database, folder, key))
        except BreakGlassNotFound as error:
            raise CommandFailed(str(error), Exit.NOT_FOUND) from error
        except (BreakGlassRefused, BreakGlassStands) as error:
            raise CommandFailed(str(error)) from error


async def _passed(folder: Path, glass_id: str) -> "tuple[StoredBreakGlass, Sequence[Passed]]":
    from gateway.store.break_glasses import BreakGlasses, BreakGlassNotFound
    from gateway.store.passed import passed_under

    async with opened_ledger(folder), opened_database(folder) as database:
        try:
            glass = await BreakGlasses(database).find(glass_id)
        except BreakGlassNotFound as error:
            raise CommandFailed(str(error), Exit.NOT_FOUND) from error
        if glass.opened_unix_us is None:
            return glass, ()
        return glass, await passed_under(database, glass.id, glass.opened_unix_us)
