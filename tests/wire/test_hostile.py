"""Whatever bytes come, a wire refuses in words or reads on; it never breaks."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.errors import MalformedRequest
from gateway.wire import families, wires
from gateway.wire.base import Event, NotAReply, Wire
from gateway.wire.sse import Splitter
from providers.base import WireName

FOLDER = Path(__file__).parent
GEMINI = "/v1beta/models/{model}:{action}"
REQUESTS = [path.read_bytes() for path in sorted(FOLDER.glob("*/*/request"))]
REPLIES = [path.read_bytes() for path in sorted(FOLDER.glob("*/*/reply.*"))]
# The machine that runs this may be slow; what is generated is small all the same.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
MEMBERS: dict[str, Any] = {
    "model": "coder",
    "messages": [],
    "contents": [],
    "prompt": "p",
    "input": "i",
    "query": "q",
    "documents": ["d"],
    "stream": True,
}


def every_wire(model: str) -> tuple[Wire, ...]:
    """Every wire; those that are made for a path, for this model in it."""
    made = [
        family.wire_at(GEMINI.format(model=model, action=action), b"alt=sse")
        for family in families(lambda model, text_bytes: text_bytes)
        for action in ("streamGenerateContent", "generateContent", "countTokens")
    ]
    plain = wires(lambda model, text_bytes: text_bytes)
    return (*plain, *[wire for wire in made if wire is not None])


WIRES = every_wire("coder")
OTHERS = dict(zip(WIRES, every_wire("other"), strict=True))

ODD_PIECES = st.sampled_from(
    [
        b"",
        b"\x00",
        b"\xff",
        b"\\",
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"null",
        b"NaN",
        b"-1",
        b"1e999",
        b"9" * 5_000,
        b"true",
        b"[]",
        b"{}",
        b'""',
        b"\\ud800",
        b"\\u0000",
        b"base64",
        b"\n\n",
        b"\r",
        b'"model":"x",',
        b"\xef\xbb\xbf",
    ]
)
ODD_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "role",
                    "content",
                    "name",
                    "function",
                    "source",
                    "data",
                    "url",
                    "text",
                    "input",
                    "message",
                    "delta",
                    "choices",
                    "usage",
                    "error",
                    "index",
                    "finish_reason",
                    "stop_reason",
                    "parts",
                    "role",
                    "candidates",
                    "finishReason",
                    "inlineData",
                    "inline_data",
                    "functionDeclarations",
                    "usageMetadata",
                    "promptTokenCount",
                    "promptFeedback",
                    "results",
                    "meta",
                    "tokens",
                ]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@st.composite
def spoilt(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """A captured body with a piece of it replaced by something odd."""
    original = draw(st.sampled_from(originals))
    start = draw(st.integers(0, len(original)))
    length = draw(st.integers(0, 12))
    return original[:start] + draw(ODD_PIECES) + original[start + length :]


def body_for(wire: Wire, members: Mapping[str, Any] | None = None) -> bytes:
    """A request that this wire reads, with other members in it."""
    refused = {"prompt"} if wire.name is WireName.OPENAI_RESPONSES else set[str]()
    kept = {name: value for name, value in MEMBERS.items() if name not in refused}
    return json.dumps({**kept, **(members or {})}).encode()


def read_or_refuse(wire: Wire, body: bytes) -> None:
    try:
        reading = wire.read(body)
        reading.facts.read_segments()
    except MalformedRequest:
        return
    edited = wire.edit(reading, upstream_model="other", ask_for_usage=True)
    assert OTHERS[wire].read(edited.body).facts.model == "other"


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.path)
@PATIENT
@given(body=st.binary(max_size=60) | spoilt(REQUESTS))
@example(body=b"")
@example(body=b'{"model":"m","messages":[' + b"[" * 950 + b"]" * 950 + b"]}")
@example(body=b'{"model":"m","messages":[' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"]}")
@example(body=b'{"contents":[{"parts":[' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"]}]}")
@example(body=b'{"contents":{"parts":' + b"[" * 950 + b"]" * 950 + b"}}")
def test_a_spoilt_request_is_read_or_refused(wire: Wire, body: bytes) -> None:
    read_or_refuse(wire, body)


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.path)
@PATIENT
@given(
    members=st.dictionaries(
        st.sampled_from(
            [
                "messages",
                "tools",
                "functions",
                "stream",
                "n",
                "max_tokens",
                "system",
                "prediction",
                "contents",
                "systemInstruction",
                "generation_config",
                "generateContentRequest",
                "prompt",
                "suffix",
                "best_of",
                "input",
                "query",
                "documents",
                "top_n",
            ]
        ),
        ODD_VALUES,
    )
)
def test_a_request_of_any_shape_is_read_or_refused(wire: Wire, members: dict[str, Any]) -> None:
    read_or_refuse(wire, body_for(wire, members))


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.path)
@PATIENT
@given(stream=st.binary(max_size=60) | spoilt(REPLIES))
def test_a_spoilt_stream_is_observed_to_its_end(wire: Wire, stream: bytes) -> None:
    observer = wire.observer(wire.read(body_for(wire)).facts, asked_for_usage=True)
    splitter = Splitter()
    events = splitter.feed(stream) + splitter.finish()[0]
    assert all(isinstance(observer.observe_event(event), Event) for event in events)


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.path)
@PATIENT
@given(document=ODD_VALUES)
def test_an_event_of_any_shape_is_observed(wire: Wire, document: object) -> None:
    observer = wire.observer(wire.read(body_for(wire)).facts, asked_for_usage=True)
    event = b"data: " + json.dumps(document).encode() + b"\n\n"
    assert isinstance(observer.observe_event(event), Event)


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.path)
@PATIENT
@given(document=ODD_VALUES.map(lambda value: json.dumps(value).encode()) | spoilt(REPLIES))
def test_a_document_of_any_shape_is_read_or_is_none(wire: Wire, document: bytes) -> None:
    observer = wire.observer(wire.read(body_for(wire)).facts, asked_for_usage=False)
    try:
        observer.observe_document(document)
    except NotAReply:
        assert not observer.facts.is_whole
