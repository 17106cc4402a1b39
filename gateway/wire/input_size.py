"""Size up a request's input: text by its bytes, images and documents apart from it."""

import re
from typing import Final

import msgspec

from gateway.errors import MalformedRequest
from gateway.wire.base import EstimateTokens
from gateway.wire.splice import Members

IMAGE_TOKENS: Final = 1_500
"""What one image counts. Vendors bill some 100 to 1,600, by its pixels; this is near the top."""

DOCUMENT_BYTES_PER_TOKEN: Final = 16
"""Base64 bytes of a document that count one token: between dense text (about 7) and scans (50)."""

_IMAGES: Final = frozenset(("image", "image_url", "input_image"))
_DOCUMENTS: Final = frozenset(("document", "file", "input_file"))
_DEPTH: Final = 3  # message, tool result, its part
_MARK: Final = re.compile(rb"base64").search  # needs no copy, and beats `in` on long texts


class _Holder(msgspec.Struct):
    """A message or a part of one: all protocols' places for content and for attached bytes."""

    type: str | None = None
    content: msgspec.Raw = msgspec.Raw()
    output: msgspec.Raw = msgspec.Raw()
    image_url: msgspec.Raw = msgspec.Raw()
    source: msgspec.Raw = msgspec.Raw()
    file: msgspec.Raw = msgspec.Raw()
    file_data: msgspec.Raw = msgspec.Raw()


class _Source(msgspec.Struct):
    """Where attached bytes stand: Anthropic's `data`, OpenAI's `url` and `file_data`."""

    type: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    url: msgspec.Raw = msgspec.Raw()
    file_data: msgspec.Raw = msgspec.Raw()


_HOLDERS: Final = msgspec.json.Decoder(list[_Holder])
_SOURCE: Final = msgspec.json.Decoder(_Source)


def estimate_input(
    estimate: EstimateTokens,
    model: str,
    values: Members,
    text_members: tuple[str, ...],
    *,
    held_in: str = "messages",
) -> int:
    """Input tokens of a conversation in `held_in` and the other `text_members` of its body.

    Base64 would swamp an estimate by bytes, so it is counted by its kind. What cannot be
    understood is left to count as text: the estimate then errs upwards.
    """
    is_list = held_in in values and memoryview(values[held_in])[0] == ord("[")
    if held_in == "messages" and not is_list:
        raise MalformedRequest("'messages' must be an array of messages")
    size = sum([len(values[name]) for name in text_members if name in values])
    attached, tokens = _weigh(values[held_in], _DEPTH) if is_list else (0, 0)
    return estimate(model, size - attached) + tokens


def _weigh(holders: msgspec.Raw, depth: int) -> tuple[int, int]:
    """How many bytes of a list of messages or parts are attached base64, and what they count."""
    if depth == 0 or _MARK(holders) is None:
        return 0, 0
    try:
        parts = _HOLDERS.decode(holders)
    except (msgspec.MsgspecError, RecursionError):
        return 0, 0
    attached = tokens = 0
    for part in parts:
        if part.type in _IMAGES or part.type in _DOCUMENTS:
            size = _attached_bytes(part)
            attached += size
            tokens += _tokens(part.type, size)
        elif inner := part.content or part.output:
            inner_attached, inner_tokens = _weigh(inner, depth - 1)
            attached += inner_attached
            tokens += inner_tokens
    return attached, tokens


def _tokens(kind: str | None, size: int) -> int:
    if size == 0:
        return 0
    return IMAGE_TOKENS if kind in _IMAGES else size // DOCUMENT_BYTES_PER_TOKEN


def _attached_bytes(part: _Holder) -> int:
    holder = part.image_url or part.source or part.file or part.file_data
    if not holder:
        return 0
    if _is_data_url(holder):  # an input item holds the address itself
        return len(holder)
    try:
        source = _SOURCE.decode(holder)
    except msgspec.MsgspecError:
        return 0
    if source.type == "base64":
        return len(source.data)
    url = source.url or source.file_data
    return len(url) if _is_data_url(url) else 0


def _is_data_url(value: msgspec.Raw) -> bool:
    return memoryview(value)[:6].tobytes() == b'"data:'
