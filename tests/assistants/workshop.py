"""A gateway before stand-ins, in which each assistant takes its turns."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from providers.base import WireName
from tests.assistants.installed import Installation
from tests.assistants.lookups import overheard
from tests.assistants.model import WritingModel
from tests.assistants.port import Assistant, Place
from tests.assistants.tap import Tap, tapped
from tests.assistants.turn import Project, Turn, new_project, take_turn
from tests.e2e.started import Started, started_gateway
from tests.fakes.vendor import FakeVendor
from tests.fakes.vendor_gemini import FakeGemini
from tests.fakes.vendor_strict import OBJECT

NATIVE, TRANSLATED, FORBIDDEN = "coder", "coder-abroad", "not-yours"
TEAM = "web"
CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{house}", wires: [{wire}] }}
  chat:
    kind: qwen
    base_url: "{vendor}/v1"
    api_key: vendor-key
    clearance: internal
    may_drop_tools: [web_search]                # Codex offers it always; its vendor would run it
  messages: {{ kind: anthropic, base_url: "{vendor}/v1", api_key: vendor-key, clearance: internal }}
models:
  coder: {{ targets: [house/standin] }}
  coder-abroad: {{ targets: [{other}/standin] }}
  not-yours: {{ targets: [house/standin] }}
teams:
  default: {{ models: [not-yours], data_class: internal }}
  web: {{ models: [coder, coder-abroad], data_class: internal }}
"""
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

    async def turn(self, model: str, *, breaks_off: bool = False) -> Taken:
        """Let the assistant do the task with a model of the gateway, whose answer may break off."""
        upstream = self.vendor if model == TRANSLATED else self.house
        folder = self.folder / (f"{model}-cut" if breaks_off else model)
        project = new_project(folder / "project")
        writing = WritingModel(self.assistant, project.folder, breaks_off=breaks_off)
        for each in (self.house, self.vendor):
            each.calls.clear()
            each.refusals.clear()
        upstream.follows(writing)
        before = len(self.gateway.records())
        async with tapped(self.gateway.base_url) as tap, overheard() as names:
            place = Place(folder / "home", project.folder, tap.url, self.key, model)
            turn = await take_turn(self.assistant, self.installation, place)
        records = await self._settled(before, len(tap.asked))
        seen = (tap, frozenset(names), upstream, writing, records)
        return Taken(self.assistant, turn, project, *seen)

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
        (folder / "gatehouse.yaml").write_text(configuration)
        gateway = stack.enter_context(started_gateway(folder))
        key = gateway.keys_for(TEAM)[TEAM].key
        yield Workshop(assistant, installation, folder, gateway, key, house, vendor)
