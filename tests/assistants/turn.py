"""Run an assistant for one turn, as a person would, in a home that nobody has used."""

import asyncio
import os
import re
import secrets
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.assistants.installed import Installation
from tests.assistants.port import Assistant, Place

TURN_SECONDS = 90.0
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07)")


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn left: exit code (None: it did not end in time) and everything printed."""

    exit_code: int | None
    printed: str


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a file in it whose text nobody can guess."""

    folder: Path
    secret: str

    @property
    def note(self) -> str:
        """What stands in the note, an empty text when there is none."""
        file = self.folder / "note.txt"
        return file.read_text() if file.exists() else ""


def new_project(folder: Path) -> Project:
    """Make the folder, and the file to be read."""
    folder.mkdir(parents=True)
    secret = f"sesame-{secrets.token_hex(8)}"
    (folder / "source.txt").write_text(f"The word is {secret}.\n")
    return Project(folder, secret)


async def take_turn(
    assistant: Assistant, installation: Installation, place: Place, environ: Mapping[str, str]
) -> Turn:
    """Run the assistant's own command to its end, or until it has had time enough."""
    launch = assistant.launch
    process = await asyncio.create_subprocess_exec(
        str(installation.program(assistant.program)),
        *launch.arguments,
        cwd=place.project,
        env={**environ, **launch.environ},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    reading = asyncio.create_task(process.communicate())
    try:
        printed, _ = await asyncio.wait_for(asyncio.shield(reading), TURN_SECONDS)
        exit_code = process.returncode
    except TimeoutError:
        end(process)
        printed, _ = await reading
        exit_code = None
    finally:
        end(process)
    return Turn(exit_code, ESCAPES.sub("", printed.decode(errors="replace")))


def end(process: asyncio.subprocess.Process) -> None:
    """Stop the process and whatever it has started and left behind."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # all of them have ended


def surroundings(installation: Installation, place: Place) -> Mapping[str, str]:
    """The variables of a clean machine: nothing of whoever runs this."""
    return {
        "PATH": installation.search_path,
        "HOME": str(place.home),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "TMPDIR": str(place.home),
        "SHELL": "/bin/sh",
    }
