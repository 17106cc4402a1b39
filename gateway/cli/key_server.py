"""The keys of a gateway elsewhere, looked after over its admin API."""

import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from gateway.cli.key_facts import Facts
from gateway.cli.key_wishes import KeyWish
from gateway.cli.server import AdminServer, part_of_path
from gateway.cli.times import format_unix_us

_TIMES: Final = ("created", "expires", "revoked")
_ROTATED: Final = (
    "whether the key was replaced, `gatehouse key list` shows: where it was, rotate its successor, "
    "whose key nobody has seen"
)


class ServerKeys:
    """Changes are in the ledger in the name of the key that asks. All raise `CommandFailed`."""

    def __init__(self, server: AdminServer) -> None:
        self._server = server

    def create(self, wish: KeyWish) -> tuple[str, Facts]:
        """A new key, and what may be told of it."""
        body = {
            **_whose(wish.subject, is_service=wish.is_service),
            "roles": sorted(wish.roles),
            "models": wish.models,
            "networks": wish.networks,
            **({} if wish.team is None else {"team": wish.team}),
            **({} if wish.lifetime_us is None else {"expires": _after(wish.lifetime_us)}),
        }
        # Sent twice, by us or by what stands in between, it makes one key.
        made = self._server.post("/keys", body, {"idempotency-key": uuid.uuid4().hex})
        with self._server.understood():
            return str(made["secret"]), _facts(made["key"])

    def rotate(self, key_id: str, overlap_us: int) -> tuple[str, Facts, Facts]:
        """A key's successor, what may be told of it, and of the key itself."""
        body = {"overlap_seconds": overlap_us // 1_000_000}
        path = f"/keys/{part_of_path(key_id, 'key')}/rotate"
        made = self._server.post(path, body, lost=_ROTATED)
        with self._server.understood():
            return str(made["secret"]), _facts(made["key"]), _facts(made["predecessor"])

    def list(self) -> Sequence[Facts]:
        """Every key that the caller may see, oldest first."""
        with self._server.understood():
            return [_facts(each) for page in self._server.pages("/keys") for each in page["keys"]]

    def revoke(self, key_id: str) -> Facts:
        """End a key."""
        ended = self._server.post(f"/keys/{part_of_path(key_id, 'key')}/revoke", {})
        with self._server.understood():
            return _facts(ended)

    def revoke_all_of(self, subject: str, *, is_service: bool) -> Sequence[Facts]:
        """End all keys of a user, or of a service."""
        ended = self._server.post("/revocations", _whose(subject, is_service=is_service))
        with self._server.understood():
            return [_facts(each) for each in ended["keys"]]


def _whose(subject: str, *, is_service: bool) -> dict[str, object]:
    return {"service" if is_service else "user": subject}


def _after(lifetime_us: int) -> str:
    moment = datetime.fromtimestamp(time.time() + lifetime_us / 1_000_000, UTC)
    return moment.isoformat(timespec="seconds")


def _facts(told: Mapping[str, Any]) -> Facts:
    """A key as `--json` prints it, wherever it was asked for."""
    times = {name: format_unix_us(told[f"{name}_unix_us"]) or None for name in _TIMES}
    return {
        name: times.get(name, value) for name, value in told.items() if not name.endswith("_us")
    }
