"""A gateway before stand-ins, in which each assistant takes its turns."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.cli.asking import models_offered
from providers.base import WireName
from tests.assistants.installed import Installation
from tests.assistants.joining import joined
from tests.assistants.lookups import overheard
from tests.assistants.model import Does, WritingModel
from tests.assistants.port import Assistant, Place
from tests.assistants.tap import Tap, tapped
from tests.assistants.turn import Project, Turn, new_project, surroundings, take_turn
from tests.e2e.started import Started, started_gateway
from tests.fakes.vendor import FakeVendor
from tests.fakes.vendor_gemini import FakeGemini
from tests.fakes.vendor_strict import OBJECT

NATIVE, TRANSLATED, WITHDRAWN, WARNED = "coder", "coder-abroad", "withdrawn", "coder-leaving"
TEAM = "web"
RULE = "coder-leaves"
RULES = """
rules:
  - id: coder-leaves
    effect: warn
    match: { models: [coder-leaving] }
    reason: This model leaves.
    alternative: use coder
"""
CONFIGURATION = """
policy: [rules.yaml]
vendors:
  house: {{ kind: in_house, base_url: "{house}", wires: [{wire}] }}
  chat:
    kind: qwen
    base_url: "{vendor}/v1"
    api_key: vendor-key
    clearance: internal
  messages: {{ kind: anthropic, base_url: "{vendor}/v1", api_key: vendor-key, clearance: internal }}
models:
  coder: {{ targets: [house/standin], context_window: 200000, output_limit: 16000 }}
  coder-abroad: {{ targets: [{other}/standin], context_window: 200000, output_limit: 16000 }}
  withdrawn: {{ targets: [house/standin], context_window: 200000, output_limit: 16000 }}
  coder-leaving: {{ targets: [house/standin], context_window: 200000, output_limit: 16000 }}
teams:
  default: {{ models: [withdrawn, coder-leaving], data_class: internal }}
"""
THEIRS = "  web: {{ models: [{models}], data_class: internal }}\n"
OTHER = {
    # A vendor whose protocol is another than the assistant's: LiteLLM stands between.
    WireName.OPENAI_CHAT: "messages",
    WireName.OPENAI_RESPONSES: "chat",
    WireName.ANTHROPIC_MESSAGES: "chat",
    WireName.GEMINI: "chat",
}
BEYOND = {"client_metadata": OBJECT}  # what Codex adds to its protocol, and OpenAI takes
END_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Taken:
    """A turn that was taken, and everything that can be seen of it from outside."""

    assistant: Assistant
    turn: Turn
    otherwise: list[str]  # settings that were not put back as they had been
    project: Project
    tap: Tap
    names: frozenset[str]  # of the hosts it looked for
    upstream: FakeVendor
    model: WritingModel
    records: list[dict[str, Any]]

    def __str__(self) -> str:
        """What somebody has to see when the turn was not as it must be."""
        return "\n".join(
            (
                f"{self.assistant.title} ended with {self.turn.exit_code} and printed:",
                self.turn.printed[-6000:],
                "on the wire: " + ", ".join(self.tap.lines),
                f"refused by the stand-in: {self.upstream.refusals}",
                f"missed by the model: {self.model.complaints}",
                f"not put back: {self.otherwise}",
                f"records: {[(r['kind'], r.get('outcome'), r.get('rule')) for r in self.records]}",
            )
        )

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """The records of a kind, oldest first."""
        return [record for record in self.records if record["kind"] == kind]


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where one assistant's turns are taken."""

    assistant: Assistant
    installation: Installation
    folder: Path
    gateway: Started
    key: str
    house: FakeVendor
    vendor: FakeVendor
    configuration: str

    async def turn(self, model: str, does: Does = Does.THE_WORK) -> Taken:
        """Connect the assistant, let it do the task, and put its settings back.

        `WITHDRAWN` is taken from the team once the assistant is connected.
        """
        upstream = self.vendor if model == TRANSLATED else self.house
        folder = self.folder / f"{model}-{does}"
        project = new_project(folder / "project")
        for each in (self.house, self.vendor):
            each.calls.clear()
            each.refusals.clear()
        before = len(self.gateway.records())
        async with tapped(self.gateway.base_url) as tap, overheard() as names:
            writing = WritingModel(self.assistant, project.folder, does, tap.waiting)
            upstream.follows(writing)
            place = Place(folder / "home", project.folder, tap.url, self.key, model)
            place.home.mkdir()
            clean = surroundings(self.installation, place)
            async with joined(self.assistant, place, clean) as connected:
                if model == WITHDRAWN:
                    await self._offer(NATIVE, TRANSLATED)
                environ = connected.environ
                turn = await take_turn(self.assistant, self.installation, place, environ)
        records = await self._settled(before, len(tap.asked))
        seen = (tap, frozenset(names), upstream, writing, records)
        return Taken(self.assistant, turn, connected.otherwise, project, *seen)

    async def _offer(self, *models: str) -> None:
        """Let the team have these models, once the gateway has taken that over."""
        write_configuration(self.folder, self.configuration, models)
        deadline = asyncio.get_running_loop().time() + END_SECONDS
        root = self.gateway.base_url
        while set(await asyncio.to_thread(models_offered, root, self.key)) != set(models):
            assert asyncio.get_running_loop().time() < deadline, "it keeps its old configuration"
            await asyncio.sleep(0.1)

    async def _settled(self, before: int, asked: int) -> list[dict[str, Any]]:
        """The records that were added, once each request asked is there and has its end.

        The database follows the journal a little later. What has not come in time is missing.
        """
        deadline = asyncio.get_running_loop().time() + END_SECONDS
        while True:
            added = self.gateway.records()[before:]
            kinds = Counter(record["kind"] for record in added)
            all_there = kinds["admitted"] + kinds["denied"] >= asked
            if all_there and kinds["admitted"] == kinds["completed"]:
                return added
            if asyncio.get_running_loop().time() > deadline:
                return added
            await asyncio.sleep(0.1)


@asynccontextmanager
async def workshop(
    assistant: Assistant, installation: Installation, folder: Path
) -> AsyncIterator[Workshop]:
    """Start a gateway and two stand-ins for an assistant."""
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(FakeGemini(key=None, extra_fields=BEYOND))
        vendor = await stack.enter_async_context(FakeVendor())
        configuration = CONFIGURATION.format(
            house=house.url, vendor=vendor.url, other=OTHER[assistant.wire], wire=assistant.wire
        )
        (folder / "rules.yaml").write_text(RULES)
        write_configuration(folder, configuration, (NATIVE, TRANSLATED, WITHDRAWN, WARNED))
        gateway = stack.enter_context(started_gateway(folder))
        key = gateway.keys_for(TEAM)[TEAM].key
        stand_ins = (house, vendor)
        yield Workshop(assistant, installation, folder, gateway, key, *stand_ins, configuration)


def write_configuration(folder: Path, configuration: str, models: Iterable[str]) -> None:
    """Write the gateway's file, with these models for the team."""
    theirs = THEIRS.format(models=", ".join(models))
    (folder / "gatehouse.yaml").write_text(configuration + theirs)
