"""What connecting or undoing would do to each file: decided whole before anything is written."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.cli.connecting.changes import apply, undo
from gateway.cli.connecting.disk import Found, check_writable, look
from gateway.cli.connecting.record import FileRecord, Record
from gateway.cli.connecting.setting import SettingsFile
from gateway.cli.connecting.text import decoded
from gateway.cli.editing import DOTENV, JSONC, TOML, YAML, Syntax, Unreadable
from gateway.cli.exits import CommandFailed

_EMPTY = frozenset({"", "{}", "[]", "{\n}", "[\n]"})
_SYNTAXES = {".json": JSONC, ".jsonc": JSONC, ".toml": TOML, ".yaml": YAML, ".yml": YAML}


@dataclass(frozen=True, slots=True)
class Step:
    """One file: how it is, what it should become (None: nothing), and with what permissions."""

    found: Found
    content: bytes | None
    mode: int

    @property
    def changes_something(self) -> bool:
        """Whether there is anything to write."""
        return self.content != self.found.content or (
            self.content is not None and self.mode != self.found.mode
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """All the files of an assistant. `kept` names settings that somebody else has changed."""

    steps: tuple[Step, ...]
    files: tuple[FileRecord, ...] = ()
    kept: tuple[str, ...] = ()


def plan_connecting(files: Sequence[SettingsFile], record: Record | None) -> Plan:
    """Put these settings in, over the files as they were before we ever wrote to them.

    Raises `CommandFailed` for a file that cannot be read, or cannot be edited safely.
    """
    known = {each.path: each for each in record.files} if record is not None else {}
    steps, records = [], []
    for file in files:
        found = look(file.path)
        check_writable(found)
        step, file_record = _connected(file, found, known.pop(found.path, None))
        steps.append(step)
        records.append(file_record)
    # Files that an earlier version of an assistant had, or that are elsewhere now.
    left = plan_undoing(tuple(known.values()))
    return Plan((*steps, *left.steps), tuple(records), left.kept)


def plan_undoing(files: Sequence[FileRecord]) -> Plan:
    """Take our settings out again: exactly, where nobody has changed the file since.

    Raises `CommandFailed` for a file that cannot be read, or cannot be edited safely.
    """
    steps, kept = [], []
    for file in files:
        found = look(file.path)
        check_writable(found)
        content, left = _undone(found, file)
        steps.append(Step(found, content, file.mode if file.before is not None else found.mode))
        kept += [f"{file.path}: {each}" for each in left]
    return Plan(tuple(steps), (), tuple(kept))


def _connected(
    file: SettingsFile, found: Found, earlier: FileRecord | None
) -> tuple[Step, FileRecord]:
    before, mode = found.content, found.mode
    made: tuple[Path, ...] = ()
    digests: tuple[str, ...] = ()
    if earlier is not None:
        before, _ = _undone(found, earlier)
        mode, made, digests = earlier.mode, earlier.made_folders, earlier.written_digests[:1]
    try:
        source = decoded(before)
        text, changes = apply(source.text, file.settings, file.syntax)
    except Unreadable as error:
        raise _refused(file.path, error) from error
    content = source.encoded(text)
    written = hashlib.sha256(content).hexdigest()
    after = replace(found, mode=mode).mode_for(file.is_private)
    record = FileRecord(found.path, before, mode, (written, *digests), tuple(changes), made)
    return Step(found, content, after), record


def _undone(found: Found, file: FileRecord) -> tuple[bytes | None, tuple[str, ...]]:
    """What the file would be without us, and what in it is not ours any more."""
    if found.content is None or found.content == file.before:
        return found.content, ()
    if hashlib.sha256(found.content).hexdigest() in file.written_digests:
        return file.before, ()
    try:
        source = decoded(found.content)
        undone = undo(source.text, file.changes, syntax_of(file.path))
    except Unreadable as error:
        raise _refused(file.path, error) from error
    if file.before is None and undone.text.strip() in _EMPTY:
        return None, undone.kept
    return source.encoded(undone.text), undone.kept


def syntax_of(path: Path) -> Syntax:
    """How a settings file is written, by its name."""
    return _SYNTAXES.get(path.suffix, DOTENV)


def _refused(path: Path, error: Unreadable) -> CommandFailed:
    place = f"{path}:{error.line}" if error.line else str(path)
    return CommandFailed(f"{place}: {error.message}; the file is left as it is")
