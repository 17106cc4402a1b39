"""Point an assistant at the gateway as a developer would, by `gatehouse connect`, and undo it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.assistants.port import Assistant, Place
from tests.e2e.started import GATEHOUSE


@dataclass(frozen=True, slots=True)
class Joined:
    """A shell's variables, as connecting wants them, and the files that undoing did not mend."""

    environ: Mapping[str, str]
    otherwise: list[str] = field(default_factory=list)


@asynccontextmanager
async def joined(
    assistant: Assistant, place: Place, surroundings: Mapping[str, str]
) -> AsyncIterator[Joined]:
    """Connect the assistant of somebody who has settings already, until the block ends."""
    for path, text in assistant.begun.items():
        place.write(path, text)
    environ = {**surroundings, "GATEHOUSE_KEY": place.key}
    connect = ("connect", assistant.known_as, "--json")
    target = ("--url", place.gateway, "--model", place.model)
    before = {path: path.read_bytes() for path in place.home.rglob("*") if path.is_file()}
    told = await typed((*connect, *target), place, environ)
    state = Joined(await profile(told["steps"], place, environ))
    try:
        yield state
    finally:
        await typed((*connect, "--undo"), place, environ)
        wrote = [Path(file["path"]) for file in told["files"]]
        for path in wrote:
            after = path.read_bytes() if path.exists() else None
            if after != before.get(path):
                state.otherwise.append(f"{path.relative_to(place.home)} is now {after!r}")


async def typed(words: tuple[str, ...], place: Place, environ: Mapping[str, str]) -> dict[str, Any]:
    """Run a command of ours in the project; the object it prints."""
    printed = await ran([str(GATEHOUSE), *words], place, environ)
    told: dict[str, Any] = json.loads(printed)
    return told


async def profile(steps: list[str], place: Place, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables once a shell has read, from its profile, the lines that are left to a hand."""
    lines = [step.strip() for step in steps if step.strip().startswith("export ")]
    printed = await ran(["sh", "-euc", "\n".join([*lines, "env -0"])], place, environ)
    pairs = (each.partition("=") for each in printed.decode().split("\0") if each)
    return {name: value for name, _, value in pairs}


async def ran(command: list[str], place: Place, environ: Mapping[str, str]) -> bytes:
    """What a command prints, which must end well."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=place.project,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, said = await process.communicate()
    assert process.returncode == 0, f"{command}: {said.decode()}"
    return printed
