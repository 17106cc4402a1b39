"""YAML, edited in place: new lines beside the old ones, every other byte as it was."""

import json
from typing import Final, cast

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from gateway.cli.editing.syntax import Item, Path, Syntax, Unreadable, Value, nested

_STEP: Final = "  "
_Entry = tuple[Node | None, Node]


def _read(text: str) -> object:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _unreadable(error) from error
    return {} if value is None else value


def _put(text: str, path: Path, value: Value) -> str:
    root = _composed(text)
    if root is None:
        end = "" if not text or text.endswith("\n") else "\n"
        return text + end + _block(path, value, "")
    node, at = root, 0
    while (entry := _entry_at(node, path[at])) is not None:
        node, at = entry[1], at + 1
        if at == len(path):
            return _replaced(text, entry, value)
    return _added(text, node, path[at:], value)


def _drop(text: str, path: Path) -> str:
    root = _composed(text)
    assert root is not None
    node = root
    entry: _Entry = (None, root)
    for step in path:
        node, found = entry[1], _entry_at(entry[1], step)
        if found is None:  # it is merged in from elsewhere
            raise Unreadable(f"{step!r} is not written where it is read", _line(node))
        entry = found
    if _is_in_brackets(node):
        return _dropped_inside_brackets(text, node, entry)
    start = text.rfind("\n", 0, (entry[0] or entry[1]).start_mark.index) + 1
    end = _line_end(text, _end(entry[1]))
    if len(_entries(node)) == 1 and len(path) > 1:
        return _emptied(text, node, start, end)
    return text[:start] + text[end:]


def _dropped_inside_brackets(text: str, node: Node, entry: _Entry) -> str:
    entries = _entries(node)
    at = next(index for index, each in enumerate(entries) if each[1] is entry[1])
    start, end = (entry[0] or entry[1]).start_mark.index, _end(entry[1])
    if at:
        start = _end(entries[at - 1][1])
    elif len(entries) > 1:
        end = (entries[1][0] or entries[1][1]).start_mark.index
    return text[:start] + text[end:]


def _emptied(text: str, node: Node, start: int, end: int) -> str:
    """A block that loses its last entry would read as null: brackets keep its kind."""
    colon = len(text[: node.start_mark.index].rstrip())
    empty = " []" if isinstance(node, SequenceNode) else " {}"
    if text[colon - 1] != ":":  # a comment stands between
        raise Unreadable("it is the only entry and a comment stands above it")
    return text[:colon] + empty + text[colon:start] + text[end:]


def _replaced(text: str, entry: _Entry, value: Value) -> str:
    key, old = entry
    written = json.dumps(value, ensure_ascii=False)
    if key is None:
        return text[: old.start_mark.index] + written + text[_end(old) :]
    colon = text.find(":", key.end_mark.index)
    if colon < 0:
        raise Unreadable("a colon is missing", _line(key))
    end = max(_end(old), colon + 1)
    return f"{text[: colon + 1]} {written}{text[end:]}"


def _added(text: str, node: Node, path: Path, value: Value) -> str:
    """With one more entry at the end of a mapping or a list."""
    kind = SequenceNode if isinstance(path[0], Item) else MappingNode
    if not isinstance(node, kind):
        raise Unreadable("what should hold the setting is of another kind", _line(node))
    if _is_in_brackets(node):
        return _added_inside_brackets(text, node, path, value)
    column = node.start_mark.column
    end = _line_end(text, _end(_entries(node)[-1][1]))
    head = text[:end] if text[:end].endswith("\n") else text[:end] + "\n"
    return head + _block(path, value, " " * column) + text[end:]


def _added_inside_brackets(text: str, node: Node, path: Path, value: Value) -> str:
    value = nested(path[1:], value)
    label = "" if isinstance(path[0], Item) else json.dumps(path[0]) + ": "
    bracket = node.end_mark.index - 1
    comma = ", " if _entries(node) else ""
    written = label + json.dumps(value, ensure_ascii=False)
    return text[:bracket].rstrip(" ") + comma + written + text[bracket:]


def _block(path: Path, value: Value, indent: str) -> str:
    """Lines that hold `value` at `path`, below what is there at `indent`."""
    step, rest = path[0], path[1:]
    lead = f"{indent}- " if isinstance(step, Item) else f"{indent}{_name(step)}:"
    below = indent + _STEP
    if rest:
        inner = _block(rest, value, below)
    elif isinstance(value, dict) and value:
        inner = "".join(_block((name,), each, below) for name, each in value.items())
    elif isinstance(value, list) and value:
        inner = "".join(f"{below}- {_scalar(each)}\n" for each in value)
    else:
        return f"{lead.rstrip()} {_scalar(value)}\n"
    return lead + inner[len(below) :] if isinstance(step, Item) else f"{lead}\n{inner}"


def _scalar(value: Value) -> str:
    """A value as JSON, which YAML reads alike; a word plainly, where it is read as one."""
    if isinstance(value, str) and value.isalpha() and yaml.safe_load(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _name(name: str) -> str:
    """A name plainly, where it is read as one."""
    is_plain = name.replace("-", "").replace("_", "").isalpha()
    return name if is_plain and yaml.safe_load(name) == name else json.dumps(name)


def _entries(node: Node) -> list[_Entry]:
    if isinstance(node, MappingNode):
        return cast(list[_Entry], node.value)
    return [(None, each) for each in node.value] if isinstance(node, SequenceNode) else []


def _entry_at(node: Node, step: str | Item) -> _Entry | None:
    for key, value in _entries(node):
        if isinstance(step, Item):
            if key is None and step.is_at(yaml.safe_load(yaml.serialize(value))):
                return key, value
        elif isinstance(key, ScalarNode) and key.value == step:
            return key, value
    return None


def _is_in_brackets(node: Node) -> bool:
    return isinstance(node, CollectionNode) and bool(node.flow_style)


def _composed(text: str) -> Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise _unreadable(error) from error


def _end(node: Node) -> int:
    """Where a value's last character stands: a block's own mark stands at what follows it."""
    entries = [] if _is_in_brackets(node) else _entries(node)
    if entries:
        return _end(entries[-1][1])
    return cast(int, node.end_mark.index)


def _line_end(text: str, at: int) -> int:
    """Behind the line break that ends the line of `at`."""
    if at and text[at - 1] == "\n":
        return at
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _line(node: Node) -> int:
    return cast(int, node.start_mark.line) + 1


def _unreadable(error: yaml.YAMLError) -> Unreadable:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return Unreadable(error.problem or "it is not YAML", error.problem_mark.line + 1)
    return Unreadable("it is not YAML")


YAML: Final = Syntax(_read, _put, _drop)
