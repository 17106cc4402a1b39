"""Options that many commands share, declared once, and what holds where they are left out."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.settings import data_dir_default, environment

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        readable=False,  # whether it can be read is a matter of the folder, not of the command line
        help="The data folder. Default: $GATEHOUSE_DATA, else ~/.local/share/gatehouse.",
    ),
]
Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="Ask this admin API, with the key in $GATEHOUSE_ADMIN_KEY, and not the data folder. "
        "Default: $GATEHOUSE_ADMIN_URL.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The configuration. Default: gatehouse.yaml in the working folder, if there.",
    ),
]
ConfigurationFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        help="Default: the running gateway's, else gatehouse.yaml in the working folder.",
    ),
]


def data_folder(given: Path | None) -> Path:
    """The data folder a command works on, absolute."""
    chosen = data_dir_default(environment()) if given is None else given
    return chosen.expanduser().absolute()
