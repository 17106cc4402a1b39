"""`/admin/v1/caps`: the accounts that caps are counted for, and how each stands now."""

from collections.abc import Iterable
from functools import partial
from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import Field

from gateway.admin.access import Asking
from gateway.admin.desk import Desk
from gateway.admin.forms import EPOCH, Queried, Text, TimeTold, Told, time_told
from gateway.admin.guard import ROOT
from gateway.admin.paging import Cursor, Limit, NextCursor, Position, cursor_of, position_of
from gateway.caps.port import AccountState
from gateway.roles import Permission
from policy.caps import Amounts
from policy.document import TeamDocument
from policy.question import team_account
from policy.types import Unit


class CapTold(Told):
    """One account under one cap, in the cap's unit."""

    account: str = Field(examples=["team:web", "user:ada (team web)", "team:web (rule few)"])
    unit: Unit
    window: str = Field(description="Over what time it counts.")
    limit: int
    used: int
    held: int = Field(description="Reserved for answers under way.")
    at_risk: int = Field(description="How much more than is held they can still use.")
    overspent: int = Field(description="The furthest the limit was passed in this window.")
    resets: TimeTold | None = Field(description="Null: it slides, or there is nothing to reset.")
    resets_unix_us: int | None


class CapsTold(Told):
    """A page of accounts, by name. Counted by the replica that answers, where each counts alone."""

    caps: tuple[CapTold, ...]
    next_cursor: NextCursor


class CapsQuery(Queried):
    """Which accounts."""

    team: Annotated[Text | None, Field(description="Of this team, its users and its keys.")] = None
    unit: Unit | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class CapsResource:
    """Reads the counters. Caps are changed in the configuration's files, not here."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def declare(self, app: FastAPI) -> None:
        """Add its paths."""
        add = partial(app.add_api_route, tags=["caps"])
        add(f"{ROOT}/caps", self.list, methods=["GET"], operation_id="list_caps")

    async def list(self, caller: Asking, query: Annotated[CapsQuery, Query()]) -> CapsTold:
        """Every cap of a team, and every other account that is in use, with what is left of it."""
        team = caller.team_within(
            Permission.READ_CONFIGURATION, Permission.READ_OWN_TEAM, query.team
        )
        after = position_of(query.cursor, (str, str, str))
        teams = self._desk.in_force.configuration.team_documents
        states = with_unused(await self._desk.cap_states(), teams.items())
        wanted = [
            each
            for each in states
            if (team is None or is_of(team, each.account))
            and query.unit in (None, each.unit)
            and (after is None or _place(each) > after)
        ]
        shown = wanted[: query.limit]
        return CapsTold(
            caps=tuple(map(_told, shown)),
            next_cursor=cursor_of(_place(shown[-1])) if len(wanted) > len(shown) else None,
        )


def with_unused(
    states: Iterable[AccountState], teams: Iterable[tuple[str, TeamDocument]]
) -> list[AccountState]:
    """The accounts in use, and the caps of teams that nobody has used yet; by name."""
    known = {_place(each): each for each in states}
    for name, team in teams:
        limits = team.limits
        for cap in Amounts.of(limits, limits.time_zone).caps(team_account(name)):
            unused = AccountState(cap.account, cap.unit, cap.window.label, cap.amount)
            known.setdefault(_place(unused), unused)
    return [known[place] for place in sorted(known)]


def is_of(team: str, account: str) -> bool:
    """Whether an account is a team's own, or that of a user or key within it."""
    own = team_account(team)
    return account == own or account.startswith(f"{own} ") or account.endswith(f" (team {team})")


def _place(state: AccountState) -> Position:
    return state.account, state.unit.value, state.window


def _told(state: AccountState) -> CapTold:
    resets = state.resets_at
    resets_us = None if resets is None else int((resets - EPOCH).total_seconds() * 1_000_000)
    return CapTold(
        account=state.account,
        unit=state.unit,
        window=state.window,
        limit=state.limit,
        used=state.used,
        held=state.held,
        at_risk=state.at_risk,
        overspent=state.overspent,
        resets=None if resets_us is None else time_told(resets_us),
        resets_unix_us=resets_us,
    )
