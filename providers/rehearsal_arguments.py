"""Arguments that a tool's JSON schema accepts, made from the words of a prompt."""

import math
import re
from typing import Any

Schema = dict[str, Any]

_DEEPEST = 12
_MOST_VALUES = 500  # a hostile schema may ask for any number of them
_LONGEST_TEXT = 1000
_QUOTED = re.compile(r"[\"'`«“]([^\"'`«»“”\n]{1,200})[\"'`»”]")
_PATH = re.compile(r"(?<![\w/.])(?:~?/)?(?:[\w.-]+/)*[\w-]+\.[A-Za-z]\w{0,7}\b|(?<!\w)/[\w./-]+")
_FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "email": "rehearsal@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "hostname": "example.com",
}
_PATH_NAMES = ("path", "file", "dir", "folder")


def arguments_for(schema: Schema, prompt: str) -> Schema:
    """An object for `schema`: its required members, texts from `prompt` where they fit."""
    try:
        made = _Maker(schema, prompt).make(schema, "", 0)
    except (TypeError, ValueError, AttributeError, LookupError):
        return {}  # no schema of this world: the tool itself will say what it wants
    return made if isinstance(made, dict) else {}


class _Maker:
    def __init__(self, root: Schema, prompt: str) -> None:
        self._root = root
        self._values_left = _MOST_VALUES
        self._quoted = _QUOTED.findall(prompt)
        self._paths = _PATH.findall(prompt)

    def make(self, schema: object, name: str, depth: int) -> Any:  # noqa: ANN401 - any JSON value
        """A value for `schema`; `name` is the member it is for."""
        self._values_left -= 1
        if not isinstance(schema, dict) or depth > _DEEPEST or self._values_left < 0:
            return "rehearsal" if schema is True else None
        schema = self._resolved(schema)
        if "const" in schema or schema.get("enum"):
            return schema["const"] if "const" in schema else schema["enum"][0]
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices:
            rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
            return self.make(_merged([rest, choices[0]]), name, depth + 1)
        return self._of_kind(_kind(schema), schema, name, depth)

    def _of_kind(self, kind: str, schema: Schema, name: str, depth: int) -> Any:  # noqa: ANN401
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind in ("integer", "number"):
            return _number(schema, whole=kind == "integer")
        if kind == "boolean":
            return False
        return None if kind == "null" else self._text(schema, name)

    def _resolved(self, schema: Schema) -> Schema:
        for _ in range(_DEEPEST):
            if isinstance(schema.get("$ref"), str):
                rest = {key: value for key, value in schema.items() if key != "$ref"}
                schema = _merged([self._find(schema["$ref"]), rest])
            elif schema.get("allOf"):
                rest = {key: value for key, value in schema.items() if key != "allOf"}
                schema = _merged([rest, *schema["allOf"]])
            else:
                break
        return schema

    def _find(self, reference: str) -> Schema:
        found: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            found = found.get(key, {}) if isinstance(found, dict) and key else found
        return found if isinstance(found, dict) else {}

    def _object(self, schema: Schema, depth: int) -> Schema:
        properties = schema.get("properties") or {}
        return {
            each: self.make(properties.get(each, True), each, depth + 1)
            for each in schema.get("required") or ()
        }

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        count = min(schema.get("minItems") or 0, max(0, self._values_left))
        return [self.make(schema.get("items", True), name, depth + 1) for _ in range(count)]

    def _text(self, schema: Schema, name: str) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        is_path = any(each in name.lower() for each in _PATH_NAMES)
        found = [*self._paths, *self._quoted] if is_path else [*self._quoted, *self._paths]
        text = found[0] if found else "rehearsal"
        text += "." * (min(schema.get("minLength") or 0, _LONGEST_TEXT) - len(text))
        return text[: schema.get("maxLength")]


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if kind is None and ("properties" in schema or "required" in schema):
        return "object"
    if kind is None and "items" in schema:
        return "array"
    return str(kind or "string")


def _merged(schemas: list[Any]) -> Schema:
    merged: Schema = {}
    for schema in (each for each in schemas if isinstance(each, dict)):
        for key, value in schema.items():
            if key == "properties":
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "required":
                merged[key] = [*merged.get(key, ()), *value]
            else:
                merged[key] = value
    return merged


def _number(schema: Schema, *, whole: bool) -> int | float:
    step = schema.get("multipleOf") or 1
    least = schema.get("minimum", -math.inf)
    if isinstance(schema.get("exclusiveMinimum"), int | float):
        least = max(least, schema["exclusiveMinimum"] + (step if whole else 0.5))
    most = schema.get("maximum", math.inf)
    if isinstance(schema.get("exclusiveMaximum"), int | float):
        most = min(most, schema["exclusiveMaximum"] - (step if whole else 0.5))
    value = min(max(1, least), most)
    if not math.isfinite(value):
        value = 1
    if whole or "multipleOf" in schema:
        value = math.ceil(value / step) * step
        value = value - step if value > most else value
    return int(value) if whole else value
