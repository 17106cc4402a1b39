"""Google's schemas as JSON Schema: its types are in capitals, and null is a flag."""

from collections.abc import Callable
from typing import Any, Final

from providers.translation.hub import Json, Losses, as_object, unsupported

_MOST_LEVELS: Final = 64
_KEPT: Final = (
    "title",
    "description",
    "format",
    "enum",
    "default",
    "example",
    "pattern",
    "minimum",
    "maximum",
    "required",
)
_NUMBERS: Final = (
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
)
_TYPES: Final = frozenset(("string", "number", "integer", "boolean", "array", "object", "null"))


def json_schema(value: object, at: str, losses: Losses, levels: int = _MOST_LEVELS) -> Json:
    """A schema of Google's as JSON Schema (https://ai.google.dev/api/caching#Schema).

    Raises `UnsupportedFeature` for what is none; notes what JSON Schema has no word for.
    """
    given = as_object(value, at)
    if levels == 0:
        raise unsupported(at, "its schema is nested too deeply")

    def inner(each: object, where: str) -> Json:
        return json_schema(each, where, losses, levels - 1)

    made = {name: given[name] for name in _KEPT if given.get(name) is not None}
    made |= {name: _count(given[name], at) for name in _NUMBERS if given.get(name) is not None}
    made |= _nested(given, at, inner)
    kind = _type(given.get("type"), at)
    is_nullable = given.get("nullable") is True
    if kind is not None:
        made["type"] = [kind, "null"] if is_nullable else kind
    if is_nullable and "enum" in made:
        made["enum"] = [*made["enum"], None]
    known = (*_KEPT, *_NUMBERS, "type", "nullable", "properties", "items", "anyOf")
    losses.note_unknown(given, (*known, "propertyOrdering"), at="schema.")
    return made


def _nested(given: Json, at: str, inner: Callable[[object, str], Json]) -> Json:
    made: Json = {}
    if given.get("properties") is not None:
        properties = as_object(given["properties"], f"{at}.properties")
        made["properties"] = {
            name: inner(each, f"{at}.properties.{name}") for name, each in properties.items()
        }
    if given.get("items") is not None:
        made["items"] = inner(given["items"], f"{at}.items")
    if given.get("anyOf"):
        choices = given["anyOf"]
        if not isinstance(choices, list):
            raise unsupported(f"{at}.anyOf", "a list is expected")
        made["anyOf"] = [inner(each, f"{at}.anyOf.{number}") for number, each in enumerate(choices)]
    return made


def _type(value: object, at: str) -> str | None:
    if value is None or value == "TYPE_UNSPECIFIED":
        return None
    kind = value.lower() if isinstance(value, str) else ""
    if kind not in _TYPES:
        raise unsupported(f"{at}.type")
    return kind


def _count(value: Any, at: str) -> int:  # noqa: ANN401 - any JSON value
    """Google's 64-bit numbers come as text, too."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise unsupported(at, "its limits are whole numbers") from None
