"""`/admin/v1/teams`: the teams of the configuration in force, and what they used this month."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Annotated

from fastapi import FastAPI, Path
from pydantic import BaseModel, Field

from gateway.admin.access import Asking, Caller
from gateway.admin.desk import Desk
from gateway.admin.forms import TimeTold, Told, time_told
from gateway.admin.guard import ROOT
from gateway.admin.problems import Problem
from gateway.admin.usage import SumsTold, sums_told
from gateway.roles import Permission
from gateway.usage import Asked, Dimension, Used, whole_hours
from policy.document import DataClassLabel, TeamDocument, nano_usd

LimitTold = int | bool | str | dict[str, int | bool | str]


class TeamTold(Told):
    """A team as it is written, and its sums since the month began."""

    name: str
    models: tuple[str, ...]
    data_class: DataClassLabel
    limits: dict[str, LimitTold] = Field(
        description="As in gatehouse.yaml, but money is in nano-USD: nano_usd_per_month."
    )
    month: TimeTold = Field(description="When the month began, in UTC.")
    month_unix_us: int
    used: SumsTold = Field(description="What it used since then.")


class TeamsTold(Told):
    """All teams that the caller may see, by name."""

    teams: tuple[TeamTold, ...]


class TeamsResource:
    """The configuration's teams: they are changed in its files, not here."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def declare(self, app: FastAPI) -> None:
        """Add its paths."""
        add = partial(app.add_api_route, tags=["teams"])
        add(f"{ROOT}/teams", self.list, methods=["GET"], operation_id="list_teams")
        add(f"{ROOT}/teams/{{name}}", self.one, methods=["GET"], operation_id="team")

    async def list(self, caller: Asking) -> TeamsTold:
        """The teams, their models, data classes and limits, and what each used this month."""
        return TeamsTold(teams=await self._told(caller, None))

    async def one(self, caller: Asking, name: Annotated[str, Path(max_length=200)]) -> TeamTold:
        """One of them."""
        (found,) = await self._told(caller, name)
        return found

    async def _told(self, caller: Caller, name: str | None) -> tuple[TeamTold, ...]:
        wanted = caller.team_within(Permission.READ_CONFIGURATION, Permission.READ_OWN_TEAM, name)
        documents = self._desk.in_force.configuration.team_documents
        names = sorted(documents) if wanted is None else [wanted]
        missing = [each for each in names if each not in documents]
        if missing and name is not None:
            raise Problem(404, "unknown_team", f"there is no team {name[:80]!r}")
        month_us, used = await self._used_this_month(wanted)
        return tuple(
            TeamTold(
                name=each,
                models=documents[each].models,
                data_class=documents[each].data_class,
                limits=limits_told(documents[each]),
                month=time_told(month_us),
                month_unix_us=month_us,
                used=sums_told(used.get(each, Used())),
            )
            for each in names
            if each in documents
        )

    async def _used_this_month(self, team: str | None) -> tuple[int, Mapping[str | None, Used]]:
        now = datetime.fromtimestamp(self._desk.unix_us() // 1_000_000, UTC)
        month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        hours = whole_hours(int(month.timestamp()), int(now.timestamp()) + 1)
        async with self._desk.reads.turn():
            await self._desk.level.reach()
            rows = await self._desk.usage.by_name(Asked(*hours, (Dimension.TEAM,), team=team))
        used = {row.group["team"]: row.used for row in rows}
        return int(month.timestamp()) * 1_000_000, used


def limits_told(team: TeamDocument) -> dict[str, LimitTold]:
    """A team's limits that are set, money as integers."""
    return _limits(team.limits)  # type: ignore[return-value]  # only the outer ones hold others


def _limits(written: BaseModel) -> dict[str, object]:
    told: dict[str, object] = {}
    for name, value in written:
        if isinstance(value, BaseModel):
            told[name] = _limits(value)
        elif isinstance(value, Decimal):
            told[name.replace("usd", "nano_usd", 1)] = nano_usd(value)
        elif value is not None:
            told[name] = value
    return told
