"""What only a gateway that runs knows, over its admin API: teams, counters of caps, registers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.server import AdminServer

if TYPE_CHECKING:
    from gateway.caps.port import AccountState
    from gateway.configuration.reviews import Standing


class ServerTeams:
    """As `gateway.cli.ports.Teams` says."""

    def __init__(self, server: AdminServer) -> None:
        self._server = server

    def list(self) -> Sequence[Mapping[str, Any]]:
        """Each with its models, data class, limits, and what it used this month."""
        told = self._server.get("/teams")
        with self._server.understood():
            return [dict(each) for each in told["teams"]]


class ServerCaps:
    """As `gateway.cli.ports.Caps` says."""

    def __init__(self, server: AdminServer) -> None:
        self._server = server

    def list(self, team: str | None, unit: str | None) -> "Sequence[AccountState]":
        """Every account, or those of a team or unit, as it stands now."""
        with self._server.understood():
            pages = self._server.pages("/caps", team=team, unit=unit)
            return [_account(each) for page in pages for each in page["caps"]]


def reviewed(server: AdminServer) -> "Sequence[Standing]":
    """How each entry of both registers stands today. Raises `CommandFailed` where none is kept."""
    told = {name: server.get(f"/registers/{name}") for name in ("vendors", "assistants")}
    with server.understood():
        if not any(each["is_kept"] for each in told.values()):
            raise CommandFailed(
                f"the gateway at {server.root} keeps no register; docs/registers.md",
                Exit.NOT_FOUND,
            )
        return [each for name in told for each in _standings(name, told[name]["entries"])]


def _account(told: Mapping[str, Any]) -> "AccountState":
    from gateway.caps.port import AccountState
    from policy.types import Unit

    resets = told["resets_unix_us"]
    return AccountState(
        account=told["account"],
        unit=Unit(told["unit"]),
        window=told["window"],
        limit=told["limit"],
        used=told["used"],
        held=told["held"],
        at_risk=told["at_risk"],
        overspent=told["overspent"],
        resets_at=None if resets is None else datetime.fromtimestamp(resets // 1_000_000, UTC),
    )


def _standings(register: str, entries: Sequence[Mapping[str, Any]]) -> "Iterator[Standing]":
    from gateway.configuration.register_documents import (
        ReviewedAssistantDocument,
        ReviewedVendorDocument,
    )
    from gateway.configuration.reviews import Standing, State

    document = ReviewedVendorDocument if register == "vendors" else ReviewedAssistantDocument
    for each in entries:
        written = each["entry"]
        entry = None if written is None else document.model_validate_json(json.dumps(written))
        state = State(each["state"])
        yield Standing(register, each["name"], state, each["days_left"], entry, each["where"])
