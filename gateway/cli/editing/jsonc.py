"""JSON, also with comments and trailing commas, edited in place: only the span that must change.

A file that was strict JSON stays that: only one with a trailing comma is given another.
"""

import json
import re
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]  # as the decoder itself reads
from typing import Final

from gateway.cli.editing.syntax import Item, Path, Syntax, Unreadable, Value, nested

_DEEPEST: Final = 100
_BLANK: Final = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS: Final = {"true": True, "false": False, "null": None}
_INDENT: Final = "  "


@dataclass(slots=True)
class _Node:
    """A value and its span; a container has members in order."""

    start: int
    end: int
    value: object
    members: "list[_Member]" = field(default_factory=list)


@dataclass(slots=True)
class _Member:
    """One entry of an object or (name None) of an array; `comma` is where its comma stands."""

    start: int
    name: str | None
    node: _Node
    comma: int | None = None


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text

    def document(self) -> _Node | None:
        """The one value of the text; None when there is nothing but blanks and comments."""
        at = self._skip(0)
        if at == len(self._text):
            return None
        node = self._value(at, 0)
        if (rest := self._skip(node.end)) != len(self._text):
            raise self._wrong("something follows the end", rest)
        return node

    def _value(self, at: int, depth: int) -> _Node:
        text = self._text
        if depth > _DEEPEST:
            raise self._wrong("it is nested too deep", at)
        match text[at : at + 1]:
            case "{" | "[":
                return self._container(at, depth)
            case '"':
                written, end = self._string(at)
                return _Node(at, end, written)
        for word, value in _WORDS.items():
            if text.startswith(word, at):
                return _Node(at, at + len(word), value)
        if number := _NUMBER.match(text, at):
            return _Node(at, number.end(), json.loads(number[0]))
        raise self._wrong("a value is missing" if at < len(text) else "it ends too early", at)

    def _container(self, start: int, depth: int) -> _Node:
        is_object = self._text[start] == "{"
        closing = "}" if is_object else "]"
        members: list[_Member] = []
        at = self._skip(start + 1)
        while self._text[at : at + 1] != closing:
            if members and members[-1].comma is None:
                raise self._wrong(f"a comma or {closing} is missing", at)
            member = self._member(at, is_object, depth)
            members.append(member)
            at = self._skip(member.node.end)
            if self._text[at : at + 1] == ",":
                member.comma = at
                at = self._skip(at + 1)
        node = _Node(start, at + 1, [each.node.value for each in members], members)
        if is_object:
            node.value = self._mapping(members)
        return node

    def _member(self, at: int, is_object: bool, depth: int) -> _Member:
        if not is_object:
            return _Member(at, None, self._value(at, depth + 1))
        if self._text[at : at + 1] != '"':
            raise self._wrong("a name in quotes is missing", at)
        name, end = self._string(at)
        colon = self._skip(end)
        if self._text[colon : colon + 1] != ":":
            raise self._wrong("a colon is missing", colon)
        return _Member(at, name, self._value(self._skip(colon + 1), depth + 1))

    def _mapping(self, members: list[_Member]) -> dict[str, object]:
        read: dict[str, object] = {}
        for each in members:
            if each.name in read:
                raise self._wrong(f"{each.name!r} is there twice", each.start)
            read[str(each.name)] = each.node.value
        return read

    def _string(self, at: int) -> tuple[str, int]:
        try:
            value, end = scanstring(self._text, at + 1, True)
        except json.JSONDecodeError as error:
            raise self._wrong("a text is not right", error.pos) from error
        return value, end

    def _skip(self, at: int) -> int:
        match = _BLANK.match(self._text, at)
        return match.end() if match else at

    def _wrong(self, message: str, at: int) -> Unreadable:
        return Unreadable(message, self._text.count("\n", 0, at) + 1)


def _read(text: str) -> object:
    document = _Scanner(text).document()
    return {} if document is None else document.value


def _put(text: str, path: Path, value: Value) -> str:
    document = _Scanner(text).document()
    if document is None:
        opening = "[\n]\n" if isinstance(path[0], Item) else "{\n}\n"
        text = text + ("\n" if text and not text.endswith("\n") else "") + opening
        document = _Scanner(text).document()
    assert document is not None
    return _put_below(text, document, path, value)


def _put_below(text: str, node: _Node, path: Path, value: Value) -> str:
    step, *rest = path
    member = _member_at(node, step)
    if member is not None and rest:
        return _put_below(text, member.node, tuple(rest), value)
    if member is not None:
        written = _written(value, _indent_at(text, member.start))
        return text[: member.node.start] + written + text[member.node.end :]
    name = None if isinstance(step, Item) else step
    return _added(text, node, name, nested(tuple(rest), value))


def _member_at(node: _Node, step: str | Item) -> _Member | None:
    kind: type = list if isinstance(step, Item) else dict
    if not isinstance(node.value, kind):
        wanted = "a list" if kind is list else "an object"
        raise Unreadable(f"{step!r} cannot be set: what should hold it is not {wanted}")
    if isinstance(step, Item):
        return next((each for each in node.members if step.is_at(each.node.value)), None)
    return next((each for each in node.members if each.name == step), None)


def _added(text: str, node: _Node, name: str | None, value: Value) -> str:
    """With one more member at the end of a container, laid out as the container is."""
    bracket = node.end - 1
    is_flat = bool(node.members) and "\n" not in text[node.start : node.end]
    outer = _indent_at(text, node.start)
    inner = _indent_at(text, node.members[0].start) if node.members else outer + _INDENT
    label = "" if name is None else json.dumps(name, ensure_ascii=False) + ": "
    if is_flat:
        entry = " " + label + json.dumps(value, ensure_ascii=False)
    else:
        entry = "\n" + inner + label + _written(value, inner)
    last = node.members[-1] if node.members else None
    content_end = len(text[:bracket].rstrip())
    blanks = text[content_end:bracket]
    if not is_flat and "\n" not in blanks:
        blanks = "\n" + outer
    head = text[:content_end]
    if last is not None and last.comma is None:
        head = head[: last.node.end] + "," + head[last.node.end :]
    elif last is not None:
        entry += ","
    return head + entry + blanks + text[bracket:]


def _drop(text: str, path: Path) -> str:
    node = _Scanner(text).document()
    assert node is not None
    for step in path[:-1]:
        member = _member_at(node, step)
        assert member is not None
        node = member.node
    member = _member_at(node, path[-1])
    assert member is not None
    at = node.members.index(member)
    start = len(text[: member.start].rstrip(" \t"))
    if text[start - 1] == "\n":
        start -= 1
    elif text[start - 1] != ",":
        start = member.start
    end = member.node.end if member.comma is None else member.comma + 1
    if len(node.members) == 1 and not text[node.start + 1 : start].strip():
        after = text[end : node.end - 1]
        if not after.strip():
            return text[: node.start + 1] + text[node.end - 1 :]
    shorter = text[:start] + text[end:]
    before = node.members[at - 1] if at else None
    if before is not None and before.comma is not None and member.comma is None:
        shorter = shorter[: before.comma] + shorter[before.comma + 1 :]
    return shorter


def _written(value: Value, indent: str) -> str:
    lines = json.dumps(value, ensure_ascii=False, indent=_INDENT).split("\n")
    return ("\n" + indent).join(lines)


def _indent_at(text: str, at: int) -> str:
    """The blanks that the line of `at` begins with."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip())]


JSONC: Final = Syntax(_read, _put, _drop)
