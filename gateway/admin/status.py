"""`/admin/v1/status`: whether this gateway serves, since when, and by what; and who asks."""

from functools import partial
from typing import Final, Literal

from fastapi import FastAPI
from pydantic import Field

from gateway.admin.access import Asking
from gateway.admin.desk import Desk
from gateway.admin.forms import TimeTold, Told, time_told
from gateway.admin.guard import ROOT
from gateway.roles import Permission, permissions_of

_AS_REPORTED: Final = ("ready", "draining", "ledger", "counters", "break_glass")


class ConfigurationTold(Told):
    """The configuration in force."""

    digest: str
    since: TimeTold
    since_unix_us: int
    file: str | None = Field(description="Null: the embedded default.")
    state: str = Field(description="in_force, or why the file there now is not.")


class StatusTold(Told):
    """One process, whichever replica answers."""

    version: str
    ready: bool
    draining: bool
    ledger: Literal["accepting", "refusing"]
    counters: str = Field(description="Where caps are counted now.")
    break_glass: Literal["open", "none"] = Field(description="Whether an exception is open.")
    started: TimeTold
    started_unix_us: int
    configuration: ConfigurationTold


class WhoamiTold(Told):
    """Whose key this is, and what it may do here."""

    subject: str
    kind: Literal["person", "service"]
    team: str
    roles: tuple[str, ...]
    credential_id: str
    permissions: tuple[str, ...]


class StatusResource:
    """Reads memory only."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def declare(self, app: FastAPI) -> None:
        """Add its paths."""
        add = partial(app.add_api_route, tags=["status"])
        add(f"{ROOT}/status", self.status, methods=["GET"], operation_id="status")
        add(f"{ROOT}/whoami", self.whoami, methods=["GET"], operation_id="whoami")

    async def status(self, caller: Asking) -> StatusTold:
        """Whether this gateway serves requests, since when, and by which configuration."""
        caller.must(Permission.READ_METRICS)
        desk, report = self._desk, self._desk.status.report()
        in_force = desk.in_force
        since_us = in_force.since_unix_seconds * 1_000_000
        source = in_force.configuration.source
        return StatusTold.model_validate(
            {
                "version": desk.version,
                **{name: report[name] for name in _AS_REPORTED},
                "started": time_told(desk.started_unix_us),
                "started_unix_us": desk.started_unix_us,
                "configuration": ConfigurationTold(
                    digest=in_force.configuration.digest,
                    since=time_told(since_us),
                    since_unix_us=since_us,
                    file=None if source is None else str(source),
                    state=str(report["configuration"]),
                ),
            }
        )

    async def whoami(self, caller: Asking) -> WhoamiTold:
        """Whose key this is, and what it may do here. Any good key may ask."""
        identity = caller.identity
        return WhoamiTold.model_validate(
            {
                "subject": identity.subject,
                "kind": identity.kind,
                "team": identity.team,
                "roles": tuple(sorted(identity.roles)),
                "credential_id": identity.credential_id,
                "permissions": tuple(sorted(permissions_of(identity.roles))),
            }
        )
