"""What the gateway hands its shipping process on standard input, and nowhere else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must not stand in a command line. Without `database` the ledger is in the folder."""

    pseudonym_key: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    database: str | None = field(default=None, repr=False)

    def to_line(self) -> bytes:
        """One line for the standard input of a supervised shipper."""
        content = {
            "pseudonym_key": self.pseudonym_key.hex(),
            "headers": dict(self.headers),
            "database": self.database,
        }
        return json.dumps(content).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Secrets":
        """Read such a line. Raises `ValueError`, `TypeError` or `KeyError` when it is none."""
        content = json.loads(line)
        if not isinstance(content, dict):
            raise TypeError("a line of secrets is a JSON object")
        key = bytes.fromhex(content["pseudonym_key"])
        return cls(key, content["headers"], content["database"])
