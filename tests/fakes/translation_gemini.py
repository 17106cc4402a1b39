"""What the translation tests ask on the Gemini wire, and how a strict client reads the answers."""

import json
from typing import Any

from providers.base import Target, UpstreamCall, WireName
from tests.fakes.translation import SCHEMA, Told, read_all

GEMINI = WireName.GEMINI


def gemini_body(**more: Any) -> dict[str, Any]:
    """A Gemini request with a tool."""
    function = {"name": "read_file", "description": "Reads.", "parametersJsonSchema": SCHEMA}
    return {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "tools": [{"functionDeclarations": [function]}],
        "generationConfig": {"maxOutputTokens": 9, "thinkingConfig": {"includeThoughts": True}},
        **more,
    }


def gemini_call(to: Target, *, streaming: bool = False, **more: Any) -> UpstreamCall:
    """A call with the body above."""
    body = json.dumps(gemini_body(**more)).encode()
    return UpstreamCall(GEMINI, to, body, (), streaming)


async def ask_gemini(sender: Any, to: Target, *, streaming: bool = False, **more: Any) -> Told:
    """Send, read to the end, understand."""
    reply = await sender.send(gemini_call(to, streaming=streaming, **more))
    return understand_gemini(await read_all(reply), streaming=streaming)


def understand_gemini(data: bytes, *, streaming: bool) -> Told:
    """Read an answer as a strict client would."""
    if not streaming:
        chunks = [json.loads(data)]
    else:
        assert data.endswith(b"\n\n")
        events = data.removesuffix(b"\n\n").split(b"\n\n")
        assert all(event.startswith(b"data: {") for event in events), "no comments, no markers"
        chunks = [json.loads(event[6:]) for event in events]
    told = Told()
    for chunk in chunks:
        assert not told.ended, "nothing follows the finish reason"
        _take(told, chunk)
    return told


def _take(told: Told, chunk: dict[str, Any]) -> None:
    (candidate,) = chunk["candidates"]
    assert candidate["index"] == 0
    assert candidate["content"]["role"] == "model"
    told.reply_id, told.model = chunk["responseId"], chunk["modelVersion"]
    for part in candidate["content"]["parts"]:
        if "functionCall" in part:
            called = part["functionCall"]
            arguments = json.dumps(called["args"])
            told.calls.append({"id": called["id"], "name": called["name"], "arguments": arguments})
        elif part.get("thought"):
            told.reasoning += part["text"]
        else:
            told.text += part["text"]
    told.finish = candidate.get("finishReason")
    told.ended = told.finish is not None
    told.usage = chunk.get("usageMetadata", told.usage)
