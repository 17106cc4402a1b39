"""Hub to messages, whole: one chat document becomes one Anthropic message."""

import orjson

from providers.translation.ending import Ending, messages_usage, stop_reason
from providers.translation.hub import Json
from providers.translation.messages_stream import message_id


class BadArguments(Exception):
    """The model wrote tool arguments that are no JSON object: a message cannot hold them."""


def messages_document(
    reply: Json, *, reply_id: str | None, model: str, ending: Ending, signed: bool = False
) -> bytes:
    """A whole reply as one Anthropic document; `signed` as in `MessagesStream`.

    Raises `BadArguments` where a finished tool call's arguments are no JSON object.
    """
    choice: Json = (reply.get("choices") or [{}])[0]
    message: Json = choice.get("message") or {}
    finish = str(choice.get("finish_reason") or "stop")
    calls = message.get("tool_calls") or []
    content = _thoughts(message, signed=signed)
    for text in (message.get("content"), message.get("refusal")):
        if text:
            content.append({"type": "text", "text": text})
    reply_id = reply_id or str(reply.get("id") or "")
    for at, call in enumerate(calls):
        content.append(_call(call, f"toolu_{reply_id}_{at}", is_cut_short=finish == "length"))
    reason = stop_reason(finish, ending, called_tools=bool(calls))
    return orjson.dumps(
        {
            "id": message_id(reply_id),
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": ending.stop_sequence if reason == "stop_sequence" else None,
            "usage": messages_usage(ending.usage, ending.service_tier),
        }
    )


def _thoughts(message: Json, *, signed: bool) -> list[Json]:
    if signed and message.get("thinking_blocks"):
        known = ("type", "thinking", "signature", "data")
        return [
            {name: block[name] for name in known if block.get(name) is not None}
            for block in message["thinking_blocks"]
        ]
    if message.get("reasoning_content"):
        thought = message["reasoning_content"]
        return [{"type": "thinking", "thinking": thought, "signature": ""}]
    return []


def _call(call: Json, spare_id: str, *, is_cut_short: bool) -> Json:
    function = call.get("function") or {}
    name = function.get("name") or ""
    try:
        arguments = orjson.loads(function.get("arguments") or "{}")
    except orjson.JSONDecodeError:
        arguments = None
    if not isinstance(arguments, dict):
        if not is_cut_short:
            raise BadArguments(name)
        arguments = {}
    return {"type": "tool_use", "id": call.get("id") or spare_id, "name": name, "input": arguments}
