"""`gatehouse up`: serve, and say what to type next."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.configured import note_passed_over
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import Config, Data, data_folder
from gateway.cli.output import ReaderGone, forget_stdout, print_all
from gateway.cli.welcome import welcome
from gateway.settings import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    Ready,
    ServeOptions,
    configuration_in,
    data_dir_default,
    environment,
)


def up(
    config: Config = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = DEFAULT_HOST,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free one.")
    ] = DEFAULT_PORT,
    admin_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="The admin API's port, in place of admin.listen's."),
    ] = None,
    data: Data = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE.gguf", help="Serve this model file on this machine."),
    ] = None,
    ready_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write how to reach the gateway here, once it serves."),
    ] = None,
    last_good: Annotated[
        bool,
        typer.Option(
            "--last-good",
            help="Where the configuration cannot be used, start with the one in force last.",
        ),
    ] = False,
) -> None:
    """Start the gateway; Ctrl-C lets running answers end, then stops it."""
    if ready_file is not None and not os.access(ready_file.absolute().parent, os.W_OK):
        raise CommandFailed(f"cannot write {ready_file}: its folder is missing or not ours to use")
    if config is None:
        note_passed_over(Path.cwd())
    options = ServeOptions(
        config=config or configuration_in(Path.cwd()),
        data=data_folder(data),
        host=host,
        port=port,
        model=model,
        ready_file=ready_file,
        admin_port=admin_port,
        last_good=last_good,
    )
    raise typer.Exit(_serve(options))


def _serve(options: ServeOptions) -> int:
    """Serve until told to stop. Whatever keeps the gateway from serving is one clear line."""
    from gateway.audit.lock import DataFolderInUse
    from gateway.configuration.choice import ConflictingOptions
    from gateway.configuration.orders import OrdersUnavailable
    from gateway.configuration.problems import ConfigurationError
    from gateway.errors import LedgerUnavailable
    from gateway.main import CannotListen, serve
    from gateway.policy_mark import StateIsNew
    from gateway.store.database import StoreError
    from providers.local import LocalEngineError

    try:
        return serve(options, greet)
    except ConfigurationError as error:
        told = str(error) if error.hint is None else f"{error}\n{error.hint}"
        raise CommandFailed(told, Exit.CONFIGURATION) from error
    except ConflictingOptions as error:
        raise CommandFailed(str(error), Exit.USAGE) from error
    except (StoreError, DataFolderInUse, LedgerUnavailable, OrdersUnavailable, StateIsNew) as error:
        raise CommandFailed(str(error), Exit.DATA) from error
    except (CannotListen, LocalEngineError) as error:
        raise CommandFailed(str(error)) from error
    except OSError as error:
        what = f" {error.filename}" if error.filename else ""
        raise CommandFailed(f"cannot use{what}: {error.strerror or error}") from error


def greet(ready: Ready) -> None:
    """Say what to type next, to whoever reads it."""
    default_data = data_folder(data_dir_default(environment()))
    try:
        print_all(welcome(ready, default_data, own_command(sys.argv[0])))
    except ReaderGone:
        forget_stdout()  # nobody reads this; clients are served all the same


def own_command(started_as: str) -> str:
    """How a shell in the working folder reaches this command: its name when that finds it."""
    command = Path(started_as).absolute()
    found = shutil.which("gatehouse")
    if found is not None and Path(found).absolute() == command:
        return "gatehouse"
    here = Path.cwd()
    return shlex.quote(str(command.relative_to(here) if command.is_relative_to(here) else command))
