"""The configuration in force, for commands that depend on it: a stored version, or the files."""

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.candidate import configured
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.stored_versions import in_versions, made_again
from gateway.settings import read_running

if TYPE_CHECKING:
    from gateway.configuration.build import Configuration
    from gateway.configuration.stored import StoredConfiguration
    from gateway.store.versions import Versions


def configuration_in_force(config: Path | None, folder: Path) -> "Configuration":
    """What the running gateway goes by, or the next one will; the file named in `config`, if any.

    Secrets need not be here. Raises `CommandFailed` where there is none, or it is wrong.
    """
    from gateway.configuration.problems import ConfigurationError

    running = read_running(folder)
    is_running = running is not None and running.is_alive

    async def read(kept: "Versions") -> "StoredConfiguration | None":
        pin = (await kept.standing()).pin
        if is_running:
            return await kept.in_force()
        return None if pin is None or pin.digest is None else await kept.stored(pin.digest)

    stored = in_versions(folder, read) if config is None else None
    if stored is None or not stored.files:
        return configured(config, folder)
    try:
        return made_again(stored)
    except ConfigurationError as error:
        raise CommandFailed(str(error), Exit.CONFIGURATION) from error
