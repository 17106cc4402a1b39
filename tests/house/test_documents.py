"""The documents say what the code does: every decision, command and setting is there."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from gateway.cli import app
from tests.house.reading import ROOT, listing

DOCS = ROOT / "docs"
DECISIONS = DOCS / "decisions"
COMMANDS = {
    "up", "check", "models", "registers", "version",
    "key create", "key list", "key revoke",
    "audit tail", "audit show", "audit search",
    "policy explain", "policy test", "policy diff",
    "policy preview", "policy replay",
    "policy versions", "policy show", "policy rollback", "policy resume",
    "break-glass open", "break-glass approve", "break-glass close", "break-glass list",
    "break-glass show",
    "connect", "doctor",
}  # fmt: skip


def pages() -> list[Any]:
    return sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")


def test_there_are_decisions_to_read() -> None:
    assert len(pages()) >= 2, "The first decisions are on paper from the first day."


def test_every_decision_says_status_context_decision_and_consequences() -> None:
    wanted = ("**Status**:", "## Context", "## Decision", "## Consequences")
    short = [
        f"{page.name}: {part}"
        for page in pages()
        for part in wanted
        if part not in page.read_text()
    ]
    assert not short, listing(short, "A decision without its grounds will be undone by the next.")


def test_every_decision_has_its_number_once_and_is_listed() -> None:
    index = (DECISIONS / "README.md").read_text()
    unlisted = [page.name for page in pages() if f"({page.name})" not in index]
    assert not unlisted, listing(unlisted, "docs/decisions/README.md lists every page.")
    numbers = [page.name[:4] for page in pages()]
    assert all(re.fullmatch(r"\d{4}", number) for number in numbers)
    assert len(numbers) == len(set(numbers)), "A number is never used twice."


def test_every_link_between_documents_leads_somewhere() -> None:
    texts = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
    dead = [
        f"{text.relative_to(ROOT)}: {link}"
        for text in texts
        for link in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text.read_text())
        if not (text.parent / link).exists()
    ]
    assert not dead, listing(dead, "A reader follows links at night.")


def documents() -> str:
    return "\n".join(path.read_text() for path in [ROOT / "README.md", *DOCS.rglob("*.md")])


def commands(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every command that can be typed, with its place in the tree."""
    for name, command in group.commands.items():
        full = f"{above} {name}".strip()
        if hasattr(command, "commands"):
            yield from commands(command, full)
        else:
            yield full, command


def test_the_command_line_is_the_one_that_was_promised() -> None:
    offered = {name for name, _ in commands(typer.main.get_command(app))}
    missing = COMMANDS - offered
    assert not missing, listing(missing, "Scripts rely on these commands from now on.")


def test_the_documents_tell_of_every_command() -> None:
    text = documents()
    offered = {name for name, _ in commands(typer.main.get_command(app))}
    silent = {name for name in offered if f"gatehouse {name}" not in text}
    assert not silent, listing(silent, "A command that no page tells of is found by accident.")


def test_the_documents_tell_of_every_option() -> None:
    text = documents()
    silent = {
        f"gatehouse {name}: {option}"
        for name, command in commands(typer.main.get_command(app))
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and option != "--help" and option not in text
    }
    assert not silent, listing(silent, "An option that no page tells of is found by accident.")


def fields(schema: Any) -> Iterator[str]:
    """Every key that can be written, wherever it stands."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from fields(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from fields(part)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    names = ("gatehouse.schema.json", "gatehouse-policy.schema.json")
    return {name: json.loads((DOCS / name).read_text()) for name in names}


def test_the_documents_tell_of_every_field_of_the_configuration(schema: dict[str, Any]) -> None:
    text = documents()
    silent = {name for name in fields(schema) if not re.search(rf"\b{re.escape(name)}\b", text)}
    assert not silent, listing(silent, "A setting that no page tells of is found by accident.")


def undescribed(schema: Any, above: str = "") -> Iterator[str]:
    """Fields without a sentence that an editor could show."""
    if isinstance(schema, dict):
        for name, field in schema.get("properties", {}).items():
            if "description" not in field and "$ref" not in field:
                yield f"{above}.{name}"
        for name, part in schema.items():
            yield from undescribed(part, f"{above}.{name}")


def test_every_field_of_the_configuration_is_described(schema: dict[str, Any]) -> None:
    silent = list(undescribed(schema))
    assert not silent, listing(silent, "The editor shows these sentences to whoever writes.")
