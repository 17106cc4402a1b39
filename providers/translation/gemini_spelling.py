"""Gemini's fields under one spelling: Google takes camelCase and snake_case for each."""

from typing import Any, Final

from providers.translation.hub import Json, as_object, unsupported

_OWN_KEYS: Final = frozenset(
    ("args", "response", "properties", "responseJsonSchema", "parametersJsonSchema", "labels")
)
"""Members whose keys are the caller's own words."""


def spelt(value: Json, at: str = "body") -> Json:
    """The object with every field in camelCase, all the way down, but for callers' own keys.

    Raises `UnsupportedFeature` where a field comes under both spellings.
    """
    made: Json = {}
    for key, each in value.items():
        name = camel(key)
        if name in made:
            raise unsupported(f"{at}.{name}", "it comes in two spellings")
        made[name] = _inside(each, f"{at}.{name}", name)
    return made


def _inside(value: Any, at: str, name: str) -> Any:  # noqa: ANN401 - any JSON value
    if name == "properties" and isinstance(value, dict):
        return {key: _inside(each, f"{at}.{key}", "") for key, each in value.items()}
    if name in _OWN_KEYS:
        return value
    if isinstance(value, list):
        return [_inside(each, f"{at}.{number}", "") for number, each in enumerate(value)]
    return spelt(value, at) if isinstance(value, dict) else value


def camel(key: str) -> str:
    """A key as Google's pages spell it: `systemInstruction` for `system_instruction`, too.

    https://protobuf.dev/programming-guides/json/: parsers take both.
    """
    head, *rest = key.split("_")
    return head + "".join([word[:1].upper() + word[1:] for word in rest])


def each_of(value: object, at: str) -> list[tuple[str, Json]]:
    """The objects of a list with their paths; Google takes an object for a list of one."""
    if isinstance(value, dict):
        return [(at, value)]
    if not isinstance(value, list):
        raise unsupported(at, "a list is expected")
    return [(f"{at}.{n}", as_object(each, f"{at}.{n}")) for n, each in enumerate(value)]
