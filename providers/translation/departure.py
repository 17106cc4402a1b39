"""What LiteLLM made of a request, compared with what it was given, before it leaves."""

from dataclasses import dataclass

import orjson

from providers.base import WireName
from providers.translation.hub import Json, Losses, unsupported
from providers.translation.parameters import NEVER_LOST, TWINS

_MARKER_LENGTH = 64
_KEEP_THEIR_NAMES = frozenset(
    {WireName.OPENAI_CHAT, WireName.OPENAI_COMPLETIONS, WireName.OPENAI_EMBEDDINGS}
)
_NEVER_CHANGED = frozenset({"prompt", "suffix", "input", "encoding_format", "dimensions"})


def _markers(fields: Json) -> tuple[bytes, ...]:
    """Pieces of the request that must be found in whatever leaves: tools' names and images."""
    found = [tool["function"]["name"] for tool in fields.get("tools", ())]
    for message in fields.get("messages", ()):
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if part.get("type") == "image_url":
                address = part["image_url"]["url"]
                found.append(address.partition(";base64,")[2][:_MARKER_LENGTH] or address)
    return tuple(each.encode() for each in found)


@dataclass(frozen=True, slots=True)
class Cargo:
    """A request's fields and markers, copied before LiteLLM had them: it edits what it is given."""

    fields: Json
    markers: tuple[bytes, ...]
    speaks: WireName

    @classmethod
    def copy(cls, fields: Json, speaks: WireName) -> "Cargo":
        """Keep what is needed to compare later."""
        return cls(orjson.loads(orjson.dumps(fields)), _markers(fields), speaks)


def compare(cargo: Cargo, body: bytes, losses: Losses) -> None:
    """Note what LiteLLM left out or changed.

    Raises `UnsupportedFeature` where that changes tools, safety, limits or what the model sees.
    """
    for marker in cargo.markers:
        if marker not in body and orjson.dumps(marker.decode())[1:-1] not in body:
            raise unsupported("messages", "an image or a tool would be lost on the way")
    if cargo.speaks not in _KEEP_THEIR_NAMES:
        return
    sent = orjson.loads(body)
    for name in cargo.fields:
        if name != "messages":
            _compare_field(name, sent, cargo.fields, losses)


def _compare_field(name: str, sent: Json, fields: Json, losses: Losses) -> None:
    value = fields[name]
    found = sent.get(name, sent.get(TWINS.get(name, name)))
    if found == value:
        return
    if name in _NEVER_CHANGED:
        raise unsupported(name)
    if found is None and name in NEVER_LOST and not _is_said_in_words(name, sent, fields):
        raise unsupported(name)
    losses.note(name)


def _is_said_in_words(name: str, sent: Json, fields: Json) -> bool:
    """Moonshot has no `required`: its documentation has one say it in a message, LiteLLM does."""
    more = len(sent["messages"]) > len(fields["messages"])
    return name == "tool_choice" and fields[name] == "required" and more
