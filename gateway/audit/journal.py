"""The ledger's first device: a journal of preallocated segment files, written and synced in place.

A batch is one frame. Overwriting bytes that a file already has spares the file system a journal
commit of its own: a sync then costs half of what it costs for a file that grows.

A frame is a header and the batch's records, each with its length. The header names the use of
the segment it belongs to, so that frames left from an earlier use end the reading of this one.
"""

import os
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from errno import ENOSPC
from pathlib import Path

FOLDER_NAME = "journal"
SEGMENT_BYTES = 4 * 1024 * 1024
LIMIT_BYTES = 64 * 1024 * 1024
"""How much may wait for the database: some 50,000 records of the usual size."""

_MAGIC = b"GHJ1"
_HEADER = struct.Struct("<4sIQI")  # magic, bytes of the records, use of the segment, CRC-32
_USE = struct.Struct("<Q")
_LENGTH = struct.Struct("<I")
_BLANK = bytes(64 * 1024)


@dataclass(slots=True)
class _Segment:
    path: Path
    descriptor: int
    capacity: int
    use: int = 0  # grows with each use of any segment; 0 is unused
    position: int = 0


class Journal:
    """The segments in `folder`. One process at a time (`LedgerLock`), one thread.

    Every method raises `OSError` when the device refuses.
    """

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        limit_bytes: int = LIMIT_BYTES,
        first_use: Callable[[], int] = time.time_ns,
    ) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._limit_bytes = limit_bytes
        self._segments: list[_Segment] = []
        self._current: _Segment | None = None
        self._first_use = first_use
        self._use = 0

    def prepare(self) -> None:
        """Have a segment ready, so that the first batch need not wait for one to be filled."""
        if not self._segments:
            self._create(self._segment_bytes)

    def append(self, records: Sequence[bytes]) -> int:
        """Write a batch and return the descriptor that must be synced to make it durable."""
        payload = b"".join([part for raw in records for part in (_LENGTH.pack(len(raw)), raw)])
        size = _HEADER.size + len(payload)
        segment = self._current
        if segment is None or segment.position + size > segment.capacity:
            segment = self._current = self._begin(size)
        header = _HEADER.pack(_MAGIC, len(payload), segment.use, _checksum(segment.use, payload))
        written = os.pwrite(segment.descriptor, header + payload, segment.position)
        if written != size:
            raise OSError(ENOSPC, "the journal took only a part of a batch")
        segment.position += size
        return segment.descriptor

    @property
    def use(self) -> int:
        """The use of a segment in which the last batch stands. Never goes down."""
        return self._use

    def release(self, before: int) -> None:
        """The database has all that was written before use `before` began: write over it."""
        for segment in self._segments:
            if 0 < segment.use < before and segment is not self._current:
                _erase(segment)

    def abandon(self) -> None:
        """Write no further in the segment under way: its device has refused."""
        self._current = None

    def clear(self) -> None:
        """Forget everything: the database has it all."""
        self._current = None
        for segment in self._segments:
            _erase(segment)

    def records(self) -> Iterator[bytes]:
        """Every record that a whole frame holds, in the order written; also of a process before us.

        Ends a segment's reading at the first frame that is torn or of an earlier use.
        """
        self._open_folder()
        for segment in sorted(self._segments, key=lambda each: each.use):
            yield from _records_in(segment)

    def close(self) -> None:
        """Close the files. Safe to call twice."""
        segments, self._segments, self._current = self._segments, [], None
        for segment in segments:
            os.close(segment.descriptor)

    def _open_folder(self) -> None:
        self.close()
        # Beyond what any process before us used: bytes of theirs may still lie behind ours.
        self._use = max(self._use, self._first_use())
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.glob("segment-*")):
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            segment = _Segment(path, descriptor, os.fstat(descriptor).st_size)
            self._segments.append(segment)
            segment.use = _use_of(segment)
            self._use = max(self._use, segment.use)

    def _begin(self, size: int) -> _Segment:
        """A segment with room for a frame of `size` bytes: an unused one, else a new one."""
        unused = (each for each in self._segments if each.use == 0 and each.capacity >= size)
        segment = next(unused, None) or self._create(max(size, self._segment_bytes))
        self._use += 1
        segment.use = self._use
        segment.position = 0
        return segment

    def _create(self, capacity: int) -> _Segment:
        held = sum(each.capacity for each in self._segments)
        if held + capacity > self._limit_bytes:
            raise OSError(ENOSPC, f"the journal holds {held} bytes that no database has taken")
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._unused_path()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _fill(descriptor, capacity)
            _sync_folder(self._folder)
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        segment = _Segment(path, descriptor, capacity)
        self._segments.append(segment)
        return segment

    def _unused_path(self) -> Path:
        taken = {segment.path for segment in self._segments}
        numbers = range(1, len(taken) + 2)
        paths = (self._folder / f"segment-{number:03d}" for number in numbers)
        return next(path for path in paths if path not in taken)


def _checksum(use: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(_USE.pack(use)))


def _fill(descriptor: int, capacity: int) -> None:
    for offset in range(0, capacity, len(_BLANK)):
        os.pwrite(descriptor, _BLANK[: capacity - offset], offset)
    os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _erase(segment: _Segment) -> None:
    """Not synced: what is read again after a crash is in the database, and known by its number."""
    os.pwrite(segment.descriptor, bytes(_HEADER.size), 0)
    segment.use = 0
    segment.position = 0


def _use_of(segment: _Segment) -> int:
    header = os.pread(segment.descriptor, _HEADER.size, 0)
    if len(header) < _HEADER.size:
        return 0
    magic, _, use, _ = _HEADER.unpack(header)
    return int(use) if magic == _MAGIC else 0


def _records_in(segment: _Segment) -> Iterator[bytes]:
    offset = 0
    while True:
        header = os.pread(segment.descriptor, _HEADER.size, offset)
        if len(header) < _HEADER.size:
            return
        magic, length, use, checksum = _HEADER.unpack(header)
        if magic != _MAGIC or use != segment.use:
            return
        payload = os.pread(segment.descriptor, length, offset + _HEADER.size)
        if len(payload) < length or _checksum(use, payload) != checksum:
            return
        yield from _split(payload)
        offset += _HEADER.size + length


def _split(payload: bytes) -> Iterator[bytes]:
    offset = 0
    while offset < len(payload):
        (length,) = _LENGTH.unpack_from(payload, offset)
        offset += _LENGTH.size
        yield payload[offset : offset + length]
        offset += length
