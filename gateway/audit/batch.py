"""Chain a batch of records and lay them out as rows; refuse what would break their order."""

from dataclasses import dataclass, field

import msgspec
import orjson

from gateway.audit.chain import ChainHead, canonical, record_hash
from gateway.audit.lost import LostExchange, PastAttempt
from gateway.audit.record import RecordBody

LeafRow = tuple[str, int, object, bytes, bytes, object]
BodyRow = tuple[str, int, *tuple[object, ...]]

RESPONSE_ID_PREFIX = "resp_"
"""How the ids of answers begin that OpenAI's responses protocol can go on from."""

_SPENT = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",  # holds the reasoning tokens
)


class RecordRefused(Exception):
    """This record may not be written; `cause` is the stable word for why."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(slots=True)
class Rows:
    """Records as the database keeps them: each has a leaf and a body."""

    leaves: list[LeafRow] = field(default_factory=list)
    bodies: list[BodyRow] = field(default_factory=list)

    def add(self, body: RecordBody, raw: bytes, digest: bytes, prev_hash: bytes) -> None:
        """Lay out one record. `raw` is its canonical form and `digest` the hash of that."""
        lane, seq, time = str(body["lane"]), body["seq"], body["time_unix_us"]
        assert isinstance(seq, int)
        self.leaves.append((lane, seq, body["record_id"], digest, prev_hash, time))
        self.bodies.append(
            (
                lane,
                seq,
                body.get("exchange_id") or body.get("key_id") or body["about_id"],
                body["kind"],
                time,
                body.get("team"),
                body.get("subject"),
                body.get("model"),
                _outcome(body),
                body.get("cost_nano_usd"),
                _total_tokens(body.get("usage")),
                _nameable(body.get("response_id")),
                raw.decode(),
            )
        )

    def add_raw(self, raw: bytes) -> None:
        """Lay out a record of which only the canonical form is at hand."""
        body = orjson.loads(raw)
        self.add(body, raw, record_hash(raw), bytes.fromhex(body["prev_hash"]))

    def extend(self, other: "Rows") -> None:
        """Put the rows of `other` behind these."""
        self.leaves += other.leaves
        self.bodies += other.bodies

    def copy(self) -> "Rows":
        """The same rows, to be extended apart."""
        return Rows([*self.leaves], [*self.bodies])

    def first(self, count: int) -> "Rows":
        """The first `count` records."""
        return Rows(self.leaves[:count], self.bodies[:count])

    def drop_first(self, count: int) -> None:
        """Forget the first `count` records."""
        del self.leaves[:count], self.bodies[:count]

    def after(self, seq: int) -> "Rows":
        """Those of one lane's rows that stand behind number `seq`."""
        return Rows(
            [row for row in self.leaves if row[1] > seq],
            [row for row in self.bodies if row[1] > seq],
        )


class OpenExchange(msgspec.Struct):
    """An exchange whose `admitted` is durable in this lane and whose end is not."""

    seq: int
    admitted: RecordBody
    attempts: list[RecordBody] = []

    def lost(self) -> LostExchange:
        """What an `unknown` end says of it."""
        return LostExchange(
            exchange_id=str(self.admitted["exchange_id"]),
            team=_text(self.admitted.get("team")),
            model=_text(self.admitted.get("model")),
            attempts=tuple(PastAttempt.of(attempted) for attempted in self.attempts),
        )


class OpenExchanges:
    """Which exchanges of this lane are durably admitted and have no durable end, oldest first."""

    def __init__(self) -> None:
        self._open: dict[object, OpenExchange] = {}

    def __contains__(self, exchange_id: object) -> bool:
        return exchange_id in self._open

    def find(self, exchange_id: object) -> OpenExchange | None:
        """The exchange, when it is open."""
        return self._open.get(exchange_id)

    def settled_seq(self, last_seq: int) -> int:
        """Up to where everything admitted has its end, in a lane that is durable to `last_seq`."""
        oldest = next(iter(self._open.values()), None)
        return last_seq if oldest is None else oldest.seq - 1

    def note_durable(self, body: RecordBody) -> None:
        """Take notice of a record that is now durable."""
        kind, exchange_id = body["kind"], body["exchange_id"]
        if kind == "admitted":
            seq = body["seq"]
            assert isinstance(seq, int)
            self._open[exchange_id] = OpenExchange(seq, body)
        elif kind == "attempted":
            self._open[exchange_id].attempts.append(body)
        elif kind in {"completed", "unknown"}:
            self._open.pop(exchange_id, None)


class Batch:
    """Records of one transaction, chained after `head` in the order they are added."""

    __slots__ = (
        "_ended",
        "_hash",
        "_lane",
        "_open",
        "_opened",
        "_seq",
        "raws",
        "records",
        "rows",
    )

    def __init__(self, head: ChainHead, already_open: OpenExchanges) -> None:
        self._lane, self._seq, self._hash = head.lane, head.seq, head.record_hash
        self.records: list[RecordBody] = []
        self.raws: list[bytes] = []
        self.rows = Rows()
        self._open = already_open
        self._opened: set[object] = set()
        self._ended: set[object] = set()

    @property
    def head(self) -> ChainHead:
        """The last record so far: of this batch, else the one it follows."""
        return ChainHead(self._lane, self._seq, self._hash)

    def add(self, body: RecordBody) -> None:
        """Give the record its place and hash (written into `body`).

        Raises `RecordRefused`: `not_open` for an attempt or end of an exchange that is not
        admitted or has its end already, `not_json` for a body that has no canonical form.
        """
        kind, exchange_id = body["kind"], body.get("exchange_id")
        if kind in {"attempted", "completed"} and not self.is_open(exchange_id):
            raise RecordRefused("not_open")
        seq, prev_hash = self._seq + 1, self._hash
        body["lane"] = self._lane
        body["seq"] = seq
        body["prev_hash"] = prev_hash.hex()
        try:
            raw = canonical(body)
        except TypeError as error:
            raise RecordRefused("not_json") from error
        digest = record_hash(raw)
        self.raws.append(raw)
        self.rows.add(body, raw, digest, prev_hash)
        self.records.append(body)
        self._seq, self._hash = seq, digest
        if kind == "admitted":
            self._opened.add(exchange_id)
        elif kind in {"completed", "unknown"}:
            self._ended.add(exchange_id)

    def is_open(self, exchange_id: object) -> bool:
        """Whether the exchange would still lack its end once this batch is durable."""
        if exchange_id in self._ended:
            return False
        return exchange_id in self._opened or exchange_id in self._open


def _outcome(body: RecordBody) -> object:
    if body["kind"] == "unknown":
        return "unknown"
    return body.get("outcome") or body.get("rule")


def _total_tokens(usage: object) -> int | None:
    if not isinstance(usage, dict):
        return None
    total: int = sum([usage.get(name, 0) for name in _SPENT])
    return total


def _nameable(response_id: object) -> object:
    """An id that a later request may name; the ids of other protocols would only fill the index."""
    named = isinstance(response_id, str) and response_id.startswith(RESPONSE_ID_PREFIX)
    return response_id if named else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
