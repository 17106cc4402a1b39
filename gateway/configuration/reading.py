"""Read gatehouse.yaml and its registers: YAML, environment, types. Every error has its line."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.configuration.document import GatehouseDocument
from gateway.configuration.problems import (
    ConfigurationError,
    Path,
    Place,
    Problem,
    suggestion,
)
from gateway.configuration.tree import MAX_FILE_BYTES, Tree, Unreadable, read_tree
from policy.document import Section

_WRONG_TYPES = {
    "string_type": "needs text; put it in quotes if it looks like a number, a date or a boolean",
    "int_type": "needs a whole number, written like 600; ${NAME} can stand in text only",
    "is_instance_of": "needs a number, written like 600 or 0.25",
    "decimal_type": "needs a number, written like 600 or 0.25",
    "bool_type": "needs true or false",
    "tuple_type": "needs a list: [one, two]",
    "dict_type": "needs named entries below it",
    "model_type": "needs named entries below it",
    "date_type": "needs a date, written YYYY-MM-DD",
    "missing": "is required and not here; add it",
    "too_short": "needs at least one entry",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
}


Document = TypeVar("Document", bound=Section)


@dataclass(frozen=True, slots=True)
class Written(Generic[Document]):
    """A file that was read: what it says, where everything stands, its bytes and their hash."""

    source: FilePath
    document: Document
    tree: Tree
    digest: str
    content: bytes = field(repr=False)  # it may hold a key

    def problem(self, path: Path, text: str) -> Problem:
        """Something that is wrong in what the file means."""
        return _problem(self.tree, path, text)

    def problems(self, found: Iterable[tuple[Path, str]]) -> list[Problem]:
        """All that is wrong in what the file means."""
        return [self.problem(*each) for each in found]

    def refuse(self, found: Iterable[tuple[Path, str]]) -> ConfigurationError:
        """The error for things that are wrong in what the file means."""
        return ConfigurationError(str(self.source), self.problems(found))

    def name_of(self, path: FilePath) -> str:
        """A file's name as people wrote it, below this one's folder where it stands there."""
        folder = self.source.parent
        name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
        return self.tree.scrubbed(name)

    def where(self, path: Path) -> str:
        """`registers/vendors.yaml:7:15`: where a value stands, for people."""
        place = self.tree.place(path)
        return f"{self.source}:{place.line}:{place.column}"


def read_bytes(path: FilePath, limit_bytes: int = MAX_FILE_BYTES) -> bytes:
    """A regular file's bytes, one more than the limit at most. Raises `OSError`."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not make us wait
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("not a regular file")
        return file.read(limit_bytes + 1)


def digest_of(content: bytes) -> str:
    """The name of a configuration in audit and metrics: SHA-256 of its bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def read_file(path: FilePath, environ: Mapping[str, str]) -> Written[GatehouseDocument]:
    """Read a configuration. Raises `ConfigurationError` with every problem found."""
    return read_content(content_of(path, read_bytes), path, environ)


def read_content(
    content: bytes, source: FilePath, environ: Mapping[str, str]
) -> Written[GatehouseDocument]:
    """Read a configuration's bytes. Raises `ConfigurationError` with every problem found."""
    return read_document(content, source, environ, GatehouseDocument)


def why_unreadable(error: OSError | ValueError) -> str:
    """What to tell of a file whose bytes cannot be had."""
    reason = getattr(error, "strerror", None) or str(error)
    return f"cannot be read: {reason}; check the path and its rights"


def content_of(path: FilePath, read: Callable[[FilePath], bytes]) -> bytes:
    """A file's bytes. Raises `ConfigurationError` where they cannot be had."""
    try:
        return read(path)
    except (OSError, ValueError) as error:
        problem = Problem(Place(), (), why_unreadable(error))
        raise ConfigurationError(str(path), [problem]) from None


def read_document(
    content: bytes, source: FilePath, environ: Mapping[str, str], kind: type[Document]
) -> Written[Document]:
    """Read the bytes of any file there is. Raises `ConfigurationError` with every problem."""
    try:
        tree = read_tree(content, environ)
    except Unreadable as error:
        raise ConfigurationError(str(source), error.problems) from None
    try:
        document = kind.model_validate(tree.value)
    except ValidationError as error:
        # `from None`: the cause would print the values it was given, secrets included.
        raise ConfigurationError(str(source), list(_translated(error, tree, kind))) from None
    return Written(source, document, tree, digest_of(content), content)


def _translated(error: ValidationError, tree: Tree, kind: type[Section]) -> Iterator[Problem]:
    schema = kind.model_json_schema()
    errors = error.errors(include_url=False, include_input=False)
    for each in errors:
        if each["type"] == "too_short" and any(_is_below(other, each) for other in errors):
            continue  # a list whose entries are wrong counts none of them
        path = tuple(step for step in each["loc"] if step != "[key]")
        if each["type"] == "extra_forbidden":
            known = _known_fields(schema, path[:-1])
            name = str(path[-1])
            text = f"unknown field `{name}`{suggestion(name, known)}"
            yield Problem(tree.keys.get(path, Place(1, 1)), path, tree.scrubbed(text))
        else:
            yield _problem(tree, path, _message(each))


def _is_below(inner: ErrorDetails, outer: ErrorDetails) -> bool:
    place = outer["loc"]
    return len(inner["loc"]) > len(place) and inner["loc"][: len(place)] == place


def _message(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "value_error":
            return str(context["error"])
        case "literal_error":
            return f"must be one of {context['expected']}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case known:
            return _WRONG_TYPES.get(known, "is not acceptable here")


def _problem(tree: Tree, path: Path, message: str) -> Problem:
    names = tree.filled.get(path)
    if names:
        message += f" (once {', '.join(f'${{{name}}}' for name in names)} is filled in)"
    return Problem(tree.place(path), path, tree.scrubbed(message))


def _known_fields(schema: dict[str, Any], path: Path) -> Sequence[str]:
    """The field names that stand at a path, from the JSON Schema."""
    node = schema
    for step in path:
        node = _resolved(schema, node)
        named = node.get("properties", {}).get(step)
        free = next(iter(node.get("patternProperties", {}).values()), node.get("items"))
        others = node.get("additionalProperties")  # of names from a list: an assistant's
        node = named or free or (others if isinstance(others, dict) else {})
    return tuple(_resolved(schema, node).get("properties", {}))


def _resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    has_fields = (each for each in node.get("anyOf", ()) if "$ref" in each or "properties" in each)
    node = next(has_fields, node)
    reference = node.get("$ref")
    return schema["$defs"][reference.rpartition("/")[2]] if reference else node
