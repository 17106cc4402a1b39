"""Find the text of a Gemini request, and size it up: text by its bytes, attached bytes apart."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from gateway.wire import fields, gemini_fields, segments, splice
from gateway.wire.base import EstimateTokens
from gateway.wire.input_size import DOCUMENT_BYTES_PER_TOKEN, IMAGE_TOKENS
from gateway.wire.splice import Members
from policy.types import Segment, Zone

_TEXT_MEMBERS: Final = ("contents", "systemInstruction", "tools")
_SCHEMAS: Final = ("responseSchema", "responseJsonSchema", "ResponseJsonSchema")
"""The last is what `_responseJsonSchema`, which Google takes too, is spelt to."""
_ZONES: Final = {
    "functionCall": Zone.TOOL_CALL,
    "executableCode": Zone.TOOL_CALL,
    "functionResponse": Zone.TOOL_RESULT,
    "codeExecutionResult": Zone.TOOL_RESULT,
}
"""Parts of a content whose zone does not follow from who said it."""

_MARK: Final = re.compile(rb"inline_?[dD]ata").search
_DEPTH: Final = 2  # a content's parts, and those of a function's response


class _Blob(msgspec.Struct):
    """Attached bytes in base64."""

    data: msgspec.Raw = msgspec.Raw()
    mime_type: str = ""
    mime_type_camel: str = msgspec.field(default="", name="mimeType")


class _Part(msgspec.Struct):
    """A part, as far as it can hold attached bytes."""

    blob: _Blob | None = msgspec.field(default=None, name="inlineData")
    blob_snake: _Blob | None = msgspec.field(default=None, name="inline_data")
    response: "_Holder | None" = msgspec.field(default=None, name="functionResponse")
    response_snake: "_Holder | None" = msgspec.field(default=None, name="function_response")


class _Holder(msgspec.Struct):
    """A content, or the response of a function."""

    parts: list[_Part] = []


_HOLDERS: Final = msgspec.json.Decoder(list[_Holder])


def estimate_input(estimate: EstimateTokens, model: str, values: Members) -> int:
    """Input tokens of contents, system instruction and tools.

    What cannot be understood is left to count as text: the estimate then errs upwards.
    """
    size = sum([len(values[name]) for name in _TEXT_MEMBERS if name in values])
    attached, tokens = _weigh_contents(values["contents"])
    return estimate(model, size - attached) + tokens


def _weigh_contents(contents: msgspec.Raw) -> tuple[int, int]:
    if _MARK(contents) is None:
        return 0, 0
    try:
        holders = _HOLDERS.decode(contents)
    except (msgspec.MsgspecError, RecursionError):
        return 0, 0
    weights = [_weigh(holder, _DEPTH) for holder in holders]
    return sum(attached for attached, _ in weights), sum(tokens for _, tokens in weights)


def _weigh(holder: _Holder, depth: int) -> tuple[int, int]:
    """How many bytes of these parts are attached base64, and what they count."""
    attached = tokens = 0
    for part in holder.parts:
        blob = part.blob or part.blob_snake
        if blob is not None:
            is_image = (blob.mime_type or blob.mime_type_camel).startswith("image/")
            attached += len(blob.data)
            tokens += IMAGE_TOKENS if is_image else len(blob.data) // DOCUMENT_BYTES_PER_TOKEN
        response = part.response or part.response_snake
        if response is not None and depth:
            inner_attached, inner_tokens = _weigh(response, depth - 1)
            attached += inner_attached
            tokens += inner_tokens
    return attached, tokens


def read_segments(values: Members, where: str) -> tuple[Segment, ...]:
    """Every piece of text. Refuses duplicate keys wherever it looks."""
    found: list[Segment] = []
    if "systemInstruction" in values:
        path = f"{where}systemInstruction"
        found += segments.search(values["systemInstruction"], path, Zone.SYSTEM)
    for path, content in gemini_fields.each_of(values["contents"], f"{where}contents"):
        found += _of_content(gemini_fields.members(content, path), path)
    if fields.is_given(values, "tools"):
        for path, tool in gemini_fields.each_of(values["tools"], f"{where}tools"):
            found += _of_tool(gemini_fields.members(tool, path), path)
    config = gemini_fields.generation_config(values, where)
    for name in _SCHEMAS:
        if name in config:
            found += segments.search(config[name], f"{where}generationConfig.{name}", Zone.USER)
    return tuple(found)


def _of_content(content: Members, path: str) -> Iterator[Segment]:
    is_models = fields.is_given(content, "role") and fields.text(content["role"], path) == "model"
    zone = Zone.ASSISTANT if is_models else Zone.USER
    for key, value in content.items():
        if key == "parts" and fields.is_given(content, key):
            for part_path, part in gemini_fields.each_of(value, f"{path}.parts"):
                yield from _of_part(gemini_fields.members(part, part_path), part_path, zone)
        elif key != "role":
            yield from segments.search(value, f"{path}.{key}", zone)


def _of_part(part: Members, path: str, zone: Zone) -> Iterator[Segment]:
    for key, value in part.items():
        if key != "thoughtSignature":
            yield from segments.search(value, f"{path}.{key}", _ZONES.get(key, zone))


def _of_tool(tool: Members, path: str) -> Iterator[Segment]:
    for key, value in tool.items():
        if key != "functionDeclarations":
            yield from segments.search(value, f"{path}.{key}", Zone.TOOL_DEFINITION)
        elif fields.is_given(tool, key):
            for inner_path, raw in gemini_fields.each_of(value, f"{path}.{key}"):
                yield from segments.of_tool(splice.members(raw, inner_path), inner_path)
