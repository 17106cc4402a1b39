"""A streamed answer is heard in every protocol: its words, its tool call, whether it is whole."""

import json

import pytest

from gateway.cli.asking import Answer
from gateway.cli.diagnosis.turns import TOOL, TURNS, Heard, Turn, hear
from providers.base import WireName

ARGUMENTS = '{"word": "gatehouse"}'
CALLS: dict[WireName, list[object]] = {
    WireName.OPENAI_CHAT: [
        {"choices": [{"delta": {"content": "I look. "}}]},
        {
            "choices": [
                {
                    "delta": {
                        "tool_calls": [{"function": {"name": TOOL, "arguments": ""}, "id": "c1"}]
                    }
                }
            ]
        },
        {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": ARGUMENTS[:5]}}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": ARGUMENTS[5:]}}]}}]},
        {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]},
        {"choices": [], "usage": {"total_tokens": 3}},
    ],
    WireName.ANTHROPIC_MESSAGES: [
        {"type": "message_start", "message": {"role": "assistant"}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "I look. "}},
        {
            "type": "content_block_start",
            "content_block": {"type": "tool_use", "id": "c1", "name": TOOL},
        },
        {"type": "content_block_delta", "delta": {"partial_json": ARGUMENTS[:5]}},
        {"type": "content_block_delta", "delta": {"partial_json": ARGUMENTS[5:]}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
    ],
    WireName.OPENAI_RESPONSES: [
        {"type": "response.created"},
        {"type": "response.output_text.delta", "delta": "I look. "},
        {
            "type": "response.output_item.done",
            "item": {
                "type": "function_call",
                "call_id": "c1",
                "name": TOOL,
                "arguments": ARGUMENTS,
            },
        },
        {"type": "response.completed"},
    ],
    WireName.GEMINI: [
        {"candidates": [{"content": {"parts": [{"text": "I look. "}]}}]},
        {
            "candidates": [
                {
                    "content": {
                        "parts": [
                            {
                                "functionCall": {"name": TOOL, "args": {"word": "gatehouse"}},
                                "thoughtSignature": "c1",
                            }
                        ]
                    }
                }
            ]
        },
        {"candidates": [{"finishReason": "STOP"}]},
    ],
}
ERRORS: dict[WireName, object] = {
    WireName.OPENAI_CHAT: {"error": {"message": "the model is gone"}},
    WireName.ANTHROPIC_MESSAGES: {"type": "error", "error": {"message": "the model is gone"}},
    WireName.OPENAI_RESPONSES: {
        "type": "response.failed",
        "response": {"error": {"message": "the model is gone"}},
    },
    WireName.GEMINI: {"error": {"code": 500, "message": "the model is gone"}},
}
every = pytest.mark.parametrize("turn", TURNS, ids=lambda turn: turn.wire)


def heard(turn: Turn, events: list[object]) -> Heard:
    lines = (f"data: {json.dumps(each)}\r\n\r\n" for each in events)
    body = ": keep-alive\n\n" + "".join(lines) + "data: [DONE]\n\n"
    return hear(turn, Answer(200, body.encode(), 0.1))


@every
def test_a_tool_call_in_pieces_is_heard_whole(turn: Turn) -> None:
    told = heard(turn, CALLS[turn.wire])
    assert told.called_the_tool
    assert told.is_whole
    assert told.text == "I look. "
    assert json.loads(told.arguments) == {"word": "gatehouse"}


@every
def test_the_tools_result_goes_back_with_the_call_it_answers(turn: Turn) -> None:
    first = turn.body("coder")
    second = turn.go_on(first, heard(turn, CALLS[turn.wire]))
    history = next(name for name in ("messages", "input", "contents") if name in first)
    assert second[history][0] == first[history][0]
    call, result = (json.dumps(each) for each in second[history][1:])
    assert TOOL in call
    assert "c1" in call
    assert "guards the way in" in result
    assert "c1" in result or turn.wire is WireName.GEMINI
    assert {**second, history: first[history]} == first


@every
def test_an_answer_without_its_stop_reason_is_not_whole(turn: Turn) -> None:
    events = [each for each in CALLS[turn.wire][:-1] if "finish_reason" not in json.dumps(each)]
    if turn.wire is WireName.ANTHROPIC_MESSAGES:
        events = events[:-1]
    assert not heard(
        turn, [each for each in events if "stop_reason" not in json.dumps(each)]
    ).is_whole


@every
def test_an_answer_that_fails_on_the_way_says_why(turn: Turn) -> None:
    told = heard(turn, [CALLS[turn.wire][0], ERRORS[turn.wire]])
    assert told.error == "the model is gone"
    assert not told.is_whole


@every
def test_what_no_protocol_knows_is_passed_over(turn: Turn) -> None:
    odd: list[object] = [{"choices": None, "candidates": 3, "delta": None}, 7, "x", {}]
    assert heard(turn, odd) == Heard()


@every
def test_a_turn_is_streamed_and_offers_the_tool(turn: Turn) -> None:
    asked = json.dumps(turn.body("coder"))
    assert TOOL in asked
    assert '"stream": true' in asked or "streamGenerateContent" in turn.path("coder")
    assert "coder" in asked + turn.path("coder")


@every
def test_the_key_goes_where_the_protocol_has_it(turn: Turn) -> None:
    assert any("gth_x" in value for value in turn.headers("gth_x").values())


def test_arguments_that_are_no_object_are_a_damaged_call() -> None:
    assert not Heard(tool=TOOL, arguments='{"word": ').called_the_tool
    assert not Heard(tool=TOOL, arguments="[1]").called_the_tool
    assert Heard(tool=TOOL, arguments="").called_the_tool
