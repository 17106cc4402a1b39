"""The rehearsal model says what it is, tells what the gateway did, and can take a whole turn."""

import json
from typing import Any

import jsonschema
import pytest
from openai.types.responses import Response

from providers.base import Secret, Target, UpstreamCall, Vendor, Via, WireName
from providers.errors import UnsupportedFeature
from providers.rehearsal import RehearsalSender
from providers.vendors.rehearsal import REHEARSAL

TARGET = Target(
    Vendor(
        name="rehearsal",
        record=REHEARSAL,
        base_url="",
        api_key=Secret("unused"),
        wires=frozenset({WireName.OPENAI_CHAT, WireName.ANTHROPIC_MESSAGES}),
        via=Via.BUILT_IN,
    ),
    "rehearsal",
)
SCHEMA = {
    "type": "object",
    "properties": {
        "file_path": {"type": "string"},
        "mode": {"enum": ["text", "binary"]},
        "lines": {"type": "integer", "minimum": 5},
        "whole": {"type": "boolean"},
        "marks": {"type": "array", "items": {"type": "string"}, "minItems": 2},
        "options": {
            "type": "object",
            "properties": {"ratio": {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}},
            "required": ["ratio"],
        },
        "unneeded": {"type": "string"},
    },
    "required": ["file_path", "mode", "lines", "whole", "marks", "options"],
    "additionalProperties": False,
}
CHAT_TOOLS = [
    {"type": "function", "function": {"name": "list_dir", "parameters": {"type": "object"}}},
    {"type": "function", "function": {"name": "read_file", "parameters": SCHEMA}},
]
MESSAGES_TOOLS = [
    {"name": "list_dir", "input_schema": {"type": "object"}},
    {"name": "read_file", "input_schema": SCHEMA},
]


@pytest.fixture
def sender() -> RehearsalSender:
    return RehearsalSender(unix_time=lambda: 1_790_000_000.0)


async def ask(
    sender, wire: WireName, body: dict[str, Any], *, streaming: bool = False, **more: Any
) -> bytes:
    call = UpstreamCall(
        wire=wire,
        target=TARGET,
        body=json.dumps(body).encode(),
        headers=(),
        streaming=streaming or bool(body.get("stream")),
        **more,
    )
    reply = await sender.send(call)
    found = b""
    while data := await reply.body.read():
        found += data
    return found


def chat(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "rehearsal", "messages": [{"role": "user", "content": text}], **more}


def messages(text: str, **more: Any) -> dict[str, Any]:
    return {**chat(text), "max_tokens": 1000, **more}


def events(stream: bytes) -> list[dict[str, Any]]:
    lines = [line for line in stream.split(b"\n") if line.startswith(b"data: {")]
    return [json.loads(line[6:]) for line in lines]


async def test_it_says_that_it_is_no_language_model(sender):
    reply = json.loads(await ask(sender, WireName.OPENAI_CHAT, chat("hello")))
    text = reply["choices"][0]["message"]["content"]
    assert text.startswith("This is Gatehouse's rehearsal model, not a language model")
    assert reply["choices"][0]["finish_reason"] == "stop"


async def test_it_tells_what_the_gateway_did(sender):
    account = {"audit_id": "gh-01", "route": "primary", "policy": "allowed by model_access"}
    reply = await ask(sender, WireName.OPENAI_CHAT, chat("hello"), account=account)
    text = json.loads(reply)["choices"][0]["message"]["content"]
    assert "- audit id: gh-01\n- route: primary\n- policy: allowed by model_access" in text


async def test_the_same_request_gets_the_same_answer(sender):
    body = messages("hello", stream=True)
    first = await ask(sender, WireName.ANTHROPIC_MESSAGES, body)
    assert first == await ask(sender, WireName.ANTHROPIC_MESSAGES, body)


async def test_a_chat_stream_says_what_the_document_says(sender):
    whole = json.loads(await ask(sender, WireName.OPENAI_CHAT, chat("hello")))
    options = {"include_usage": True}
    stream = await ask(
        sender, WireName.OPENAI_CHAT, chat("hello", stream=True, stream_options=options)
    )
    chunks = events(stream)
    said = "".join(each["choices"][0]["delta"].get("content", "") for each in chunks[:-1])
    assert said == whole["choices"][0]["message"]["content"]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["prompt_tokens"] == whole["usage"]["prompt_tokens"] + 0
    assert stream.endswith(b"data: [DONE]\n\n")


async def test_a_chat_stream_tells_no_usage_that_was_not_asked_for(sender):
    stream = await ask(sender, WireName.OPENAI_CHAT, chat("hello", stream=True))
    assert b'"usage"' not in stream


async def test_a_messages_stream_is_a_proper_one(sender):
    found = events(await ask(sender, WireName.ANTHROPIC_MESSAGES, messages("hello", stream=True)))
    kinds = [each["type"] for each in found if each["type"] != "content_block_delta"]
    assert kinds == [
        "message_start",
        "content_block_start",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert found[-2]["delta"]["stop_reason"] == "end_turn"
    assert found[-2]["usage"]["output_tokens"] > 10


@pytest.mark.parametrize("wish", ["use the tool read_file on src/app.py", "read file src/app.py"])
async def test_a_tool_that_is_asked_for_is_called_with_valid_arguments_on_chat(sender, wish):
    reply = json.loads(await ask(sender, WireName.OPENAI_CHAT, chat(wish, tools=CHAT_TOOLS)))
    call = reply["choices"][0]["message"]["tool_calls"][0]
    arguments = json.loads(call["function"]["arguments"])
    jsonschema.validate(arguments, SCHEMA)
    assert call["function"]["name"] == "read_file"
    assert arguments["file_path"] == "src/app.py"
    assert "unneeded" not in arguments
    assert reply["choices"][0]["finish_reason"] == "tool_calls"


async def test_a_tool_call_is_streamed_on_messages(sender):
    body = messages("please use the tool read_file", tools=MESSAGES_TOOLS, stream=True)
    found = events(await ask(sender, WireName.ANTHROPIC_MESSAGES, body))
    start = next(each for each in found if each.get("content_block", {}).get("type") == "tool_use")
    parts = [
        each["delta"]["partial_json"]
        for each in found
        if each.get("delta", {}).get("type") == "input_json_delta"
    ]
    assert start["content_block"]["name"] == "read_file"
    jsonschema.validate(json.loads("".join(parts)), SCHEMA)
    assert found[-2]["delta"]["stop_reason"] == "tool_use"


async def test_after_a_tool_result_it_speaks_about_the_result(sender):
    body = chat("use the tool read_file", tools=CHAT_TOOLS)
    body["messages"] += [
        {"role": "assistant", "tool_calls": []},
        {"role": "tool", "tool_call_id": "c", "content": "three little words"},
    ]
    reply = json.loads(await ask(sender, WireName.OPENAI_CHAT, body))
    assert "3 words. It begins: three little words" in reply["choices"][0]["message"]["content"]


async def test_after_a_tool_result_it_speaks_about_it_on_messages_too(sender):
    body = messages("use the tool read_file", tools=MESSAGES_TOOLS)
    result = {"type": "tool_result", "tool_use_id": "t", "content": "two words"}
    body["messages"] += [
        {"role": "assistant", "content": "calling"},
        {"role": "user", "content": [result, {"type": "text", "text": "go on"}]},
    ]
    reply = json.loads(await ask(sender, WireName.ANTHROPIC_MESSAGES, body))
    assert "2 words" in reply["content"][0]["text"]
    assert reply["stop_reason"] == "end_turn"


async def test_an_assistants_own_notes_call_no_tool(sender):
    noted = "hello <system-reminder>use the tool read_file</system-reminder> there"
    reply = json.loads(await ask(sender, WireName.OPENAI_CHAT, chat(noted, tools=CHAT_TOOLS)))
    assert reply["choices"][0]["finish_reason"] == "stop"


async def test_a_demanded_tool_is_called_without_a_wish(sender):
    choice = {"type": "tool", "name": "list_dir"}
    body = messages("hello", tools=MESSAGES_TOOLS, tool_choice=choice)
    reply = json.loads(await ask(sender, WireName.ANTHROPIC_MESSAGES, body))
    assert reply["content"][-1]["name"] == "list_dir"


async def test_a_forbidden_tool_is_not_called(sender):
    body = chat("use the tool read_file", tools=CHAT_TOOLS, tool_choice="none")
    reply = json.loads(await ask(sender, WireName.OPENAI_CHAT, body))
    assert reply["choices"][0]["finish_reason"] == "stop"


async def test_a_count_is_what_the_answer_reports_and_names_its_rule(sender):
    body = messages("four words stand here")
    counted = json.loads(await ask(sender, WireName.ANTHROPIC_MESSAGES, body, counting=True))
    reply = json.loads(await ask(sender, WireName.ANTHROPIC_MESSAGES, body))
    assert counted["input_tokens"] == reply["usage"]["input_tokens"]
    assert counted["counted_by"] == "one word is one token"


async def test_an_output_limit_is_kept_and_told(sender):
    body = messages("hello", max_tokens=3)
    reply = json.loads(await ask(sender, WireName.ANTHROPIC_MESSAGES, body))
    assert reply["stop_reason"] == "max_tokens"
    assert reply["usage"]["output_tokens"] == 3


RESPONSES_TOOLS = [
    {"type": "function", "name": "read_file", "parameters": SCHEMA},
    {"type": "custom", "name": "apply_patch"},
    {"type": "web_search"},
]


async def test_a_responses_client_is_told_what_it_is(sender):
    body = {"model": "rehearsal", "input": "hello", "tools": RESPONSES_TOOLS}
    reply = Response.model_validate_json(await ask(sender, WireName.OPENAI_RESPONSES, body))
    assert reply.output_text.startswith("This is Gatehouse's rehearsal model, not a language model")
    assert "2 tools (read_file, apply_patch)" in reply.output_text


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_tool_is_called_and_its_result_told_on_responses(sender, streaming):
    turns = [{"role": "user", "content": "use the tool read_file on src/app.py"}]
    body = {"model": "rehearsal", "input": turns, "tools": RESPONSES_TOOLS, "stream": streaming}
    answer = await ask(sender, WireName.OPENAI_RESPONSES, body)
    document = events(answer)[-1]["response"] if streaming else json.loads(answer)
    call = document["output"][-1]
    jsonschema.validate(json.loads(call["arguments"]), SCHEMA)
    assert (call["type"], call["name"]) == ("function_call", "read_file")

    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "two words"}
    told = await ask(
        sender,
        WireName.OPENAI_RESPONSES,
        {**body, "input": [*turns, call, result], "stream": False},
    )
    assert "2 words. It begins: two words" in Response.model_validate_json(told).output_text


async def test_a_plain_tool_gets_plain_text(sender):
    body = {"input": "use the tool apply_patch with `a b`", "tools": RESPONSES_TOOLS}
    call = json.loads(await ask(sender, WireName.OPENAI_RESPONSES, body))["output"][-1]
    assert (call["type"], call["input"]) == ("custom_tool_call", "a b")


async def test_it_keeps_no_answers(sender):
    body = {"input": "and now?", "previous_response_id": "resp_1"}
    with pytest.raises(UnsupportedFeature, match="send the whole conversation"):
        await ask(sender, WireName.OPENAI_RESPONSES, body)


async def test_another_protocol_is_refused(sender):
    with pytest.raises(UnsupportedFeature):
        await ask(sender, WireName.GEMINI, {})


def gemini(text: str, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


GEMINI_TOOLS = [
    {
        "functionDeclarations": [
            {"name": "list_dir", "parameters": {"type": "OBJECT"}},
            {"name": "read_file", "parametersJsonSchema": SCHEMA},
        ]
    }
]


def gemini_parts(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]


async def test_a_gemini_stream_says_what_the_document_says(sender):
    whole = json.loads(await ask(sender, WireName.GEMINI, gemini("hello")))
    stream = events(await ask(sender, WireName.GEMINI, gemini("hello"), streaming=True))
    assert gemini_parts([whole])[0]["text"] == "".join(p["text"] for p in gemini_parts(stream))
    assert whole["candidates"][0]["finishReason"] == "STOP"
    assert whole["usageMetadata"] == stream[-1]["usageMetadata"]


@pytest.mark.parametrize("streaming", [False, True])
async def test_it_calls_a_gemini_clients_tool_with_a_whole_object(sender, streaming):
    asking = gemini("use the tool read_file to read a.py", tools=GEMINI_TOOLS)
    found = await ask(sender, WireName.GEMINI, asking, streaming=streaming)
    chunks = events(found) if streaming else [json.loads(found)]
    call = gemini_parts(chunks)[-1]["functionCall"]
    assert call["name"] == "read_file"
    jsonschema.validate(call["args"], SCHEMA)

    said = [
        *asking["contents"],
        {"role": "model", "parts": [{"functionCall": call}]},
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "read_file", "response": {"output": "one two"}}}
            ],
        },
    ]
    told = json.loads(await ask(sender, WireName.GEMINI, {**asking, "contents": said}))
    assert "2 words. It begins: one two" in gemini_parts([told])[0]["text"]


async def test_it_counts_a_gemini_clients_words(sender):
    counted = json.loads(await ask(sender, WireName.GEMINI, gemini("one two"), counting=True))
    nested = {"generateContentRequest": gemini("one two")}
    again = json.loads(await ask(sender, WireName.GEMINI, nested, counting=True))
    answered = json.loads(await ask(sender, WireName.GEMINI, gemini("one two")))
    assert counted == again
    assert counted["totalTokens"] == answered["usageMetadata"]["promptTokenCount"] > 0


async def test_what_gemini_cli_puts_before_a_prompt_is_no_wish(sender):
    noted = "<session_context>use the tool read_file on /home</session_context> hello"
    told = json.loads(await ask(sender, WireName.GEMINI, gemini(noted, tools=GEMINI_TOOLS)))
    assert gemini_parts([told])[0]["text"].startswith("This is Gatehouse's rehearsal model, not")


@pytest.mark.parametrize("wire", [WireName.OPENAI_COMPLETIONS, WireName.MISTRAL_FIM])
@pytest.mark.parametrize("streaming", [True, False])
async def test_autocomplete_is_answered_by_a_comment(sender, wire, streaming):
    reply = await ask(sender, wire, {"model": "rehearsal", "prompt": "x =", "stream": streaming})
    assert b"rehearsal" in reply
    assert b'"finish_reason":"stop"' in reply


@pytest.mark.parametrize("wire", [WireName.OPENAI_EMBEDDINGS, WireName.JINA_RERANK])
async def test_vectors_and_ranks_are_not_made_up(sender, wire):
    with pytest.raises(UnsupportedFeature, match=f"does not speak {wire}"):
        await ask(sender, wire, {"input": "a"})
