"""`/admin/v1/registers`: what was reviewed, by whom, and for how many days it still holds."""

from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, Query
from pydantic import Field

from gateway.admin.access import Asking
from gateway.admin.desk import Desk
from gateway.admin.forms import Queried, Told
from gateway.admin.guard import ROOT
from gateway.configuration.reviews import Standing, State, standings
from gateway.roles import Permission
from policy.registers import day_of


class ReviewTold(Told):
    """One vendor or assistant, as its register has it today (UTC)."""

    name: str
    state: State = Field(description="Requests are refused for what has lapsed or is missing.")
    days_left: int | None = Field(description="After today; negative once it has lapsed.")
    where: str | None = Field(description="File, line and column of its last day.")
    entry: dict[str, Any] | None = Field(description="As the register has it; null: missing.")


class RegisterTold(Told):
    """A register. Where none is kept, nothing is refused for a review."""

    is_kept: bool
    entries: tuple[ReviewTold, ...]


class RegisterQuery(Queried):
    """Which entries."""

    state: State | None = None


class RegistersResource:
    """The registers of the configuration in force: they are changed in its files, not here."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def declare(self, app: FastAPI) -> None:
        """Add its paths."""
        add = partial(app.add_api_route, tags=["registers"], methods=["GET"])
        add(f"{ROOT}/registers/vendors", self.vendors, operation_id="register_of_vendors")
        add(f"{ROOT}/registers/assistants", self.assistants, operation_id="register_of_assistants")

    async def vendors(
        self, caller: Asking, query: Annotated[RegisterQuery, Query()]
    ) -> RegisterTold:
        """The vendors that were reviewed, and those that should have been."""
        return self._told(caller, "vendors", query.state)

    async def assistants(
        self, caller: Asking, query: Annotated[RegisterQuery, Query()]
    ) -> RegisterTold:
        """The assistants that were reviewed."""
        return self._told(caller, "assistants", query.state)

    def _told(self, caller: Asking, register: str, state: State | None) -> RegisterTold:
        caller.must(Permission.READ_CONFIGURATION)
        configuration = self._desk.in_force.configuration
        found = standings(configuration, day_of(self._desk.unix_us() // 1_000_000))
        wanted = [each for each in found if each.register == register]
        return RegisterTold(
            is_kept=getattr(configuration.registers, register) is not None,
            entries=tuple(_entry(each) for each in wanted if state in (None, each.state)),
        )


def _entry(standing: Standing) -> ReviewTold:
    entry = standing.entry
    return ReviewTold(
        name=standing.name,
        state=standing.state,
        days_left=standing.days_left,
        where=standing.where,
        entry=None if entry is None else entry.model_dump(mode="json"),
    )
