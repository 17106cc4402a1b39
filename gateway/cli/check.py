"""`gatehouse check`: is a configuration right, and if not, where and what to do."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gateway.cli.by_whom import now_unix_us
from gateway.cli.configured import configuration_path, note_passed_over
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.glass_facts import sentence
from gateway.cli.opened_glasses import glasses_told
from gateway.cli.options import AsJson, ConfigurationFile, Data, data_folder
from gateway.cli.output import note, print_json, print_line
from gateway.cli.stored_versions import pin_notices
from gateway.cli.waiting import waiting_notices
from gateway.settings import configuration_in, environment, read_running

if TYPE_CHECKING:
    from gateway.configuration.build import Configuration
    from gateway.configuration.problems import ConfigurationError
    from gateway.configuration.reviews import Standing
    from gateway.store.stored_break_glass import StoredBreakGlass


def check(
    file: ConfigurationFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Check a configuration: each error with its file, its line and what to do."""
    from gateway.configuration.reviews import State, standings
    from policy.registers import day_of

    path, configuration = checked(file, data, as_json)
    reviews = standings(configuration, day_of(int(time.time())))
    opened = _open_beside(data_folder(data))
    lapsing = [each for each in reviews if each.state in (State.ENDING, State.LAPSED)]
    pins = list(pin_notices(data_folder(data)))
    waiting = list(waiting_notices(data_folder(data)))
    if as_json:
        summary = _summary(path, configuration, lapsing)
        glasses = [glass.id for glass in opened]
        print_json([{**summary, "pins": pins, "waiting": waiting, "break_glass": glasses}])
        return
    told = [each.told() for each in lapsing]
    told += [sentence(glass, now_unix_us()) for glass in opened]
    for notice in (*pins, *waiting, *configuration.notices, *_due(configuration), *told):
        note(f"note: {notice}")
    print_line(
        f"{path} is right: vendors {len(configuration.vendors)}, "
        f"models {len(configuration.models)}, teams {len(configuration.teams)}"
        + (f", rules {len(rules)}" if (rules := configuration.policy.rules) else "")
    )


def _open_beside(folder: Path) -> "Sequence[StoredBreakGlass]":
    """What is open in the gateway that runs on the folder, if one does."""
    from gateway.store.stored_break_glass import BreakGlassState

    running, now = read_running(folder), now_unix_us()
    if running is None or not running.is_alive:
        return ()
    return [each for each in glasses_told(folder) if each.state(now) is BreakGlassState.OPEN]


def reviewed(file: Path | None, data: Path, as_json: bool) -> "Sequence[Standing]":
    """How each entry of the registers of such a configuration stands today.

    Raises `CommandFailed` where it keeps none.
    """
    from gateway.configuration.reviews import standings
    from policy.registers import day_of

    path, configuration = checked(file, data, as_json)
    if not configuration.registers.files:
        raise CommandFailed(f"{path} keeps no register; docs/registers.md", Exit.NOT_FOUND)
    return list(standings(configuration, day_of(int(time.time()))))


def checked(file: Path | None, data: Path | None, as_json: bool) -> "tuple[Path, Configuration]":
    """The configuration a command is about; one that is not right is told, and ends the command."""
    from gateway.configuration.choice import load_configuration
    from gateway.configuration.problems import ConfigurationError

    here = Path.cwd()
    if file is None:
        note_passed_over(here)
    # A gateway that runs without a file does not keep the next one from being checked.
    path = configuration_path(file, data_folder(data), here) or configuration_in(here)
    if path is None:
        raise CommandFailed(
            "there is no gatehouse.yaml in the working folder; name the file to check",
            Exit.NOT_FOUND,
        )
    try:
        return path, load_configuration(path, environment())
    except ConfigurationError as error:
        _tell(error, as_json)
        raise typer.Exit(Exit.CONFIGURATION) from None


def _tell(error: "ConfigurationError", as_json: bool) -> None:
    if not as_json:
        for line in error.lines:
            print_line(line)
        return
    print_json(
        {
            "file": error.file_of(problem),
            "line": problem.place.line,
            "column": problem.place.column,
            "path": list(problem.path),
            "message": problem.message,
        }
        for problem in error.problems
    )


def _summary(
    path: Path, configuration: "Configuration", lapsing: "Sequence[Standing]"
) -> dict[str, object]:
    return {
        "file": str(path),
        "digest": configuration.digest,
        "vendors": sorted(configuration.vendors),
        "models": sorted(configuration.models),
        "teams": sorted(configuration.teams),
        "rules": [rule.id for rule in configuration.policy.rules],
        "notices": [*configuration.notices, *_due(configuration)],
        "lapsing": [
            {"register": each.register, "name": each.name, "days_left": each.days_left}
            for each in lapsing
        ],
    }


def _due(configuration: "Configuration") -> list[str]:
    from gateway.configuration.rule_lint import due

    return list(due(configuration.policy, int(time.time())))
