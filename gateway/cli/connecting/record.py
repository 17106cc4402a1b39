"""What connecting an assistant changed: kept privately, so that it can be undone exactly."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from gateway.cli.connecting.changes import Change
from gateway.cli.editing.syntax import ABSENT, Item
from gateway.cli.exits import CommandFailed
from gateway.cli.offered import UNKNOWN, Sizes
from gateway.settings import write_private

_RECORD: Final = "record.json"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file we wrote: how it was (no `before`: there was none) and how we left it.

    `written_digests` are of what we wrote, newest first: after a kill it may be the one before.
    """

    path: Path
    before: bytes | None
    mode: int
    written_digests: tuple[str, ...]
    changes: tuple[Change, ...]
    made_folders: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """An assistant that is connected: to which gateway, to what model, and by which files."""

    assistant: str
    base_url: str
    model: str
    files: tuple[FileRecord, ...]
    sizes: Sizes = UNKNOWN


class Records:
    """The records of one user, a folder for each assistant, readable by nobody else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, assistant: str) -> Record | None:
        """What is remembered of an assistant; None when it is not connected.

        Raises `CommandFailed` when the record is there but cannot be read.
        """
        folder = self._folder / assistant
        try:
            document = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
            files = tuple(_file_of(each, folder) for each in document["files"])
            sizes = Sizes(document.get("window_tokens"), document.get("output_tokens"))
            return Record(assistant, document["base_url"], document["model"], files, sizes)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CommandFailed(
                f"the record in {folder} cannot be read ({error}); the files as they were "
                "before stand beside it"
            ) from error

    def write(self, record: Record) -> None:
        """Remember, with the bytes of each file as it was."""
        folder = self._folder / record.assistant
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = []
        for number, each in enumerate(record.files):
            backup = f"{number}-{each.path.name}" if each.before is not None else None
            if backup is not None and each.before is not None:
                _write_bytes(folder / backup, each.before)
            files.append(_document_of(each, backup))
        document = {
            "base_url": record.base_url,
            "model": record.model,
            **asdict(record.sizes),
            "files": files,
        }
        write_private(folder / _RECORD, json.dumps(document, indent=2) + "\n")

    def forget(self, assistant: str) -> None:
        """Take the record away, last of all the file by which it is known."""
        folder = self._folder / assistant
        if not folder.is_dir():
            return
        for each in sorted(folder.iterdir(), key=lambda path: path.name == _RECORD):
            each.unlink()
        folder.rmdir()


def _write_bytes(path: Path, content: bytes) -> None:
    unfinished = path.with_name(path.name + ".new")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _document_of(file: FileRecord, backup: str | None) -> dict[str, object]:
    return {
        "path": str(file.path),
        "before": backup,
        "mode": file.mode,
        "written_digests": file.written_digests,
        "made_folders": [str(each) for each in file.made_folders],
        "changes": [
            {
                "path": [
                    {"item": step.value, "key": step.key} if isinstance(step, Item) else step
                    for step in each.path
                ],
                "depth": each.depth,
                "digest": each.digest,
                **({} if each.before is ABSENT else {"before": each.before}),
            }
            for each in file.changes
        ],
    }


def _file_of(document: Mapping[str, Any], folder: Path) -> FileRecord:
    backup = document["before"]
    return FileRecord(
        path=Path(document["path"]),
        before=None if backup is None else (folder / backup).read_bytes(),
        mode=int(document["mode"]),
        written_digests=tuple(document["written_digests"]),
        changes=tuple(map(_change_of, document["changes"])),
        made_folders=tuple(map(Path, document["made_folders"])),
    )


def _change_of(document: Mapping[str, Any]) -> Change:
    path = tuple(
        step if isinstance(step, str) else Item(step["item"], step["key"])
        for step in document["path"]
    )
    return Change(path, document.get("before", ABSENT), document["depth"], document["digest"])
