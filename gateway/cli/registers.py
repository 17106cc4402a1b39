"""`gatehouse registers`: what was reviewed, by whom, and for how long it still holds."""

import time
from typing import TYPE_CHECKING

import typer

from gateway.cli.check import checked
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import AsJson, ConfigurationFile, Data
from gateway.cli.output import note, print_json, print_table

if TYPE_CHECKING:
    from gateway.configuration.reviews import Standing


def registers(
    file: ConfigurationFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Print the registers with the days left; ends with 1 when something is refused."""
    from gateway.configuration.reviews import standings
    from policy.registers import day_of

    path, configuration = checked(file, data, as_json)
    if not configuration.registers.files:
        raise CommandFailed(f"{path} keeps no register; docs/registers.md", Exit.NOT_FOUND)
    found = list(standings(configuration, day_of(int(time.time()))))
    if as_json:
        print_json(_facts(each) for each in found)
    else:
        print_table(
            ("REGISTER", "NAME", "STATE", "#DAYS LEFT", "VALID UNTIL", "REVIEWED", "BY", "WHAT"),
            (_row(each) for each in found),
        )
    refused = sum(each.state.refuses for each in found)
    if refused:
        note(f"{refused} of {len(found)} refused")
        raise typer.Exit(Exit.FAILED)


def _facts(standing: "Standing") -> dict[str, object]:
    entry = {} if standing.entry is None else standing.entry.model_dump(mode="json")
    return {
        "register": standing.register,
        "name": standing.name,
        "state": standing.state.value,
        "days_left": standing.days_left,
        **entry,
    }


def _row(standing: "Standing") -> tuple[object, ...]:
    entry = standing.entry
    if entry is None:
        return standing.register, standing.name, standing.state, "", "", "", "", ""
    return (
        standing.register,
        standing.name,
        standing.state,
        standing.days_left,
        entry.valid_until,
        entry.reviewed,
        entry.review.by,
        entry.summary,
    )
