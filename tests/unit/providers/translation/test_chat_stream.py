"""Chat replies: known members only, and an end only when it is told."""

import json
from typing import Any

from providers.translation.chat_stream import ChatStream, chat_document
from providers.translation.ending import Ending

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


def reply(finish: str = "stop", **message: Any) -> dict[str, Any]:
    return {"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}


def test_a_chat_document_holds_known_members_only():
    value = reply("tool_calls", content=None, tool_calls=[{**CALL, "index": 2}], evil=1)
    told = json.loads(chat_document(value, reply_id="id", model="m", created=5, ending=Ending()))
    assert told == {
        "id": "id",
        "object": "chat.completion",
        "created": 5,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": None, "tool_calls": [CALL]},
                "finish_reason": "tool_calls",
            }
        ],
    }


def test_a_chat_stream_ends_only_when_closed():
    stream = ChatStream(reply_id="id", model="m", created=5, wants_usage=True)
    said = stream.encode({"choices": [{"index": 0, "delta": {"content": "x"}}]})
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    assert stream.encode(last) == b""
    assert b'"finish_reason":"' not in said
    end = stream.close(Ending(usage={"prompt_tokens": 1}))
    assert end.count(b'"finish_reason":"stop"') == 1
    assert end.endswith(b'"usage":{"prompt_tokens":1}}\n\ndata: [DONE]\n\n')
