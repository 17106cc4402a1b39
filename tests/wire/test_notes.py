"""A warning goes into every captured answer and out again: nothing else of the answer changes."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import NOTE_FORMS
from gateway.wire.note import note_of
from gateway.wire.note_form import NoteForm
from gateway.wire.places import quoted
from gateway.wire.sse import Splitter
from policy.types import Notice
from providers.base import WireName
from tests.wire.test_cases import DOCUMENTS, STREAMS, named, read, wire_of

AUDIT_ID = "gh-01KAJ0T6M0ABCDEFGHJKMNPQRS"
NOTE = note_of([Notice("codex-leaves", 'Codex leaves; use "Qoder", für alle')], AUDIT_ID)
SAID = quoted(NOTE)


def form_of(case: Path) -> NoteForm:
    return NOTE_FORMS[WireName(case.parent.name)]


def has_notes(case: Path) -> bool:
    return WireName(case.parent.name) in NOTE_FORMS


NOTED_STREAMS = [case for case in STREAMS if has_notes(case)]
NOTED_DOCUMENTS = [case for case in DOCUMENTS if has_notes(case)]
SILENT = {
    # Tool calls alone, a refusal, an error: nothing that somebody reads.
    "gemini/odd_types",
    "gemini/parallel_calls_after_results_cache",
    "gemini/prompt_blocked",
    "openai_chat/cut_in_a_tool_call",
    "openai_chat/llama_cpp_old_error_field",
    "openai_chat/openai_parallel_tools",
    "openai_chat/vllm_document_tool",
    "openai_chat/vllm_reasoning_tool",
    "openai_responses/codex_reasoning_parallel_tools",
    "openai_responses/llama_cpp_tool_document",
    "openai_responses/openai_error_event_first",
    "openai_responses/vllm_cut_in_a_tool_call",
}


def events_of(reply: bytes, cuts: list[int]) -> list[bytes]:
    """The whole events of a reply that comes in pieces."""
    splitter, events = Splitter(), []
    for start, end in zip([0, *cuts], [*cuts, len(reply)], strict=True):
        events += splitter.feed(reply[start:end])
    return events + splitter.finish()[0]


def passed(form: NoteForm, events: list[bytes]) -> tuple[list[bytes], bool]:
    """The events as they go out, and whether the note is among them."""
    note = form.in_stream(NOTE)
    return [event if note.is_over else note.pass_on(event) for event in events], note.is_written


@pytest.mark.parametrize("case", NOTED_STREAMS, ids=named)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_a_stream_with_its_note_taken_out_is_the_upstreams(case: Path, data: st.DataObject) -> None:
    reply = (case / "reply.sse").read_bytes()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(reply)), max_size=6)))
    events = events_of(reply, cuts)
    noted, is_written = passed(form_of(case), events)
    assert [event.replace(SAID, b"") for event in noted] == events
    assert is_written == any(SAID in event for event in noted)


@pytest.mark.parametrize("case", NOTED_DOCUMENTS, ids=named)
def test_a_document_with_its_note_taken_out_is_the_upstreams(case: Path) -> None:
    reply = (case / "reply.json").read_bytes()
    noted = form_of(case).in_document(reply, NOTE)
    assert noted is None or (noted.count(SAID), noted.replace(SAID, b"")) == (1, reply)


def observed(case: Path, events: list[bytes]) -> Any:
    """What an observer makes of these events, but for how much was said."""
    observer = wire_of(case).observer(read(case).facts, asked_for_usage=False)
    kinds = [observer.observe_event(event) for event in events]
    observer.facts.output_bytes = 0
    return kinds, observer.facts


@pytest.mark.parametrize("case", NOTED_STREAMS, ids=named)
def test_a_noted_stream_tells_the_same_usage_stop_and_failure(case: Path) -> None:
    events = events_of((case / "reply.sse").read_bytes(), [])
    noted, _ = passed(form_of(case), events)
    assert observed(case, noted) == observed(case, events)


def test_notes_are_written_where_there_are_words() -> None:
    told = {
        named(case): passed(form_of(case), events_of((case / "reply.sse").read_bytes(), []))[1]
        for case in NOTED_STREAMS
    }
    told |= {
        named(case): form_of(case).in_document((case / "reply.json").read_bytes(), NOTE) is not None
        for case in NOTED_DOCUMENTS
    }
    assert {name for name, is_told in told.items() if not is_told} == SILENT
