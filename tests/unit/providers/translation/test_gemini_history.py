"""A Gemini conversation as chat messages: calls and responses find each other without ids."""

import json
from typing import Any

import pytest

from providers.errors import UnsupportedFeature
from providers.translation.gemini_history import GeminiHistory
from providers.translation.hub import Capabilities, Losses

CHAT = Capabilities(frozenset({"tools"}))
ANTHROPIC = Capabilities(frozenset({"tools"}), anthropic=True)
IMAGE = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
ADDRESS = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def model(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def call(name: str, call_id: str | None = None, **args: Any) -> dict[str, Any]:
    named = {"id": call_id} if call_id else {}
    return {"functionCall": {**named, "name": name, "args": args}}


def response(name: str, call_id: str | None = None, **told: Any) -> dict[str, Any]:
    named = {"id": call_id} if call_id else {}
    return {"functionResponse": {**named, "name": name, "response": told}}


def read(*contents: dict[str, Any], can: Capabilities = CHAT) -> list[dict[str, Any]]:
    return GeminiHistory(can, Losses()).read(list(contents))


def lost(*contents: dict[str, Any], can: Capabilities = CHAT) -> list[str]:
    losses = Losses()
    GeminiHistory(can, losses).read(list(contents))
    return losses.names


def test_contents_of_one_side_are_one_message() -> None:
    contents = [user({"text": "a"}), {"parts": {"text": "b"}}, model({"text": "c"}, {"text": "d"})]
    assert read(*contents) == [
        {"role": "user", "content": "a\n\nb"},
        {"role": "assistant", "content": "cd"},
    ]


def test_an_image_makes_the_content_a_list() -> None:
    (message,) = read(user({"text": "look"}, IMAGE))
    assert message["content"] == [{"type": "text", "text": "look"}, ADDRESS]


def test_responses_find_their_calls_by_order_and_name() -> None:
    said = read(
        user({"text": "go"}),
        model(call("read", path="a"), call("grep"), call("read", path="b")),
        user(
            response("grep", output="G"), response("read", output="A"), response("read", output="B")
        ),
    )
    calls = said[1]["tool_calls"]
    ids = [each["id"] for each in calls]
    assert len(set(ids)) == 3
    assert [json.loads(each["function"]["arguments"]) for each in calls] == [
        {"path": "a"},
        {},
        {"path": "b"},
    ]
    results = [(each["tool_call_id"], each["content"]) for each in said[2:]]
    assert results == [(ids[0], "A"), (ids[1], "G"), (ids[2], "B")]


def test_responses_find_their_calls_by_id_where_there_is_one() -> None:
    said = read(
        model(call("read", "x1"), call("read", "x2")),
        user(response("read", "x2", output="2"), response("read", "x1", output="1")),
    )
    assert [(each["tool_call_id"], each["content"]) for each in said[1:]] == [
        ("x1", "1"),
        ("x2", "2"),
    ]


def test_results_over_several_contents_come_before_what_the_user_says() -> None:
    said = read(
        model(call("read"), call("grep")),
        user(response("read", output="R"), {"text": "and now?"}),
        {"role": "function", "parts": [response("grep", output="G")]},
    )
    assert [each["role"] for each in said] == ["assistant", "tool", "tool", "user"]


def test_made_ids_are_the_same_in_every_request_of_a_conversation() -> None:
    first = [user({"text": "go"}), model(call("read"))]
    again = [*first, user(response("read", output="x")), model(call("read"))]
    assert read(*first)[1] == read(*again)[1]
    assert read(*again)[1]["tool_calls"][0]["id"] != read(*again)[3]["tool_calls"][0]["id"]


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"output": "plain"}, "plain"),
        ({"output": {"a": 1}}, '{"a": 1}'),
        ({"error": "no such file"}, "[the tool reported an error]\nno such file"),
        ({"stdout": "a", "code": 0}, '{"stdout": "a", "code": 0}'),
        ({}, ""),
    ],
)
def test_a_response_is_told_as_google_says_it_is_read(told: dict[str, Any], text: str) -> None:
    assert read(model(call("f")), user(response("f", **told)))[1]["content"] == text


def test_an_image_in_a_result_goes_into_the_next_message() -> None:
    answered = response("shot", output="")
    answered["functionResponse"]["parts"] = [IMAGE]
    said = read(model(call("shot")), user(answered))
    assert said[1]["content"] == "[an image: see the next message]"
    assert said[2]["content"][1] == ADDRESS


def test_a_signature_stays_here_and_signed_thoughts_with_it() -> None:
    signed = {"text": "hm", "thought": True, "thoughtSignature": "c2ln"}
    contents = [model(signed, {**call("f"), "thoughtSignature": "c2ln"}, {"text": "a"})]
    (message,) = read(*contents)
    assert "reasoning_content" not in message
    assert "c2ln" not in json.dumps(message)
    assert lost(*contents) == ["contents.thoughtSignature", "contents.thought"]


def test_unsigned_thoughts_go_back_to_the_engine_they_came_from() -> None:
    contents = [model({"text": "hm", "thought": True}, {"text": "a"})]
    assert read(*contents)[0]["reasoning_content"] == "hm"
    assert "reasoning_content" not in read(*contents, can=ANTHROPIC)[0]
    assert lost(*contents, can=ANTHROPIC) == ["contents.thought"]


def test_a_turn_of_nothing_is_left_out() -> None:
    assert read(user({"text": "a"}), model({"thought": True, "text": "hm"}), model()) == [
        {"role": "user", "content": "a"}
    ]


@pytest.mark.parametrize(
    ("contents", "named"),
    [
        ([user(response("f"))], "no call"),
        ([model(call("f")), user(response("g"))], "no call"),
        ([model(call("f")), user(response("f"), response("f"))], "no call"),
        ([model(call("f", "1"), call("g", "1"))], "two calls of one id"),
        ([model(IMAGE)], "inlineData"),
        ([user(call("f"))], "functionCall"),
        ([user({"fileData": {"fileUri": "gs://x"}})], "fileData"),
        ([model({"executableCode": {"code": "x"}})], "executableCode"),
        ([user({"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}})], "only images"),
        ([user({"text": "a", "inlineData": {}})], "inlineData"),
        ([{"role": "system", "parts": []}], "role"),
        ([model({"functionCall": {"name": "f", "args": [1]}})], "args"),
    ],
)
def test_what_cannot_be_carried_is_refused_by_name(contents: list[Any], named: str) -> None:
    with pytest.raises(UnsupportedFeature, match=named):
        read(*contents)


def test_it_knows_whether_the_latest_turn_of_the_model_called_tools() -> None:
    history = GeminiHistory(CHAT, Losses())
    history.read([user({"text": "a"}), model(call("f")), user(response("f"))])
    assert history.ends_with_calls
    plain = GeminiHistory(CHAT, Losses())
    plain.read([user({"text": "a"}), model({"text": "b"}), user({"text": "c"})])
    assert not plain.ends_with_calls


def test_a_turn_of_very_many_calls_is_answered_in_order() -> None:
    many = range(60_000)
    calls = model(*[call("read", None if n % 2 else f"c{n}", n=n) for n in many])
    told = read(calls, user(*[response("read", None if n % 2 else f"c{n}", n=n) for n in many]))
    ids = [each["id"] for each in told[0]["tool_calls"]]
    assert [each["tool_call_id"] for each in told[1:]] == ids
