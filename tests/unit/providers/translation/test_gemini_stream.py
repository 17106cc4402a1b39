"""Chat's answers as Gemini's: calls whole or absent, figures in Google's classes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.translation.ending import Ending
from providers.translation.gemini_stream import GeminiStream, gemini_document, gemini_usage
from providers.translation.messages_reply import BadArguments

USAGE = {
    "prompt_tokens": 40,
    "completion_tokens": 7,
    "prompt_tokens_details": {"cached_tokens": 30},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
ARGUMENTS = ('{"path": "ü.py", "n": [1, {}]}', "{}")


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"id": "c1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def piece(index: int, arguments: str = "", **function: Any) -> dict[str, Any]:
    opening = {"id": f"call_{index}"} if function else {}
    return {"index": index, **opening, "function": {**function, "arguments": arguments}}


def stream(*chunks: dict[str, Any], wants_thoughts: bool = True) -> list[dict[str, Any]]:
    encoder = GeminiStream(reply_id=None, model="m-1", wants_thoughts=wants_thoughts)
    written = b"".join(encoder.encode(each) for each in chunks) + encoder.close(Ending(USAGE))
    assert written.endswith(b"\n\n")
    return [json.loads(event.removeprefix(b"data: ")) for event in written.split(b"\n\n")[:-1]]


def parts_of(values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [part for value in values for part in value["candidates"][0]["content"]["parts"]]


def test_text_and_thoughts_stream_as_they_come() -> None:
    values = stream(chunk(reasoning_content="hm"), chunk(content="a"), chunk("stop"))
    assert parts_of(values) == [{"text": "hm", "thought": True}, {"text": "a"}, {"text": ""}]
    reasons = [value["candidates"][0].get("finishReason") for value in values]
    assert reasons == [None, None, "STOP"]
    assert {(value["responseId"], value["modelVersion"]) for value in values} == {("c1", "m-1")}


def test_thoughts_that_nobody_asked_for_are_not_told() -> None:
    values = stream(chunk(reasoning_content="hm"), chunk("stop", content="a"), wants_thoughts=False)
    assert parts_of(values)[0] == {"text": "a"}


def test_no_end_is_written_before_the_close() -> None:
    encoder = GeminiStream(reply_id="r", model="m", wants_thoughts=True)
    written = encoder.encode(chunk(content="a")) + encoder.encode(chunk("stop"))
    assert b"finishReason" not in written
    assert b"usageMetadata" not in written


@st.composite
def cut_calls(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Two parallel calls, their arguments cut anywhere and mixed in any order."""
    chunks = [chunk(tool_calls=[piece(at, name=f"f{at}")]) for at in (0, 1)]
    rests = list(ARGUMENTS)
    while any(rests):
        at = draw(st.sampled_from([at for at in (0, 1) if rests[at]]))
        size = draw(st.integers(1, len(rests[at])))
        chunks.append(chunk(tool_calls=[piece(at, rests[at][:size])]))
        rests[at] = rests[at][size:]
    return [*chunks, chunk("tool_calls")]


@given(cut_calls())
def test_calls_are_whole_in_the_last_chunk_however_they_came(chunks: list[dict[str, Any]]) -> None:
    (value,) = stream(*chunks)
    assert value["candidates"][0]["finishReason"] == "STOP"
    assert parts_of([value]) == [
        {"functionCall": {"id": f"call_{at}", "name": f"f{at}", "args": json.loads(arguments)}}
        for at, arguments in enumerate(ARGUMENTS)
    ]


@given(st.text(max_size=30), st.data())
def test_text_is_the_same_however_it_came(text: str, data: st.DataObject) -> None:
    chunks, rest = [], text
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        chunks.append(chunk(content=rest[:size]))
        rest = rest[size:]
    assert "".join(part["text"] for part in parts_of(stream(*chunks, chunk("stop")))) == text


def test_a_new_id_under_the_same_number_is_a_new_call() -> None:
    pieces = [
        {"index": 0, "id": name, "function": {"name": name, "arguments": "{}"}} for name in "ab"
    ]
    values = stream(chunk(tool_calls=pieces), chunk("tool_calls"))
    assert [part["functionCall"]["name"] for part in parts_of(values)] == ["a", "b"]


@pytest.mark.parametrize("arguments", ['{"path": "a', "[]", "7", '{"a":1}{"b":2}'])
def test_arguments_that_are_no_object_are_no_answer(arguments: str) -> None:
    with pytest.raises(BadArguments):
        stream(chunk(tool_calls=[piece(0, arguments, name="f")]), chunk("tool_calls"))


@pytest.mark.parametrize("arguments", ['{"path": "a', ""])
def test_a_call_that_the_limit_broke_off_is_absent(arguments: str) -> None:
    whole, broken = piece(0, "{}", name="f"), piece(1, arguments, name="g")
    (value,) = stream(chunk(tool_calls=[whole, broken]), chunk("length"))
    assert [part["functionCall"]["name"] for part in parts_of([value])] == ["f"]
    assert value["candidates"][0]["finishReason"] == "MAX_TOKENS"


def test_a_call_without_arguments_has_none() -> None:
    (value,) = stream(chunk(tool_calls=[piece(0, "", name="f")]), chunk("tool_calls"))
    assert parts_of([value])[0]["functionCall"]["args"] == {}


@pytest.mark.parametrize(
    ("chat", "google"),
    [
        ("stop", "STOP"),
        ("tool_calls", "STOP"),
        ("length", "MAX_TOKENS"),
        ("content_filter", "SAFETY"),
    ],
)
def test_finish_reasons_have_googles_words(chat: str, google: str) -> None:
    assert stream(chunk(chat))[-1]["candidates"][0]["finishReason"] == google


def test_usage_has_googles_classes() -> None:
    assert stream(chunk("stop"))[-1]["usageMetadata"] == {
        "promptTokenCount": 40,
        "cachedContentTokenCount": 30,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 2,
        "totalTokenCount": 47,
    }
    assert gemini_usage({"prompt_tokens": 1, "completion_tokens": 2}) == {
        "promptTokenCount": 1,
        "candidatesTokenCount": 2,
        "totalTokenCount": 3,
    }


def test_the_tier_stands_beside_the_figures() -> None:
    assert "serviceTier" not in gemini_usage(USAGE)
    assert gemini_usage(USAGE, "flex")["serviceTier"] == "flex"


def document(finish: str, **message: Any) -> dict[str, Any]:
    choices = [{"index": 0, "message": message, "finish_reason": finish}] * 1
    written = gemini_document(
        {"id": "c1", "choices": choices},
        reply_id=None,
        model="m",
        ending=Ending(),
        wants_thoughts=True,
    )
    value: dict[str, Any] = json.loads(written)
    return value


def test_a_document_holds_everything_and_no_usage_where_none_was_told() -> None:
    calls = [{"id": "x", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]
    value = document("tool_calls", reasoning_content="hm", content="a", tool_calls=calls)
    assert parts_of([value]) == [
        {"text": "hm", "thought": True},
        {"text": "a"},
        {"functionCall": {"id": "x", "name": "f", "args": {"a": 1}}},
    ]
    assert value["candidates"][0]["finishReason"] == "STOP"
    assert "usageMetadata" not in value


def test_a_document_holds_every_answer() -> None:
    choices = [
        {"index": at, "message": {"content": text}, "finish_reason": "stop"}
        for at, text in enumerate("ab")
    ]
    written = gemini_document(
        {"choices": choices}, reply_id="r", model="m", ending=Ending(USAGE), wants_thoughts=True
    )
    value = json.loads(written)
    assert [each["index"] for each in value["candidates"]] == [0, 1]
    assert value["usageMetadata"]["totalTokenCount"] == 47


def test_a_document_with_broken_arguments_is_no_answer() -> None:
    calls = [{"id": "x", "function": {"name": "f", "arguments": "{"}}]
    with pytest.raises(BadArguments):
        document("tool_calls", tool_calls=calls)
