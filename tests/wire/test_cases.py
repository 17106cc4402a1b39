"""Every captured case: its request read and edited, its reply observed in every chunking."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.exchange import Edit
from gateway.wire import families, wires
from gateway.wire.base import Reading, Span, Wire
from gateway.wire.sse import Splitter

FOLDER = Path(__file__).parent
CASES = sorted(path.parent for path in FOLDER.glob("*/*/facts.json"))
STREAMS = [case for case in CASES if (case / "reply.sse").exists()]
DOCUMENTS = [case for case in CASES if (case / "reply.json").exists()]


def by_bytes(model: str, text_bytes: int) -> int:
    """Estimates are in bytes here, so that a case shows what was counted."""
    return text_bytes


WIRES = {(wire.name.value, wire.counting): wire for wire in wires(by_bytes)}
FAMILIES = families(by_bytes)


def named(case: Path) -> str:
    return f"{case.parent.name}/{case.name}"


def wire_of(case: Path, model: str = "coder") -> Wire:
    """The wire of a case: that of its path, for this model in it, where it has one."""
    if not (case / "path").exists():
        return WIRES[case.parent.name, False]
    path, _, query = (case / "path").read_text().strip().partition("?")
    path = path.replace("/coder:", f"/{model}:")
    made = (family.wire_at(path, query.encode()) for family in FAMILIES)
    (wire,) = [each for each in made if each is not None]
    return wire


def expected(case: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((case / "facts.json").read_text())
    return facts


def read(case: Path) -> Reading:
    return wire_of(case).read((case / "request").read_bytes())


def observed(case: Path, pieces: list[bytes], reading: Reading) -> dict[str, Any]:
    """What a case's reply comes to when it arrives in these pieces."""
    observer = wire_of(case).observer(
        reading.facts, asked_for_usage=expected(case)["asked_for_usage"]
    )
    splitter = Splitter()
    events = [event for piece in pieces for event in splitter.feed(piece)]
    last, rest = splitter.finish()
    events += last
    assert b"".join(events) + rest == b"".join(pieces)
    return {
        "events": [observer.observe_event(event).value for event in events],
        "rest_bytes": len(rest),
        "reply": msgspec.to_builtins(observer.facts),
    }


def expected_reply(case: Path) -> dict[str, Any]:
    facts = expected(case)
    return {name: facts[name] for name in ("events", "rest_bytes", "reply")}


def splits(reply: bytes) -> Iterator[list[bytes]]:
    for position in range(len(reply) + 1):
        yield [reply[:position], reply[position:]]


def test_every_answering_wire_has_cases() -> None:
    answering = {name for name, counting in WIRES if not counting} | {"gemini"}
    assert answering == {case.parent.name for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_request_gives_its_facts(case: Path) -> None:
    facts = read(case).facts
    segments = [[part.path, part.zone.value, part.text] for part in facts.read_segments()]
    assert expected(case)["request"] == {
        "model": facts.model,
        "streaming": facts.streaming,
        "text_bytes": facts.input_tokens_estimate,
        "output_tokens_limit": facts.output_tokens_limit,
        "answers": facts.answers,
        "tool_names": list(facts.tool_names),
        "segments": segments,
    }


@pytest.mark.parametrize("case", CASES, ids=named)
def test_an_edit_changes_only_what_it_records(case: Path) -> None:
    reading = read(case)
    edited = wire_of(case).edit(reading, upstream_model="upstream/model", ask_for_usage=True)
    in_body = [edit for edit in edited.edits if edit.path != "url.model"]
    grown = sum(edit.bytes_after - edit.bytes_before for edit in in_body)
    assert [Edit(*edit) for edit in expected(case)["edits"]] == list(edited.edits)
    assert len(edited.body) == len(reading.body) + grown
    again = wire_of(case, "upstream/model").read(edited.body).facts
    assert (again.model, again.tool_names) == ("upstream/model", reading.facts.tool_names)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_members_of_the_request_stand_where_they_are_said_to(case: Path) -> None:
    reading = read(case)
    document = json.loads(reading.body)
    assert {
        key: json.loads(reading.body[span.start : span.end])
        for key, span in reading.members.items()
    } == document
    assert all(isinstance(span, Span) for span in reading.members.values())


@pytest.mark.parametrize("case", STREAMS, ids=named)
def test_the_stream_gives_its_facts_whole(case: Path) -> None:
    reply = (case / "reply.sse").read_bytes()
    assert observed(case, [reply], read(case)) == expected_reply(case)


@pytest.mark.parametrize("case", STREAMS, ids=named)
def test_the_stream_gives_the_same_facts_split_at_any_byte(case: Path) -> None:
    reading, reply, same = read(case), (case / "reply.sse").read_bytes(), expected_reply(case)
    other = [pieces for pieces in splits(reply) if observed(case, pieces, reading) != same]
    assert other == []


@pytest.mark.parametrize("case", STREAMS, ids=named)
def test_the_stream_gives_the_same_facts_byte_by_byte(case: Path) -> None:
    reply = (case / "reply.sse").read_bytes()
    pieces = [reply[at : at + 1] for at in range(len(reply))]
    assert observed(case, pieces, read(case)) == expected_reply(case)


@pytest.mark.parametrize("case", DOCUMENTS, ids=named)
def test_the_document_gives_its_facts(case: Path) -> None:
    observer = wire_of(case).observer(read(case).facts, asked_for_usage=False)
    observer.observe_document((case / "reply.json").read_bytes())
    assert msgspec.to_builtins(observer.facts) == expected(case)["reply"]
