"""What can be wrong with a gateway is told apart, in words that say what to do."""

import json
import socket

import pytest

from gateway.cli.diagnosis.finding import Finding, Verdict
from gateway.cli.diagnosis.of_gateway import (
    examine_gateway,
    examine_key,
    examine_models,
    examine_turns,
    examine_way,
)
from gateway.cli.diagnosis.turns import TOOL
from gateway.cli.offered import Sizes
from providers.base import WireName
from tests.fakes.door import models, opened

CHAT = "/v1/chat/completions"
WHOLE = {"choices": [{"delta": {"content": "hello"}, "finish_reason": "stop"}]}
UNKNOWN = 404, json.dumps({"error": {"code": "unknown_path", "message": "no such"}}).encode()


def stream(*events: object) -> tuple[int, bytes]:
    return 200, "".join(f"data: {json.dumps(each)}\n\n" for each in events).encode()


def chat_turn(status: int, body: bytes) -> Finding:
    """What is found when the chat endpoint answers this."""
    with opened({CHAT: (status, body)}) as door:
        return next(examine_turns(door.root, "gth_x", "coder", [WireName.OPENAI_CHAT]))


def test_a_gateway_that_is_ready_is_well() -> None:
    with opened({"/readyz": (200, b'{"ready": true}')}) as door:
        assert examine_gateway(door.root).verdict is Verdict.OK


def test_a_gateway_that_does_not_serve_says_why() -> None:
    with opened({"/readyz": (503, b'{"ready": false, "ledger": "full"}')}) as door:
        found = examine_gateway(door.root)
    assert (found.verdict, "ledger: full" in found.text) == (Verdict.PROBLEM, True)


def test_something_else_at_the_address_is_told_from_nobody() -> None:
    with opened({}) as door:
        assert "is not a gateway" in examine_gateway(door.root).text
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "nobody answers" in examine_gateway(f"http://127.0.0.1:{port}").text


def test_a_refused_key_is_told_without_it() -> None:
    refusal = json.dumps({"error": {"message": "this key was revoked"}}).encode()
    with opened({"/v1/models": (401, refusal)}) as door:
        found, offered = examine_key(door.root, "gth_secret", "gth_…cret")
    assert offered == {}
    assert found.text == "the key gth_…cret is refused: this key was revoked"


def test_a_good_key_has_its_models() -> None:
    with opened({"/v1/models": models("a", "b")}) as door:
        assert examine_key(door.root, "gth_x", "hint")[1] == {"a": Sizes(), "b": Sizes()}


def test_no_models_and_one_that_is_not_offered_are_problems() -> None:
    assert examine_models((), None).verdict is Verdict.PROBLEM
    assert "there are: a" in examine_models(("a",), "b").text
    assert examine_models(("a",), "a").verdict is Verdict.OK


CALL = {"id": "call_1", "function": {"name": TOOL, "arguments": "{}"}}
CALLS = stream({"choices": [{"delta": {"tool_calls": [CALL]}, "finish_reason": "tool_calls"}]})


def test_a_turn_with_the_tool_goes_on_with_its_result() -> None:
    with opened({CHAT: CALLS}) as door:
        found = next(examine_turns(door.root, "gth_x", "coder", [WireName.OPENAI_CHAT]))
    assert (found.verdict, "and its result" in found.text) == (Verdict.OK, True)
    _, said, result = json.loads(door.asked[1][3])["messages"]
    assert said["tool_calls"][0]["id"] == result["tool_call_id"] == "call_1"


def test_a_gateway_that_stumbles_over_the_result_is_told_apart() -> None:
    refusal = 400, b'{"error": {"message": "no such call"}}'
    with opened({CHAT: [CALLS, refusal]}) as door:
        found = next(examine_turns(door.root, "gth_x", "coder", [WireName.OPENAI_CHAT]))
    assert found.verdict is Verdict.PROBLEM
    assert "after the tool's result: status 400: no such call" in found.text


def test_a_model_that_calls_no_tool_is_a_note() -> None:
    assert chat_turn(*stream(WHOLE)).verdict is Verdict.NOTE


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (stream({"choices": [{"delta": {"content": "he"}}]}), "was cut before its end"),
        (stream({"error": {"message": "gone"}}), "failed on the way: gone"),
        ((400, b'{"error": {"message": "policy says no"}}'), "status 400: policy says no"),
        ((200, b"<html>"), "was cut before its end"),
        (
            stream(
                {
                    "choices": [
                        {
                            "delta": {"tool_calls": [{"function": {"name": "lookuplookup"}}]},
                            "finish_reason": "tool_calls",
                        }
                    ]
                }
            ),
            "arrived damaged",
        ),
        (UNKNOWN, "does not speak it yet"),
        ((405, b""), "does not speak it yet"),
    ],
)
def test_what_goes_wrong_in_a_turn_is_told_apart(answer: tuple[int, bytes], words: str) -> None:
    found = chat_turn(*answer)
    assert found.verdict is Verdict.PROBLEM
    assert words in found.text


def test_a_model_that_is_not_found_is_not_a_missing_endpoint() -> None:
    refusal = json.dumps({"error": {"code": "model_not_found", "message": "no 'coder'"}}).encode()
    assert "status 404: no 'coder'" in chat_turn(404, refusal).text


def test_a_protocol_nobody_needs_is_no_problem_when_it_is_missing() -> None:
    with opened({CHAT: stream(WHOLE)}) as door:
        found = list(examine_turns(door.root, "gth_x", "coder", None))
    assert {each.verdict for each in found} == {Verdict.NOTE}
    assert len(found) == len(door.asked) == 4


def test_a_model_with_a_slash_stays_one_step_of_the_path() -> None:
    with opened({}) as door:
        list(examine_turns(door.root, "gth_x", "house/coder", [WireName.GEMINI]))
    assert "/house%2Fcoder:streamGenerateContent" in door.asked[0][1]


@pytest.mark.parametrize(
    ("root", "environ", "notes"),
    [
        ("http://127.0.0.1:7070", {}, 0),
        ("http://localhost:7070", {"HTTPS_PROXY": "http://p"}, 0),
        ("http://gw.example", {}, 1),
        ("https://gw.example", {}, 0),
        ("https://gw.example", {"HTTPS_PROXY": "http://p"}, 1),
        ("https://gw.example", {"https_proxy": "http://p", "NO_PROXY": "x, .example"}, 0),
        ("https://gw.example", {"ALL_PROXY": "http://p", "no_proxy": "*"}, 0),
        ("https://gw.example", {"https_proxy": ""}, 0),
    ],
)
def test_what_stands_in_between_is_noted(root: str, environ: dict[str, str], notes: int) -> None:
    assert len(list(examine_way(root, environ))) == notes
