"""Collect what the proof found and write docs/assistants.md, once every assistant was tried."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from providers.base import WireName
from tests.assistants.installed import version_of
from tests.assistants.port import Assistant, EditBlock
from tests.assistants.roster import ASSISTANTS

PAGE = Path(__file__).parents[2] / "docs" / "assistants.md"
PARTS = (
    "test_a_native_turn",
    "test_a_translated_turn",
    "test_a_warning",
    "test_a_denial",
    "test_an_answer_that_breaks_off",
)
SPOKEN = {
    WireName.OPENAI_CHAT: "chat completions",
    WireName.OPENAI_RESPONSES: "responses",
    WireName.ANTHROPIC_MESSAGES: "messages",
    WireName.GEMINI: "Gemini",
}
OPENING = """\
# Assistants

Which assistants work through the gateway, found out by running them: `make e2e-assistants` installs
the releases named here, gives each a home and a network that holds this machine only, connects it
with `gatehouse connect`, and lets it do its work before a scripted upstream. After each turn
`gatehouse connect --undo` gave the files back to the byte, with what their user had set before.
Copilot CLI has no file: it ran with the lines that are printed for a shell's profile. This page is
written by that run.

- **Native turn**: on the assistant's own protocol it read a file, its text came back to the model,
  and the model's answer was written to another file. The upstream got what the assistant sent, but
  for the model's name and the usage option; the ledger has every request from admission to end,
  with team, assistant and release. In brackets: the requests it took.
- **Translated turn**: the same, with an upstream of another protocol behind LiteLLM.
- **Warned**: a rule's warning stood before the first words of the first answer, and was gone from
  what the upstream got when the conversation came back. Run without a terminal, as here, some print
  the last words of a turn only, and not those before a call: there it was not read.
- **Denied**: how often the assistant asked, its model withdrawn once it was connected, before it
  showed the refusal, with rule and reason.
- **Broken off**: what it does when the upstream breaks off in the middle of the call (or the edit)
  that writes the file. Whatever it does, it never carried out the half.
- **Other hosts looked for**: names it asked a name server for, with the opt-outs that connecting
  and variables (`tests/assistants/`) set. Here it found none; elsewhere your egress rules decide.

"""
COLUMNS = (
    "assistant",
    "release",
    "speaks",
    "native turn",
    "translated turn",
    "warned",
    "denied",
    "broken off",
    "in the audit",
    "first request",
    "other hosts looked for",
)
KNOWN = """
## What is otherwise than the rule, and what it costs

The rule: one request for a denial, its text shown, an exit code that is not 0.

"""


@dataclass(frozen=True, slots=True)
class Found:
    """How one part of the proof ended: `failure` is empty when it holds."""

    failure: str
    facts: Mapping[str, object]

    def cell(self, words: str) -> str:
        """The words, with the facts filled in, or what went wrong."""
        return f"**no**: {self.failure}" if self.failure else words.format(**self.facts)


@dataclass(slots=True)
class Table:
    """Listens to pytest."""

    found: dict[tuple[str, str], Found] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember how a test ended; one that could not begin has ended too."""
        if report.when == "call" or (report.when == "setup" and report.failed):
            part, _, rest = report.nodeid.rpartition("::")[2].partition("[")
            self.found[rest.rstrip("]"), part] = Found(reason(report), dict(report.user_properties))

    def publish(self) -> str:
        """Write the page when nothing was left out; what was done, for whoever waits."""
        wanted = {(each.name, part) for each in ASSISTANTS for part in PARTS}
        untried = sorted({name for name, _ in wanted - self.found.keys()})
        if untried:
            return f"{PAGE.name} is left as it was: not all was run ({', '.join(untried)})"
        rows = "".join(map(row, (COLUMNS, ["---"] * len(COLUMNS), *map(self._cells, ASSISTANTS))))
        notes = "".join(known(assistant) for assistant in ASSISTANTS)
        PAGE.write_text(OPENING + rows + KNOWN + notes)
        return f"{PAGE.name} is written"

    def _cells(self, assistant: Assistant) -> tuple[str, ...]:
        parts = (self.found[assistant.name, part] for part in PARTS)
        native, translated, warned, denial, cut = parts
        return (
            assistant.title,
            version_of(assistant.package),
            SPOKEN[assistant.wire],
            native.cell("yes ({requests})"),
            translated.cell("yes ({requests})"),
            warned.cell("{warned}"),
            denial.cell("after {requests}"),
            cut.cell("{after}"),
            told_apart(assistant),
            native.cell("{kilobytes} KB, {tools} tools"),
            native.cell("{hosts}"),
        )


def row(cells: Iterable[str]) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(cells)} |\n"


def reason(report: pytest.TestReport) -> str:
    """The first line of what went wrong, fit for a cell."""
    if not report.failed:
        return ""
    lines = report.longreprtext.splitlines()
    said = next((line[1:].strip() for line in lines if line.startswith("E ")), lines[-1])
    return said.replace("|", "/")[:120]


def told_apart(assistant: Assistant) -> str:
    """How the ledger names it."""
    release = " with its release" if assistant.recognised.has_version else ", no release"
    return f"`{assistant.recognised.name}`{release}"


def known(assistant: Assistant) -> str:
    """What this assistant is known to do otherwise, a line each."""
    lines = [assistant.denied.why, *assistant.costs]
    if isinstance(assistant.works, EditBlock):
        lines.insert(
            0, "it has no tools: it sends the file itself, and the answer's text is the edit"
        )
    told = "; ".join(line for line in lines if line)
    return f"- **{assistant.title}**: {told}.\n" if told else ""
