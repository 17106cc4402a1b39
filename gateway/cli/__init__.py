"""The `gatehouse` command. Each command imports what it needs when it runs: help is quick."""

import gc
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from gateway.cli.audit import audit
from gateway.cli.break_glass import break_glass
from gateway.cli.caps import caps
from gateway.cli.check import check
from gateway.cli.connect import connect
from gateway.cli.doctor import doctor
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.keys import key
from gateway.cli.models import models
from gateway.cli.output import ReaderGone, forget_stdout, note
from gateway.cli.policy import policy
from gateway.cli.registers import registers
from gateway.cli.roles import role
from gateway.cli.sign_in import login, logout, token, whoami
from gateway.cli.teams import teams
from gateway.cli.up import up
from gateway.cli.usage import usage
from gateway.cli.users import user
from gateway.cli.version import version

app = typer.Typer(
    name="gatehouse",
    help="A gateway between coding assistants and the models that answer them.",
    epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 configuration, 4 not found, 5 data folder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        version()
        raise typer.Exit


@app.callback()
def gatehouse(
    _is_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """A gateway between coding assistants and the models that answer them."""


app.command()(up)
app.command()(check)
app.command()(login)
app.command()(token)
app.command()(whoami)
app.command()(logout)
app.add_typer(key, name="key")
app.add_typer(user, name="user")
app.add_typer(role, name="role")
app.command()(models)
app.command()(teams)
app.command()(caps)
app.command()(registers)
app.add_typer(audit, name="audit")
app.command()(usage)
app.add_typer(policy, name="policy")
app.add_typer(break_glass, name="break-glass")
app.command()(connect)
app.command()(doctor)
app.command()(version)


def main() -> None:
    """The console script: run the command line and end with its exit code."""
    # What a command imports stays: to search it for garbage over and over is a tenth of its start.
    gc.set_threshold(50_000, 20, 20)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line. Whatever goes wrong is one line on stderr, never a traceback."""
    try:
        app(list(arguments), prog_name="gatehouse")
    except SystemExit as ended:
        return int(ended.code or Exit.OK)
    except CommandFailed as failure:
        note(f"gatehouse: {failure.message}")
        return failure.code
    except ReaderGone:
        forget_stdout()
        return Exit.CLOSED_PIPE
    except OSError as error:  # a full disk behind `>`, a folder that may not be read
        forget_stdout()
        what = f" {error.filename}" if error.filename else ""
        note(f"gatehouse: cannot use{what or ' the output'}: {error.strerror or error}")
        return Exit.FAILED
    return Exit.OK
