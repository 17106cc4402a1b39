"""A file's bytes as text to edit, and back: a byte order mark and Windows line ends are kept."""

import codecs
from dataclasses import dataclass

from gateway.cli.editing.syntax import Unreadable


@dataclass(frozen=True, slots=True)
class FileText:
    """Text with plain line ends, and how it stood in the file."""

    text: str = ""
    has_mark: bool = False
    has_windows_ends: bool = False

    def encoded(self, text: str) -> bytes:
        """Other text, as it would stand in the same file."""
        if self.has_windows_ends:
            text = text.replace("\n", "\r\n")
        return (codecs.BOM_UTF8 if self.has_mark else b"") + text.encode("utf-8")


def decoded(content: bytes | None) -> FileText:
    """A file's content; no file is an empty one. Raises `Unreadable` when it is not UTF-8."""
    if content is None:
        return FileText()
    has_mark = content.startswith(codecs.BOM_UTF8)
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable("it is not UTF-8 text", line) from error
    ends = text.count("\r\n")
    # Line ends of both kinds are left as they are: turned back, they would not be the same bytes.
    if ends and ends == text.count("\n") == text.count("\r"):
        return FileText(text.replace("\r\n", "\n"), has_mark, has_windows_ends=True)
    return FileText(text, has_mark)
