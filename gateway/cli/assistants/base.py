"""What the command line knows of an assistant: where its settings are, what to write there."""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.cli.connecting.setting import SettingsFile
from gateway.cli.offered import UNKNOWN, Sizes
from providers.base import WireName

KEY_VARIABLE: Final = "GATEHOUSE_KEY"
"""The environment variable that assistants are told to take the key from."""

PROVIDER: Final = "gatehouse"
"""What the gateway is called among an assistant's providers."""

TITLE: Final = "Gatehouse"

ASSUMED_WINDOW_TOKENS: Final = 128_000
ASSUMED_OUTPUT_TOKENS: Final = 16_000
"""For assistants that must be told a size where nobody knows the model's."""


def shared_window(sizes: Sizes) -> tuple[int, int]:
    """Tokens for a prompt and for its answer, which share a window: at most a quarter of it."""
    window = sizes.window_tokens or ASSUMED_WINDOW_TOKENS
    answer = min(sizes.output_tokens or ASSUMED_OUTPUT_TOKENS, window // 4)
    return window - answer, answer


@dataclass(frozen=True, slots=True)
class Key:
    """A gateway key. `is_in_environment`: it is `$GATEHOUSE_KEY`, and may be referred to so."""

    secret: str = field(repr=False)
    is_in_environment: bool

    @property
    def hint(self) -> str:
        """By which its owner knows it: `gth_…abcd`."""
        return f"gth_…{self.secret[-4:]}" if len(self.secret) > 12 else "…"


@dataclass(frozen=True, slots=True)
class Connection:
    """The gateway an assistant is to be pointed at. `root` is without `/v1` and a last slash."""

    root: str
    model: str
    key: Key
    sizes: Sizes = UNKNOWN  # the model's, as the gateway tells them

    @property
    def v1(self) -> str:
        """Where clients of OpenAI's protocols begin."""
        return f"{self.root}/v1"


@dataclass(frozen=True, slots=True)
class Home:
    """Where one user's programs keep their settings on this kind of system."""

    folder: Path
    environ: Mapping[str, str]
    platform: str = sys.platform

    def at(self, variable: str, default: str) -> Path:
        """The folder that an environment variable names, else `default` below the home folder."""
        named = self.environ.get(variable)
        return Path(named).expanduser() if named else self.folder / default

    @property
    def applications(self) -> Path:
        """Where editors keep what they know of their user."""
        if self.platform == "darwin":
            return self.folder / "Library" / "Application Support"
        if self.platform == "win32":
            return self.at("APPDATA", "AppData/Roaming")
        return self.at("XDG_CONFIG_HOME", ".config")

    @property
    def records(self) -> Path:
        """Where we keep what connecting changed."""
        return self.at("XDG_STATE_HOME", ".local/state") / "gatehouse" / "connected"


def refer_to_variable(files: Sequence[SettingsFile]) -> bool:
    """Whether an assistant with these files needs `$GATEHOUSE_KEY` in its environment."""
    mentioned = (KEY_VARIABLE in str(each.value) for file in files for each in file.settings)
    return any(mentioned) and not any(file.is_private for file in files)


@dataclass(frozen=True, slots=True)
class KnownBad:
    """Versions that should not be used: from `first` until before `fixed`."""

    first: tuple[int, ...]
    fixed: tuple[int, ...]
    reason: str


def no_files(home: Home, connection: Connection) -> Sequence[SettingsFile]:
    """For an assistant that is set up by hand only."""
    del home, connection
    return ()


def no_steps(connection: Connection) -> Sequence[str]:
    """For an assistant whose files say everything."""
    del connection
    return ()


@dataclass(frozen=True, slots=True)
class Assistant:
    """One assistant. It is data, with a function for its files and one for what is left to do.

    `wires` are the protocols it speaks once connected; `project_files` the files of a project, and
    `overrides` the environment variables, that win over its user's files; `costs` what it loses
    behind an address that is not its vendor's, and `restored` what our settings give back or
    switch off; `assumes` what it does where the gateway does not know the model's window, empty
    where its settings have no place for one.
    """

    name: str
    title: str
    wires: tuple[WireName, ...]
    files: Callable[[Home, Connection], Sequence[SettingsFile]] = no_files
    steps: Callable[[Connection], Sequence[str]] = no_steps
    commands: tuple[str, ...] = ()
    project_files: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    known_bad: tuple[KnownBad, ...] = ()
    costs: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    assumes: str = ""

    def command_in(self, environ: Mapping[str, str]) -> str | None:
        """The full path of its command, where a shell with these variables finds one."""
        search = environ.get("PATH", "")
        found = (shutil.which(each, path=search) for each in self.commands)
        return next(filter(None, found), None)
