"""What belongs in another program's settings: values at places in files."""

import pathlib
from dataclasses import dataclass

from gateway.cli.editing.syntax import Path, Syntax, Value


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that belongs at a place in a file. A secret one is never shown.

    With `yields` it is written only where nothing stands yet; `otherwise` says, where that matters
    to its user, what another value costs.
    """

    path: Path
    value: Value
    is_secret: bool = False
    yields: bool = False
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A file of an assistant, and what belongs in it."""

    path: pathlib.Path
    syntax: Syntax
    settings: tuple[Setting, ...]

    @property
    def is_private(self) -> bool:
        """Whether a key will stand in it."""
        return any(each.is_secret for each in self.settings)
