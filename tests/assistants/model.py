"""A model that reads a file and writes another, with whatever tools the assistant has."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from providers.base import WireName
from tests.assistants.conversation import Conversation, conversation
from tests.assistants.port import Assistant, EditBlock, ToolUse
from tests.fakes.vendor_script import HEAD, Cut, Ending, Failure, Script, ToolCall
from tests.fakes.vendor_server import Call

SECRET = re.compile(r"sesame-[0-9a-f]{16}")
DONE = "The note is written."
REFUSED = "This is not for me."
ASIDE = "A note"  # what it says to a request that offers no tools: the title of a conversation
SPOKEN = "I go on."
EVENTS_BEFORE_CUT = 5  # the call has begun, and its arguments have not ended
MOST_REQUESTS = 10  # then the model stops, whatever came back


def note(secret: str) -> str:
    """What the model writes, having read the secret: nobody else can know it."""
    return f"the source says {secret}\n"


class Does(StrEnum):
    """What the model does with its task."""

    THE_WORK = "the-work"
    HALF = "half"  # the answer that writes breaks off in its middle, once
    ALOUD = "aloud"  # says a word before each call
    REFUSE_LATE = "refuse-late"  # when the gateway has had to send a keep-alive


class WritingModel:
    """Says what a model would say next, by what is in the request.

    It finds the secret only in what the assistant sent: a note with the right one proves that
    the file's text really went out and that the call really came back.
    """

    def __init__(
        self, assistant: Assistant, project: Path, does: Does, waiting: asyncio.Event
    ) -> None:
        self.assistant = assistant
        self.does = does
        self.waiting = waiting  # set once somebody has been told to be patient
        self.source = project / "source.txt"
        self.note = project / "note.txt"
        self.results: list[str] = []  # what tools gave back, newest request last
        self.complaints: list[str] = []
        self.asked = 0

    def __call__(self, call: Call) -> Script:
        said = conversation(call)
        if self.does is Does.REFUSE_LATE:
            return Script(failure=Failure(400, message=REFUSED), gates=((HEAD, self.waiting),))
        if isinstance(self.assistant.works, EditBlock):
            return self._edits(self.assistant.works, said)
        if not said.tools:
            return Script(text=ASIDE)
        self.results = list(said.results)
        self.asked += 1
        tools = self.assistant.works
        steps = (self._call(tools.reads, self.source), self._call(tools.writes, self.note))
        if len(said.results) >= len(steps) or self.asked > MOST_REQUESTS:
            return Script(text=DONE)
        step = filled(steps[len(said.results)], note(secret_in("\n".join(said.results))))
        if step.name not in said.tools:
            self.complaints.append(f"{step.name} is not among {', '.join(said.tools)}")
            return Script(text=self.complaints[-1])
        words = SPOKEN if self.does is Does.ALOUD else ""
        answer = Script(text=words, tool_calls=(step,))
        return self._whole_or_not(answer, writes=bool(said.results))

    def _call(self, tool: ToolUse, path: Path) -> ToolCall:
        # Claude Code takes the answer to an id it has seen before for an answer given already.
        call = ToolCall(tool.name, tool.arguments, f"call_{self.asked}")
        return filled(call, str(path), "{path}")

    def _edits(self, block: EditBlock, said: Conversation) -> Script:
        secret = secret_in(said.text)
        self.results = [secret]
        answer = Script(text=block.answer.replace("{text}", note(secret)))
        return self._whole_or_not(answer, writes=True)

    def _whole_or_not(self, answer: Script, *, writes: bool) -> Script:
        if self.does is not Does.HALF or not writes:
            return answer
        self.does = Does.THE_WORK
        is_gemini = self.assistant.wire is WireName.GEMINI  # which sends a call in one event
        return replace(answer, cut=Cut(Ending.CLOSE, events=1 if is_gemini else EVENTS_BEFORE_CUT))


def secret_in(text: str) -> str:
    """The secret that stands in a text, or a word that is none."""
    found = SECRET.search(text)
    return found[0] if found else "nothing"


def filled(call: ToolCall, value: str, place: str = "{text}") -> ToolCall:
    """The call with a value in the place of its holder, at any depth."""
    assert isinstance(call.arguments, Mapping)
    return ToolCall(call.name, replaced(call.arguments, place, value), call.id)


def replaced(tree: Any, place: str, value: str) -> Any:
    """The same tree with a place in its texts filled."""
    if isinstance(tree, str):
        return tree.replace(place, value)
    if isinstance(tree, Mapping):
        return {name: replaced(each, place, value) for name, each in tree.items()}
    if isinstance(tree, list):
        return [replaced(each, place, value) for each in tree]
    return tree
