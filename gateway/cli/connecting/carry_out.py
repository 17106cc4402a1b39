"""Carry a plan out: the record first, then every file or none."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from gateway.cli.connecting.disk import Overtaken, make_folders, remove
from gateway.cli.connecting.disk import replace as replace_file
from gateway.cli.connecting.plan import Plan, Step
from gateway.cli.connecting.record import FileRecord, Record, Records
from gateway.cli.exits import CommandFailed

_TRIES: Final = 3


def until_not_overtaken(attempt: Callable[[], Plan]) -> Plan:
    """Plan and write again when somebody else wrote in between, a few times at most."""
    for _ in range(_TRIES):
        try:
            return attempt()
        except Overtaken as error:
            overtaken = error
    raise CommandFailed(
        f"{overtaken.path} is being written by another program: close the assistant and try again"
    )


def connect(plan: Plan, record: Record, records: Records) -> None:
    """Write what was planned. Raises `Overtaken`, and then nothing has been changed.

    Raises `CommandFailed` where a file could not be taken back: the record stays, to be undone by.
    """
    files = tuple(map(_with_folders, record.files))
    earlier = records.read(record.assistant)
    # Also the files that are to be left: until they are, somebody must know what we put there.
    records.write(replace(record, files=files + _left(earlier, files)))
    try:
        _write(plan.steps)
    except (Overtaken, OSError):
        if earlier is None:
            _remove_folders(files)
            records.forget(record.assistant)
        else:
            records.write(earlier)
        raise
    if _left(earlier, files):
        records.write(replace(record, files=files))


def disconnect(plan: Plan, record: Record, records: Records) -> None:
    """Undo what was planned and forget. Raises as `connect` does."""
    _write(plan.steps)
    _remove_folders(record.files)
    records.forget(record.assistant)


def _left(earlier: Record | None, files: tuple[FileRecord, ...]) -> tuple[FileRecord, ...]:
    """What was written before, to files that are not written any more."""
    paths = {each.path for each in files}
    return tuple(each for each in (earlier.files if earlier else ()) if each.path not in paths)


def _with_folders(file: FileRecord) -> FileRecord:
    made = tuple(make_folders(file.path.parent))
    return replace(file, made_folders=file.made_folders or made)


def _remove_folders(files: tuple[FileRecord, ...]) -> None:
    """Take away the folders that we made and that nobody has used since."""
    for file in reversed(files):
        for folder in reversed(file.made_folders):
            try:
                folder.rmdir()
            except OSError:  # not empty, or gone
                break


def _write(steps: tuple[Step, ...]) -> None:
    done: list[Step] = []
    try:
        for step in steps:
            _write_one(step)
            done.append(step)
    except (Overtaken, OSError) as error:
        _take_back(done, error)
        raise


def _take_back(done: list[Step], cause: Exception) -> None:
    """Put back what was written, as much as can be. Raises `CommandFailed` with what cannot."""
    failed: list[str] = []
    for step in reversed(done):
        try:
            _write_one(_backwards(step))
        except Overtaken:
            failed.append(f"{step.found.path} (another program has written it)")
        except OSError as error:
            failed.append(f"{step.found.path} ({error.strerror or error})")
    if failed:
        raise CommandFailed(
            f"not all could be written ({cause}), and what was could not be put back: "
            f"{', '.join(failed)}; it is remembered: see to these files, then use --undo"
        ) from cause


def _write_one(step: Step) -> None:
    if not step.changes_something:
        return
    if step.content is None:
        remove(step.found)
    else:
        replace_file(step.found, step.content, step.mode)


def _backwards(step: Step) -> Step:
    written = replace(step.found, content=step.content, mode=step.mode)
    return Step(written, step.found.content, step.found.mode)
