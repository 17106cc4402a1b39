"""One gateway a data folder: a lock that lives exactly as long as the process that holds it."""

import fcntl
import os
import time
from pathlib import Path

FILE_NAME = "ledger.lock"
_BETWEEN_TRIES_SECONDS = 0.05


class DataFolderInUse(Exception):
    """Another gateway writes the ledger of this data folder."""


class LedgerLock:
    """The right to write the ledger in `folder`. The kernel lets go of it when the process dies.

    The file holds the holder's process id, for people; it is never removed.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE_NAME
        self._descriptor: int | None = None

    def acquire(self, patience_seconds: float = 0.0) -> None:
        """Take the lock. Raises `DataFolderInUse` when another process keeps it so long.

        A command that takes over a dead gateway's journal has it for a moment.
        """
        give_up = time.monotonic() + patience_seconds
        while True:
            try:
                return self._try()
            except DataFolderInUse:
                if time.monotonic() >= give_up:
                    raise
                time.sleep(_BETWEEN_TRIES_SECONDS)

    def _try(self) -> None:
        # Not inherited by programs we start: one that outlived us would lock the next gateway out.
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise DataFolderInUse(
                f"another gateway (process {holder}) uses the data folder {self._file.parent}: "
                "stop it first, or give this one a folder of its own with --data"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go of the lock. Safe to call twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
