"""The exceptions that a gateway elsewhere knows of, over its admin API."""

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from gateway.cli.server import AdminServer, part_of_path

if TYPE_CHECKING:
    from gateway.break_glass import Wanted
    from gateway.store.passed import Passed
    from gateway.store.stored_break_glass import StoredBreakGlass

_FIELDS: Final = ("teams", "users", "assistants", "models")


class ServerGlasses:
    """Changes are in the ledger in the name of the key that asks.

    As `gateway.cli.ports.Glasses` says.
    """

    def __init__(self, server: AdminServer) -> None:
        self._server = server

    def open(self, wanted: "Wanted") -> "StoredBreakGlass":
        """Open one, or propose it where it takes two people."""
        lifts, match = wanted.lifts, wanted.match
        body = {
            "reason": wanted.reason,
            "for_seconds": wanted.for_seconds,
            "lifts": {
                "rules": lifts.rules,
                "vendors": lifts.vendors,
                "assistants": lifts.assistants,
                "extra_nano_usd": lifts.extra_nano_usd,
            },
            "scope": {name: getattr(match, name) or () for name in _FIELDS},
        }
        # Sent twice, by us or by what stands in between, it opens one.
        return self._post("", body, {"idempotency-key": uuid.uuid4().hex})

    def approve(self, glass_id: str) -> "StoredBreakGlass":
        """Open what somebody else has proposed."""
        return self._change(glass_id, "approve")

    def close(self, glass_id: str) -> "StoredBreakGlass":
        """End one before its time, or withdraw a proposal."""
        return self._change(glass_id, "close")

    def list(self) -> "Sequence[StoredBreakGlass]":
        """Every one there has been, oldest first."""
        with self._server.understood():
            pages = self._server.pages("/break-glass")
            return [_stored(each) for page in pages for each in page["exceptions"]]

    def story(self, glass_id: str) -> "tuple[StoredBreakGlass, Sequence[Passed]]":
        """One of them, and what passed because of it."""
        from gateway.store.passed import Passed

        told = self._server.get(f"/break-glass/{part_of_path(glass_id, 'break-glass')}")
        with self._server.understood():
            return _stored(told["exception"]), [Passed(**each) for each in told["passed"]]

    def _change(self, glass_id: str, what: str) -> "StoredBreakGlass":
        part = part_of_path(glass_id, "break-glass")
        lost = f"`gatehouse break-glass show {part}` tells how it stands"
        return self._post(f"/{part}/{what}", {}, lost=lost)

    def _post(
        self,
        path: str,
        body: Mapping[str, object],
        headers: Mapping[str, str] | None = None,
        lost: str | None = None,
    ) -> "StoredBreakGlass":
        told = self._server.post(f"/break-glass{path}", body, headers, lost=lost)
        with self._server.understood():
            return _stored(told)


def _stored(told: Mapping[str, Any]) -> "StoredBreakGlass":
    from gateway.store.changes import Actor
    from gateway.store.stored_break_glass import StoredBreakGlass
    from policy.break_glass import Lifts
    from policy.rulebook.document import MatchDocument

    def somebody(by: Mapping[str, Any] | None) -> Actor | None:
        return None if by is None else Actor(by["kind"], by["name"], by["credential_id"])

    lifts, by = told["lifts"], somebody(told["proposed_by"])
    if by is None:
        raise ValueError("nobody has proposed it")
    return StoredBreakGlass(
        id=told["id"],
        reason=told["reason"],
        lifts=Lifts(
            tuple(lifts["rules"]),
            tuple(lifts["vendors"]),
            tuple(lifts["assistants"]),
            lifts["extra_nano_usd"],
        ),
        match=MatchDocument.model_validate(
            {name: tuple(told["scope"][name]) for name in _FIELDS if told["scope"][name]}
        ),
        for_seconds=told["for_seconds"],
        proposed_unix_us=told["proposed_unix_us"],
        proposed_by=by,
        approved_by=somebody(told["approved_by"]),
        opened_unix_us=told["opened_unix_us"],
        until_unix_us=told["until_unix_us"],
        closed_unix_us=told["closed_unix_us"],
        closed_by=somebody(told["closed_by"]),
    )
