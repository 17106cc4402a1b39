"""Find every piece of text in a conversation, in any protocol: each with its path and zone."""

from collections.abc import Iterator
from typing import Final

import msgspec

from gateway.wire import fields, splice
from policy.types import Segment, Zone

MOST_LEVELS: Final = 24
"""How deep the search goes; what lies deeper comes as one piece of JSON text."""

_STRUCTURE: Final = frozenset(
    (
        "type",
        "id",
        "role",
        "index",
        "tool_call_id",
        "tool_use_id",
        "call_id",
        "media_type",
        "mimeType",
        "mime_type",
        "format",
    )
)
_LONGEST_STRUCTURE: Final = 256
_OPAQUE: Final = frozenset(
    ("signature", "encrypted_content", "thoughtSignature", "thought_signature", "cache_control")
)
_FREE: Final = frozenset(("input", "arguments", "args", "response"))
_BYTES: Final = (".input_audio", ".inlineData", ".inline_data")  # where `data` is attached bytes
_STRING: Final = 0x22
_CONTAINERS: Final = frozenset((0x7B, 0x5B))
_OBJECT: Final = 0x7B

Place = tuple[msgspec.Raw, str, Zone, bool, int]
"""A value still to search: its path, zone, whether its keys are the caller's own, levels left."""


def of_messages(messages: msgspec.Raw) -> Iterator[Segment]:
    """The text of a list of messages. Refuses duplicate keys wherever it looks."""
    for number, message in enumerate(splice.items(messages, "'messages'")):
        path = f"messages.{number}"
        values = splice.members(message, path)
        zone = _zone_of_role(values)
        for key, value in values.items():
            if not _is_structure(key, value, b""):
                yield from search(value, f"{path}.{key}", _zone_of_member(key, zone))


def of_item(item: splice.Members, path: str) -> Iterator[Segment]:
    """The text of one item of a responses request, in the zone of its kind."""
    kind = bytes(item["type"]) if "type" in item else b""
    zone = _zone_of_item(kind, item)
    is_picture = kind == b'"image_generation_call"'
    for key, value in item.items():
        if not (
            _is_structure(key, value, kind) or key == "status" or (is_picture and key == "result")
        ):
            yield from search(value, f"{path}.{key}", zone)


def of_tool(values: splice.Members, path: str) -> Iterator[Segment]:
    """The text of one tool definition: strings as they are, schemas as JSON text."""
    for key, value in values.items():
        if key in ("type", "cache_control"):
            continue
        first = memoryview(value)[0]
        if first == _STRING:
            yield Segment(f"{path}.{key}", Zone.TOOL_DEFINITION, fields.text(value, path))
        elif first in _CONTAINERS:
            yield Segment(f"{path}.{key}", Zone.TOOL_DEFINITION, bytes(value).decode())


def search(value: msgspec.Raw, path: str, zone: Zone) -> Iterator[Segment]:
    """Every string in `value`, in order; without recursion, since callers choose the depth."""
    places: list[Place] = [(value, path, zone, False, MOST_LEVELS)]
    while places:
        value, path, zone, is_free, levels = places.pop()
        first = memoryview(value)[0]
        if first == _STRING:
            yield Segment(path, zone, fields.text(value, path))
        elif first not in _CONTAINERS:
            continue
        elif levels == 0:
            yield Segment(path, zone, bytes(value).decode())
        elif first == _OBJECT:
            places += reversed(list(_inside_object(value, path, zone, is_free, levels - 1)))
        else:
            inner = splice.items(value, path)
            places += [
                (inner[number], f"{path}.{number}", zone, is_free, levels - 1)
                for number in range(len(inner) - 1, -1, -1)
            ]


def _inside_object(
    value: msgspec.Raw, path: str, zone: Zone, is_free: bool, levels: int
) -> Iterator[Place]:
    values = splice.members(value, path)
    if is_free:
        for key, inner in values.items():
            yield inner, f"{path}.{key}", zone, True, levels
        return
    kind = bytes(values["type"]) if "type" in values else b""
    zone = _zone_of_part(kind, zone)
    holds_bytes = path.endswith(_BYTES)
    for key, inner in values.items():
        if not (_is_structure(key, inner, kind) or (holds_bytes and key == "data")):
            yield inner, f"{path}.{key}", zone, key in _FREE, levels


def _is_structure(key: str, value: msgspec.Raw, kind: bytes) -> bool:
    """True for what is no text: names of kinds and calls, signatures, attached bytes."""
    if key in _STRUCTURE:
        return len(value) <= _LONGEST_STRUCTURE and memoryview(value)[0] not in _CONTAINERS
    if key in _OPAQUE:
        return True
    if key == "data":
        return kind in (b'"base64"', b'"redacted_thinking"')
    return key in ("url", "image_url", "file_data") and _is_data_url(value)


def _is_data_url(value: msgspec.Raw) -> bool:
    head = memoryview(value)[:128].tobytes()
    return head.startswith(b'"data:') and b";base64," in head


def _zone_of_role(values: splice.Members) -> Zone:
    role = fields.text(values["role"], "'role'") if "role" in values else ""
    match role:
        case "system" | "developer":
            return Zone.SYSTEM
        case "assistant":
            return Zone.ASSISTANT
        case "tool" | "function":
            return Zone.TOOL_RESULT
    return Zone.USER


def _zone_of_item(kind: bytes, item: splice.Members) -> Zone:
    if kind.endswith((b'_output"', b'_response"')):
        return Zone.TOOL_RESULT
    if kind.endswith((b'_call"', b'_approval_request"')):
        return Zone.TOOL_CALL
    if kind == b'"reasoning"':
        return Zone.ASSISTANT
    if kind.endswith(b'_tools"'):  # mcp_list_tools and the like
        return Zone.TOOL_DEFINITION
    return _zone_of_role(item)


def _zone_of_member(key: str, zone: Zone) -> Zone:
    return Zone.TOOL_CALL if key in ("tool_calls", "function_call") else zone


def _zone_of_part(kind: bytes, zone: Zone) -> Zone:
    if kind.endswith(b'tool_use"'):
        return Zone.TOOL_CALL
    if kind.endswith(b'tool_result"'):
        return Zone.TOOL_RESULT
    return zone
