"""Files of `NAME=value` lines, as the `dotenv` package of Node reads them."""

import re
from typing import Final

from gateway.cli.editing.syntax import Path, Syntax, Unreadable, Value

_LINE: Final = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*
    ('(?:\\'|[^'])*'|"(?:\\"|[^"])*"|`(?:\\`|[^`])*`|[^\#\r\n]*)[ \t]*(?:\#.*)?$""",
    re.MULTILINE | re.VERBOSE,
)
_BARE: Final = re.compile(r"[^\s#'\"`\\]*")


def _read(text: str) -> object:
    read: dict[str, str] = {}
    for match in _LINE.finditer(text):
        if match[1] in read:
            line = text.count("\n", 0, match.start(1)) + 1
            raise Unreadable(f"{match[1]} is there twice", line)
        read[match[1]] = _unquoted(match[2].strip())
    return read


def _put(text: str, path: Path, value: Value) -> str:
    name, written = str(path[0]), str(value)
    if not _BARE.fullmatch(written):
        raise Unreadable(f"{name} has a character that a .env file cannot hold safely")
    if (match := _line_of(text, name)) is not None:
        return text[: match.start(2)] + written + text[match.end(2) :]
    end = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{end}{name}={written}\n"


def _drop(text: str, path: Path) -> str:
    match = _line_of(text, str(path[0]))
    assert match is not None
    end = match.end() + 1 if text[match.end() : match.end() + 1] == "\n" else match.end()
    return text[: match.start()] + text[end:]


def _line_of(text: str, name: str) -> re.Match[str] | None:
    return next((each for each in _LINE.finditer(text) if each[1] == name), None)


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"`":
        inner = value[1:-1]
        return inner.replace("\\n", "\n") if value[0] == '"' else inner
    return value


DOTENV: Final = Syntax(_read, _put, _drop)
