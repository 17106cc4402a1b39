"""The little of protobuf's encoding that every span and log record repeats thirty times.

The library makes the frames; an attribute takes it 2.5 us to build, set and write, and 0.5 us here
(measured; the tests read everything back with the library).
"""

from functools import lru_cache
from struct import Struct

from google.protobuf.message import Message

from gateway.telemetry.fitting import Value

_DOUBLE = Struct("<d")
_INT64_RANGE = 1 << 64  # a negative number is written as its complement


def encode_varint(number: int) -> bytes:
    """An integer in protobuf's form: seven bits a byte, the lowest first."""
    rest, encoded = number % _INT64_RANGE, bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)


_SHORT = tuple(encode_varint(number) for number in range(2048))


def encode_size(length: int) -> bytes:
    """The length that stands before a text or a nested message."""
    return _SHORT[length] if length < len(_SHORT) else encode_varint(length)


def tag_of(message: type[Message], field: str) -> bytes:
    """What stands before a field that has a length: its number in `message`, and that."""
    return encode_varint(message.DESCRIPTOR.fields_by_name[field].number << 3 | 2)


def nest(tag: bytes, content: bytes) -> bytes:
    """`content` as the value of the field that `tag` names."""
    return tag + encode_size(len(content)) + content


def _head_of_text(length: int) -> bytes:
    """What stands before a text in an `AnyValue` that stands in a `KeyValue`."""
    inner = b"\x0a" + encode_varint(length)
    return encode_varint(len(inner) + length) + inner


_HEADS = tuple(_head_of_text(length) for length in range(len(_SHORT)))


def encode_attribute(name: str, value: Value) -> bytes:
    """OTLP's `KeyValue` with its length before it, as it stands behind a field's tag."""
    key = _encode_key(name)
    if isinstance(value, str):
        raw = value.encode("utf-8", "replace")
        length = len(raw)
        head = _HEADS[length] if length < len(_HEADS) else _head_of_text(length)
        return encode_size(len(key) + len(head) + length) + key + head + raw
    held = _encode_value(value)
    head = encode_size(len(held))
    return encode_size(len(key) + len(head) + len(held)) + key + head + held


@lru_cache(maxsize=1024)  # the names of the table, which are far fewer
def _encode_key(name: str) -> bytes:
    """`KeyValue.key`, and the tag of `KeyValue.value`."""
    return nest(b"\x0a", name.encode()) + b"\x12"


def _encode_value(value: bool | int | float | tuple[str, ...]) -> bytes:
    """OTLP's `AnyValue` of what is no text."""
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, int):
        return b"\x18" + (_SHORT[value] if 0 <= value < len(_SHORT) else encode_varint(value))
    if isinstance(value, float):
        return b"\x21" + _DOUBLE.pack(value)
    texts = [nest(b"\x0a", nest(b"\x0a", each.encode("utf-8", "replace"))) for each in value]
    return nest(b"\x2a", b"".join(texts))
