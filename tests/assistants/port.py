"""What the proof needs to know of an assistant: how it is pointed here, and what its tools are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from providers.base import WireName

PROMPT = "Read the file source.txt and write what it says into the file note.txt."


@dataclass(frozen=True, slots=True)
class Place:
    """Where one turn happens: a home nobody has used, a project, and a gateway with its key."""

    home: Path
    project: Path
    gateway: str  # root URL
    key: str
    model: str

    def write(self, path: str, text: str) -> Path:
        """Put a settings file below the home; its path."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file


@dataclass(frozen=True, slots=True)
class Launch:
    """The command that runs one turn, its program left out, and what variables it needs besides."""

    arguments: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool of an assistant, and the arguments a model would give it.

    `{path}` stands for the file's absolute path and `{text}` for what is to be written.
    """

    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Tools:
    """The assistant offers tools: one to read a file with, one to write it."""

    reads: ToolUse
    writes: ToolUse


@dataclass(frozen=True, slots=True)
class EditBlock:
    """The assistant offers no tools: it sends the file itself and carries out the answer's text.

    `{text}` stands for what is to be written.
    """

    answer: str


@dataclass(frozen=True, slots=True)
class Recognised:
    """What the audit tells of this assistant by its requests. No version: it sends none."""

    name: str
    has_version: bool = True


@dataclass(frozen=True, slots=True)
class Denied:
    """What a denial looks like in this assistant, where it is not the rule.

    The rule: one request, the text shown, and an exit code that is not 0.
    """

    requests: int = 1
    exits_with_zero: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Assistant:
    """One assistant: where it comes from, how it is run, what it is known to do otherwise."""

    title: str
    known_as: str  # to `gatehouse connect`
    package: str  # its name in pins.toml
    program: str  # its file below the installation; `{cpu}` is `x64` or `arm64`
    wire: WireName
    launch: Launch
    works: Tools | EditBlock
    recognised: Recognised
    denied: Denied = Denied()
    begun: Mapping[str, str] = field(default_factory=dict)  # what its user has set before, by file
    costs: tuple[str, ...] = ()  # what a base URL of one's own costs its user, a clause each

    @property
    def name(self) -> str:
        """The title as a name in tests: `claude-code`."""
        return self.title.lower().replace(" ", "-")
