"""Chain records by hash, and check a run of them: pure, and the same wherever records are read."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

GENESIS = hashlib.sha256(b"").digest()
"""The previous hash of a lane's first record (OpenTelemetry's audit signal draft)."""


@dataclass(frozen=True, slots=True)
class ChainedRecord:
    """A record as it is stored: its place, its hash and its canonical bytes.

    `body` is None where retention has removed it; the links can still be checked.
    """

    lane: str
    seq: int
    record_hash: bytes
    prev_hash: bytes
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain does not hold, and in what way: `gap`, `link`, `body` or `place`."""

    lane: str
    seq: int
    fault: str


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last record of a lane so far; `seq` is 0 before the first, whose number is 1."""

    lane: str
    seq: int
    record_hash: bytes

    @classmethod
    def of_new(cls, lane: str) -> "ChainHead":
        """The head of a lane that has no record yet."""
        return cls(lane, 0, GENESIS)


def canonical(body: dict[str, object]) -> bytes:
    """The bytes that are hashed: keys sorted, no blanks. Equals RFC 8785 for what records hold.

    Raises `TypeError` for what is no JSON (a lone surrogate, an integer beyond 64 bits).
    """
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def record_hash(canonical_body: bytes) -> bytes:
    """SHA-256 of a record's canonical bytes, which hold the hash of the record before it."""
    return hashlib.sha256(canonical_body).digest()


def find_breaks(head: ChainHead, records: Iterable[ChainedRecord]) -> list[Break]:
    """Check records of one lane, in the order given, that should follow `head`.

    An empty list means: none was edited, removed from the middle, added or moved. That none
    was removed from the end needs an anchor outside the database.
    """
    breaks: list[Break] = []
    for record in records:
        fault = _fault(head, record)
        if fault is not None:
            breaks.append(Break(record.lane, record.seq, fault))
        head = ChainHead(record.lane, record.seq, record.record_hash)
    return breaks


def _fault(head: ChainHead, record: ChainedRecord) -> str | None:
    if record.lane != head.lane or record.seq != head.seq + 1:
        return "gap"
    if record.prev_hash != head.record_hash:
        return "link"
    if record.body is None:
        return None
    if record_hash(record.body) != record.record_hash:
        return "body"
    return None if _stands_where_it_says(record) else "place"


def _stands_where_it_says(record: ChainedRecord) -> bool:
    """Whether the hashed body names the lane, number and link it is stored under."""
    assert record.body is not None
    try:
        said = orjson.loads(record.body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(said, dict) and (
        said.get("lane") == record.lane
        and said.get("seq") == record.seq
        and said.get("prev_hash") == record.prev_hash.hex()
    )
