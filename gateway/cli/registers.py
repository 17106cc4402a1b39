"""`gatehouse registers`: what was reviewed, by whom, and for how long it still holds."""

from typing import TYPE_CHECKING

import typer

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import AsJson, ConfigurationFile, Data, Server, data_folder
from gateway.cli.output import note, print_json, print_table
from gateway.cli.state import FolderState, state_at

if TYPE_CHECKING:
    from gateway.configuration.reviews import Standing


def registers(
    file: ConfigurationFile = None,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Print the registers with the days left; ends with 1 when something is refused."""
    if file is not None and server is not None:
        raise CommandFailed("say one of FILE and --server", Exit.USAGE)
    state = FolderState(data_folder(data)) if file is not None else state_at(server, data)
    found = state.reviews(file, as_json=as_json)
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
