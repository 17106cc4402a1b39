"""The configuration that a command on policy is about: a file, a version, or the usual one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli import ports
from gateway.cli.configured import AnyName, configuration_path, note_passed_over, shipped
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.stored_versions import is_digest, wanted_version
from gateway.settings import environment

if TYPE_CHECKING:
    from gateway.configuration.build import Configuration


def configured(
    config: Path | None, folder: Path, more_rules: Sequence[Path] = ()
) -> "Configuration":
    """The one that is named, or that the data folder's gateway goes by.

    Raises `CommandFailed`.
    """
    path = configuration_path(config, folder, Path.cwd())
    if path is None:
        note_passed_over(Path.cwd())
        raise CommandFailed(
            "there is no gatehouse.yaml in the working folder; name one with --config",
            Exit.NOT_FOUND,
        )
    return loaded(path, more_rules)


def chosen(wanted: str, versions: ports.Versions) -> "Configuration":
    """A gatehouse.yaml by its path, or a version that is kept. Raises `CommandFailed`."""
    path = Path(wanted)
    if path.is_file():
        return loaded(path)
    if not is_digest(wanted):
        raise CommandFailed(f"there is no file {path}", Exit.NOT_FOUND)
    return wanted_version(versions, wanted)


def loaded(path: Path, more_rules: Sequence[Path] = ()) -> "Configuration":
    """A configuration whose secrets need not be here: rules do not depend on them.

    Raises `CommandFailed`.
    """
    from gateway.configuration.build import load
    from gateway.configuration.problems import ConfigurationError

    try:
        return load(
            path,
            AnyName(environment()),
            shipped(),
            unlock=None,
            more_rules=more_rules,
        )
    except ConfigurationError as error:
        raise CommandFailed(str(error), Exit.CONFIGURATION) from error
