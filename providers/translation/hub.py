"""The hub: a chat request made of allow-listed fields, and a record of what was left behind."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from providers.errors import UnsupportedFeature

Json = dict[str, Any]
"""A JSON object as parsed. What is in it was checked where it was read."""

IMAGES_OF = "Image in the result of tool call {id}:"
ONLY_IMAGES = "[an image: see the next message]"
"""Chat's tool results hold text only: their images follow in a message of the user's."""

_NAMES_TOLD = 24
_NAME_LENGTH = 48


@dataclass(slots=True)
class Losses:
    """Which fields of a request were left behind, by name alone: there may be very many."""

    _noted: dict[str, None] = field(init=False, default_factory=dict)  # a set in order

    @property
    def names(self) -> list[str]:
        """Each field once, in the order they were met."""
        return list(self._noted)

    def note(self, name: str) -> None:
        """Remember a field, once."""
        self._noted[name] = None

    def note_unknown(self, given: Mapping[str, Any], known: Iterable[str], *, at: str = "") -> None:
        """Remember every member of `given` that is none of `known` and holds something."""
        expected = frozenset(known)
        for name, value in given.items():
            if name not in expected and value is not None:
                self.note(f"{at}{name}")

    def header(self) -> bytes:
        """The names as one header value: bounded, and free of anything a header may not hold."""
        told = [_speakable(name) for name in islice(self._noted, _NAMES_TOLD)]
        if len(self._noted) > _NAMES_TOLD:
            told.append("...")
        return ",".join(told).encode("ascii")


def _speakable(name: str) -> str:
    kept = "".join(
        each if each.isascii() and (each.isalnum() or each in "_.-") else "?" for each in name
    )
    return kept[:_NAME_LENGTH] or "?"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the hub's other side can carry.

    `parameters`: names of chat parameters, as LiteLLM lists them for this provider and model.
    `anthropic`: cache marks and signed thinking mean something there. `image_schemes`: how an
    image's address may begin, beside an image that is in the request itself. `droppable_tools`:
    types of tools that may be left out where the target does not have them.
    """

    parameters: frozenset[str]
    anthropic: bool = False
    image_schemes: tuple[str, ...] = ("https://", "http://")
    droppable_tools: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ToolName:
    """What the client calls a tool that has another name, or takes another form, in the hub.

    `is_plain`: the client's tool takes text as it is, not a JSON object.
    """

    name: str
    namespace: str | None = None
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request in the hub's form. `fields` holds arguments from the allow-list, nothing else.

    `tool_names` gives the client's tool for a name in the hub. `echo` is what a reply has to
    repeat of its request, in protocols that do so.
    """

    fields: Json
    losses: Losses
    answers: int = 1
    wants_usage: bool = True
    tool_names: Mapping[str, ToolName] = field(default_factory=dict)
    echo: Json = field(default_factory=dict)
    wants_thoughts: bool = True


def unsupported(path: str, why: str = "this model cannot be asked that") -> UnsupportedFeature:
    """The refusal that names a field."""
    shown = ".".join(_speakable(part) for part in path.split("."))
    return UnsupportedFeature(f"{shown}: {why}")


def as_object(value: object, at: str) -> Json:
    """`value` as an object. Raises `UnsupportedFeature` naming `at` when it is none."""
    if not isinstance(value, dict):
        raise unsupported(at, "an object is expected")
    return value


def as_list(value: object, at: str) -> list[Any]:
    """`value` as a list. Raises `UnsupportedFeature` naming `at` when it is none."""
    if not isinstance(value, list):
        raise unsupported(at, "a list is expected")
    return value


def as_text(value: object, at: str) -> str:
    """`value` as text. Raises `UnsupportedFeature` naming `at` when it is none."""
    if not isinstance(value, str):
        raise unsupported(at, "text is expected")
    return value


def as_texts(value: object, at: str) -> list[str]:
    """`value` as a list of texts. Raises `UnsupportedFeature` naming `at` when it is none."""
    return [as_text(each, at) for each in as_list(value, at)]


_INLINE_IMAGE = re.compile(r"data:image/[a-z0-9.+-]+;base64,", re.IGNORECASE)


def image_address(value: object, at: str, can: Capabilities) -> str:
    """An image's address. Raises `UnsupportedFeature` for one that somebody here would fetch."""
    address = as_text(value, at)
    if _INLINE_IMAGE.match(address) or address.startswith(can.image_schemes):
        return address
    raise unsupported(at, "send this model images as base64 data")


def cache_mark(value: object) -> Json | None:
    """A prompt cache mark, from its two known members; None when it is none."""
    if not isinstance(value, dict) or value.get("type") != "ephemeral":
        return None
    ttl = value.get("ttl")
    return {"type": "ephemeral", "ttl": ttl} if ttl in ("5m", "1h") else {"type": "ephemeral"}
