"""A strict, scripted stand-in that speaks Google's Gemini API beside the other protocols."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from providers.translation.gemini_spelling import spelt
from tests.fakes.vendor import EVENTS, JSON, FakeVendor, spoil
from tests.fakes.vendor_openai import arguments_text, words
from tests.fakes.vendor_script import Failure, Script, TokenUsage, ToolCall
from tests.fakes.vendor_server import Call, Reply
from tests.fakes.vendor_strict import (
    INTEGER,
    LIST,
    NUMBER,
    OBJECT,
    TEXT,
    RefusedError,
    check_choice,
    check_list,
    check_object,
)

PATH = re.compile(r"/(?:v1|v1beta)/models/([^/:]+):(\w+)")
STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED"}
FIELDS = {
    "contents": LIST,
    "systemInstruction": OBJECT,
    "tools": LIST,
    "toolConfig": OBJECT,
    "generationConfig": OBJECT,
    "safetySettings": LIST,
}
CONTENT = {"role": TEXT, "parts": LIST}
CONFIG = {
    "temperature": NUMBER,
    "topP": NUMBER,
    "topK": NUMBER,
    "candidateCount": INTEGER,
    "maxOutputTokens": INTEGER,
    "stopSequences": LIST,
    "seed": INTEGER,
    "presencePenalty": NUMBER,
    "frequencyPenalty": NUMBER,
    "responseMimeType": TEXT,
    "responseSchema": OBJECT,
    "responseJsonSchema": OBJECT,
    "thinkingConfig": OBJECT,
}
PART = {
    "text",
    "inlineData",
    "functionCall",
    "functionResponse",
    "thought",
    "thoughtSignature",
}


class FakeGemini(FakeVendor):
    """The key is asked for in `x-goog-api-key`; everything else is scripted as for any stand-in."""

    def _reply(self, call: Call, script: Script) -> tuple[Script, Reply]:
        match = PATH.fullmatch(call.path)
        if match is None:
            return super()._reply(call, script)
        try:
            return self._gemini_reply(call, script, match[1], match[2])
        except RefusedError as refused:
            self.refusals.append(refused.message)
            failure = Failure(refused.status, message=refused.message)
            return Script(), Reply(refused.status, JSON, [error(failure)])

    def _gemini_reply(
        self, call: Call, script: Script, model: str, action: str
    ) -> tuple[Script, Reply]:
        if self._key is not None and call.header("x-goog-api-key") != self._key:
            raise RefusedError("", "the key is missing, wrong or in the wrong place", status=401)
        body = spelt(self._parse(call))
        check(body, counting=action == "countTokens")
        if script.failure is not None:
            bare = replace(script, headers=(*script.headers, *script.failure.headers))
            return bare, Reply(script.failure.status, JSON, [error(script.failure)])
        if action == "countTokens":
            return script, Reply(200, JSON, [_dump({"totalTokens": script.count})])
        number = len(self.calls)
        if action == "generateContent":
            return script, Reply(200, JSON, [document(script, model, number)])
        if action != "streamGenerateContent" or call.query != "alt=sse":
            raise RefusedError("", f"no such action: {action}?{call.query}", status=404)
        told = spoil(script, events(script, model, number), error_event)
        return script, Reply(200, EVENTS, told, streamed=True)


def check(body: Any, *, counting: bool) -> None:
    """Refuse what Google would refuse, and every field it does not document."""
    check_object(body, FIELDS, at="", required=("contents",))
    if counting and body.keys() != {"contents"}:
        raise RefusedError("", "a count takes contents alone")
    for at, content in check_list(body["contents"], at="contents"):
        check_object(content, CONTENT, at=at, required=("parts",))
        check_choice(content.get("role", "user"), ("user", "model"), at=f"{at}.role")
        for part_at, part in check_list(content["parts"], at=f"{at}.parts"):
            unknown = part.keys() - PART
            if unknown:
                raise RefusedError(part_at, f"{part_at}: {unknown} is not known")
    check_object(body.get("generationConfig", {}), CONFIG, at="generationConfig")
    _check_calls(body["contents"])


def _check_calls(contents: list[dict[str, Any]]) -> None:
    """As many responses must follow a turn as it made calls."""
    for said, answered in pairwise(contents):
        calls = [part for part in said["parts"] if "functionCall" in part]
        results = [part for part in answered["parts"] if "functionResponse" in part]
        if len(calls) != len(results):
            message = "the number of function response parts must equal that of function calls"
            raise RefusedError("contents", message)


def error(failure: Failure) -> bytes:
    """An error answer's body, over several lines as Google writes it."""
    return json.dumps(_error(failure), indent=2).encode()


def error_event(failure: Failure) -> bytes:
    """An error in the middle of a stream."""
    return _event(_error(replace(failure, status=503)))


def _error(failure: Failure) -> dict[str, Any]:
    status = failure.kind or STATUSES.get(failure.status, "UNAVAILABLE")
    return {"error": {"code": failure.status, "message": failure.message, "status": status}}


def document(script: Script, model: str, number: int) -> bytes:
    """A whole answer."""
    parts = [*_thoughts(script), *([{"text": script.text}] if script.text else [])]
    parts += [_function_call(call) for call in script.tool_calls]
    return json.dumps(_chunk(script, model, number, parts, is_last=True), indent=2).encode()


def events(script: Script, model: str, number: int) -> list[bytes]:
    """A streamed answer, one element an event. Nothing marks its end but the finish reason."""
    said = words(script.text) if script.pieces is None else list(script.pieces)
    pieces = [[thought] for thought in _thoughts(script)] + [[{"text": each}] for each in said]
    if script.tool_calls:
        pieces.append([_function_call(call) for call in script.tool_calls])
    chunks = [_chunk(script, model, number, parts, is_last=False) for parts in pieces]
    closing = {"text": "", "thoughtSignature": SIGNATURE}
    chunks.append(_chunk(script, model, number, [closing], is_last=True))
    return [_event(each) for each in chunks]


SIGNATURE = "c2lnbmVkIGJ5IHRoZSBzdGFuZC1pbg=="


def _thoughts(script: Script) -> list[dict[str, Any]]:
    return [{"text": script.reasoning, "thought": True}] if script.reasoning else []


def _function_call(call: ToolCall) -> dict[str, Any]:
    named = {"id": call.id} if call.id else {}
    args = json.loads(arguments_text(call) or "{}")
    return {
        "functionCall": {**named, "name": call.name, "args": args},
        "thoughtSignature": SIGNATURE,
    }


def _chunk(
    script: Script, model: str, number: int, parts: list[dict[str, Any]], *, is_last: bool
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if is_last:
        candidate["finishReason"] = script.finish or "STOP"
    told: dict[str, Any] = {"candidates": [candidate]}
    if script.usage is not None:
        told["usageMetadata"] = _usage(script.usage, is_last=is_last)
    return {**told, "modelVersion": model, "responseId": f"gemini-standin-{number}"}


def _usage(usage: TokenUsage, *, is_last: bool) -> dict[str, Any]:
    prompt = usage.input + usage.cache_read
    told = {"promptTokenCount": prompt, "totalTokenCount": prompt}
    if is_last:
        told["candidatesTokenCount"] = usage.output - usage.reasoning
        told["totalTokenCount"] = prompt + usage.output
    if is_last and usage.reasoning:
        told["thoughtsTokenCount"] = usage.reasoning
    if usage.cache_read:
        told["cachedContentTokenCount"] = usage.cache_read
    return told


def _dump(value: object) -> bytes:
    return json.dumps(value).encode()


def _event(value: Mapping[str, Any]) -> bytes:
    return b"data: " + _dump(value) + b"\r\n\r\n"
