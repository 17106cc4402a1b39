"""The watch believes what the vendor said, in whatever pieces it came."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.translation import watch as module
from providers.translation.watch import ReplyTooLarge, ReplyWatch


def sse(*values: dict[str, Any], newline: bytes = b"\n") -> bytes:
    return b"".join(b"data: " + json.dumps(each).encode() + newline * 2 for each in values)


def read(data: bytes, *, answers: int = 1, streamed: bool = True, size: int = 0) -> ReplyWatch:
    watch = ReplyWatch(answers=answers)
    watch.is_stream = streamed
    step = size or len(data) or 1
    for at in range(0, len(data), step):
        watch.feed(data[at : at + step])
    watch.finish()
    return watch


def choice(finish: str | None, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": index, "delta": {}, "finish_reason": finish, **more}]}


CHAT = sse(
    {"id": "c1", "model": "m1", "created": 7, "choices": [{"index": 0, "delta": {"content": "x"}}]},
    choice("stop", stop_reason="END"),
    {"id": "c1", "choices": [], "usage": {"completion_tokens": 3}},
)
MESSAGES = sse(
    {"type": "message_start", "message": {"id": "m9", "model": "c", "usage": {"input_tokens": 3}}},
    {"type": "content_block_delta", "delta": {"text": '"stop_reason":"x" usage'}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
)
GEMINI = sse(
    {"candidates": [{"content": {}}], "responseId": "r", "modelVersion": "g"},
    {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"totalTokenCount": 5}},
    newline=b"\r\n",
)

RESPONSE: dict[str, Any] = {"id": "r1", "object": "response", "model": "m", "created_at": 7.5}
BEGUN = {"type": "response.created", "response": {**RESPONSE, "status": "in_progress"}}
COUNTED = {"output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 1}}


def response(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "response": {**RESPONSE, **more}}


RESPONSES = sse(
    BEGUN,
    {"type": "response.output_text.delta", "delta": '"status": "completed"'},
    response("completed", status="completed", usage=COUNTED),
)


@pytest.mark.parametrize("kind", ["completed", "incomplete"])
@pytest.mark.parametrize("more", [{}, {"status": "completed"}, {"status": "incomplete"}])
def test_a_response_ends_with_its_last_event(kind, more):
    watch = read(sse(BEGUN, response(kind, usage=COUNTED, **more)))
    assert (watch.is_whole, watch.failure) == (True, None)
    assert (watch.response_id, watch.response_model, watch.created) == ("r1", "m", 7)
    assert watch.has_usage
    assert watch.has_reasoning_count


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (response("failed", status="failed", error={"code": "x", "message": "boom"}), "boom"),
        (response("failed"), "the model failed"),
        (response("completed", status="failed"), "the model failed"),
        ({"type": "error", "code": "rate_limit_exceeded", "message": "slowly"}, "slowly"),
        ({"type": "error", "error": {"message": "nested"}}, "nested"),
        ({**RESPONSE, "status": "failed", "error": {"message": "boom"}}, "boom"),
    ],
)
def test_a_response_that_failed_is_no_answer(event, words):
    watch = read(sse(event))
    assert (watch.is_whole, watch.failure) == (False, words)


@pytest.mark.parametrize("size", [0, 1, 30])
@pytest.mark.parametrize("kind", ["completed", "incomplete"])
def test_nothing_behind_the_end_of_a_response_counts(kind, size):
    late = {"type": "error", "message": "too late"}
    watch = read(sse(BEGUN, response(kind), late, response("failed")), size=size)
    assert (watch.is_whole, watch.failure) == (True, None)


@pytest.mark.parametrize("status", ["in_progress", "queued", "cancelled", None])
def test_a_response_that_is_not_over_is_not_whole(status):
    document = json.dumps({**RESPONSE, "status": status}).encode()
    assert not read(document, streamed=False).is_whole
    assert not read(sse(response("in_progress", status="completed"))).is_whole


@pytest.mark.parametrize("status", ["completed", "incomplete"])
def test_a_responses_document_ends_by_its_status(status):
    assert read(json.dumps({**RESPONSE, "status": status}).encode(), streamed=False).is_whole


@pytest.mark.parametrize("data", [CHAT, MESSAGES, GEMINI, RESPONSES])
def test_an_end_and_a_usage_are_seen(data):
    watch = read(data)
    assert watch.is_whole
    assert watch.has_usage
    assert watch.response_id in ("c1", "m9", "r", "r1")


@given(st.sampled_from([CHAT, MESSAGES, GEMINI, RESPONSES]), st.integers(1, 60))
def test_pieces_make_no_difference(data, size):
    whole, pieces = read(data), read(data, size=size)
    assert (pieces.is_whole, pieces.has_usage, pieces.response_id, pieces.response_model) == (
        whole.is_whole,
        whole.has_usage,
        whole.response_id,
        whole.response_model,
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"data: [DONE]\n\n",
        sse(choice(None)),
        sse({"choices": [{"delta": {"content": '"finish_reason": "stop"'}}]}),
        sse({"type": "content_block_stop"}),
        b'data: {"choices": [{"finish_reason": "stop"',
        b"<html>finish_reason</html>",
        b"data: 5\n\n",
    ],
)
def test_what_is_no_end_is_no_end(data):
    assert not read(data).is_whole


def test_every_answer_needs_its_end():
    assert not read(sse(choice("stop")), answers=2).is_whole
    assert read(sse(choice("stop"), choice("stop", 1)), answers=2).is_whole


@pytest.mark.parametrize("told", [1e300, 2**53, 2**60, -1, True, "7", None, [7]])
@pytest.mark.parametrize("name", ["created", "created_at"])
def test_a_date_that_is_none_is_not_believed(name, told):
    assert read(sse({"id": "c", name: told}, {"id": "c", name: 7})).created == 7


def test_a_document_is_read_as_a_whole():
    value = {"id": "c", "choices": [{"message": {}, "finish_reason": "stop"}], "usage": None}
    watch = read(json.dumps(value).encode(), streamed=False, size=5)
    assert watch.is_whole
    assert not watch.has_usage


def test_the_sequence_that_ended_it_is_named():
    assert read(CHAT).stop_sequence == "END"


@pytest.mark.parametrize(
    "told",
    [
        {**choice("stop"), "service_tier": "flex"},
        {"type": "message_start", "message": {"id": "m", "usage": {"service_tier": "flex"}}},
        {"type": "message_delta", "delta": {}, "usage": {"service_tier": "flex"}},
        {"candidates": [], "usageMetadata": {"serviceTier": "flex"}},
    ],
)
def test_the_tier_is_found_in_every_vendors_place(told):
    assert read(sse(told, {**choice("stop"), "service_tier": None})).service_tier == "flex"


def test_a_tier_that_is_no_word_is_none():
    assert read(sse({**choice("stop"), "service_tier": 7})).service_tier is None


def test_the_vendors_own_error_is_kept_short():
    watch = read(sse({"error": {"message": "x" * 9000}}))
    assert watch.failure == "x" * 500


@given(st.integers(1, 40))
def test_what_is_handed_on_is_what_came_but_for_the_end_marker_in_texts(size):
    text = "say [DONE] \\\\[DONE] and \ndata: [DONE]"
    data = sse({"choices": [{"delta": {"content": text}}]}) + b": ping\n\ndata: [DONE]\n\ndata: x"
    watch = ReplyWatch(answers=1)
    watch.is_stream = True
    handed = b"".join(watch.feed(data[at : at + size]) for at in range(0, len(data), size))
    handed += watch.finish()
    first, _, rest = handed.partition(b"\n")
    assert b"[DONE]" not in first
    assert json.loads(first[5:])["choices"][0]["delta"]["content"] == text
    assert rest == data.partition(b"\n")[2]


@pytest.mark.parametrize("streamed", [True, False])
def test_a_megabyte_in_small_pieces_is_read_as_it_is(streamed):
    value = {"choices": [{"delta": {"content": "x" * (1 << 20)}, "finish_reason": "stop"}]}
    data = sse(value) if streamed else json.dumps(value).encode()
    watch = read(data, streamed=streamed, size=100)
    assert watch.is_whole
    assert watch.document == (b"" if streamed else data)


def test_a_line_without_bounds_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "_LINE_LIMIT_BYTES", 10)
    watch = ReplyWatch(answers=1)
    watch.is_stream = True
    watch.feed(b"x" * 5 + b"\n" + b"x" * 10)
    with pytest.raises(ReplyTooLarge):
        watch.feed(b"x")


def test_a_reply_without_bounds_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "DOCUMENT_LIMIT_BYTES", 10)
    watch = ReplyWatch(answers=1)
    with pytest.raises(ReplyTooLarge):
        watch.feed(b"x" * 11)
