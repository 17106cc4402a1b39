"""Read YAML into plain values and remember where each stands; hostile files end as one line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gateway.configuration.problems import Path, Place, Problem
from gateway.configuration.scalars import WrongScalar, fill, scalar_value
from gateway.configuration.syntax import syntax_problem

MAX_FILE_BYTES = 1_000_000
_MAX_DEPTH = 20
_MAX_VALUES = 20_000
_MAX_PROBLEMS = 50
_MAP_TAG, _SEQUENCE_TAG, _TEXT_TAG = (f"tag:yaml.org,2002:{each}" for each in ("map", "seq", "str"))


class Unreadable(Exception):
    """The text is no acceptable YAML; holds the problems."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


@dataclass(slots=True)
class Tree:
    """Plain values, the place of each, and where the environment's values went.

    `filled` keeps, for every path that held `${NAME}`, the names.
    """

    value: object = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    filled: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    _hidden: dict[str, str] = field(default_factory=dict)

    def place(self, path: Path) -> Place:
        """Where a path stands, or the nearest part of it that does."""
        for length in range(len(path), 0, -1):
            place = self.values.get(path[:length]) or self.keys.get(path[:length])
            if place is not None:
                return place
        return Place(1, 1)

    def hide(self, value: str, name: str) -> None:
        """Never show this value; show the variable it came from."""
        if len(value) >= 4:  # anything shorter is no secret, and would garble the texts
            self._hidden[value] = f"${{{name}}}"

    def scrubbed(self, text: str) -> str:
        """A text without any value of the environment."""
        for value in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(value, self._hidden[value])
        return text


def read_tree(content: bytes, environ: Mapping[str, str]) -> Tree:
    """Parse a file's bytes. Raises `Unreadable` with every problem found."""
    if len(content) > MAX_FILE_BYTES:
        raise Unreadable(Problem(Place(), (), f"larger than {MAX_FILE_BYTES} bytes; split it up"))
    text = _decoded(content)
    try:
        _check_depth(text)
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise Unreadable(syntax_problem(error, text)) from None
    if root is None:
        raise Unreadable(
            Problem(
                Place(1, 1), (), "the file is empty; gatehouse.yaml needs vendors, models and teams"
            )
        )
    builder = _Builder(environ)
    builder.tree.value = builder.build(root, (), 0)
    if builder.problems:
        raise Unreadable(*builder.problems)
    return builder.tree


class _Builder:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.tree = Tree()
        self.problems: list[Problem] = []
        self._environ = environ
        self._count = 0

    def build(self, node: Node, path: Path, depth: int) -> object:
        self._count += 1
        if depth > _MAX_DEPTH or self._count > _MAX_VALUES:  # aliases make both grow
            raise Unreadable(
                Problem(_place(node), (), "too many values, or nested too deeply (aliases count)")
            )
        if isinstance(node, ScalarNode):
            self.tree.values[path] = _place(node)
            return self._scalar(node, path)
        if isinstance(node, SequenceNode) and node.tag == _SEQUENCE_TAG:
            self._note_item(node, path)
            return tuple(
                [self.build(each, (*path, at), depth + 1) for at, each in enumerate(node.value)]
            )
        if isinstance(node, MappingNode) and node.tag == _MAP_TAG:
            self._note_item(node, path)
            return self._mapping(node, path, depth)
        self._problem(node, path, "YAML tags are not supported; write a plain value")
        return None

    def _note_item(self, node: Node, path: Path) -> None:
        if path not in self.tree.keys:
            self.tree.values[path] = _place(node)

    def _mapping(self, node: MappingNode, path: Path, depth: int) -> dict[str, object]:
        built: dict[str, object] = {}
        for key_node, value_node in node.value:
            if key_node.tag != _TEXT_TAG or not isinstance(key_node, ScalarNode):
                self._problem(key_node, path, "a name here is not text to YAML; put it in quotes")
                continue
            key: str = key_node.value
            inner = (*path, key)
            if key in built:
                first = self.tree.keys[inner].line
                self._problem(key_node, inner, f"is here twice (first in line {first}); keep one")
                continue
            self.tree.keys[inner] = _place(key_node)
            built[key] = self.build(value_node, inner, depth + 1)
        return built

    def _scalar(self, node: ScalarNode, path: Path) -> object:
        try:
            value = scalar_value(node)
            if not isinstance(value, str):
                return value
            filled, names = fill(value, self._environ)
        except WrongScalar as error:
            self._problem(node, path, str(error))
            return None
        for name in names:
            self.tree.hide(self._environ[name], name)
        if names:
            self.tree.filled[path] = names
        return filled

    def _problem(self, node: Node, path: Path, message: str) -> None:
        self.problems.append(Problem(_place(node), path, message))
        if len(self.problems) >= _MAX_PROBLEMS:
            raise Unreadable(*self.problems)


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        place = Place(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        raise Unreadable(Problem(place, (), "not UTF-8; save the file as UTF-8")) from None


def _check_depth(text: str) -> None:
    """Refuse deep nesting before the recursive composer sees it; counting events needs no stack."""
    depth = 0
    for event in _events(text):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise Unreadable(Problem(Place(line, 1), (), "nested too deeply"))


def _events(text: str) -> Iterator[yaml.Event]:
    return iter(yaml.parse(text, Loader=yaml.CSafeLoader))
