"""`/admin/v1/usage`: what was used, by day, team, user, model, assistant, vendor or target."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated, Final, Literal

from fastapi import FastAPI, Query
from pydantic import Field

from gateway.admin.access import Asking
from gateway.admin.desk import Desk
from gateway.admin.forms import (
    EPOCH,
    Moment,
    Queried,
    Text,
    TimeTold,
    Told,
    parse_moment,
    time_told,
)
from gateway.admin.guard import ROOT
from gateway.admin.paging import Cursor, Limit, NextCursor, cursor_of, position_of
from gateway.admin.problems import Flaw, Problem
from gateway.roles import Permission
from gateway.usage import Asked, Dimension, UsageRow, Used, whole_hours

DEFAULT_DAYS: Final = 30
MOST_DAYS: Final = 800


class SumsTold(Told):
    """Sums of exchanges. `denied` and `failed` are among the `requests`."""

    requests: int = Field(description="All that were decided on.")
    denied: int
    failed: int = Field(description="Ended without a whole answer, though the client stayed.")
    unpriced: int = Field(description="Served; their cost is not known, or not wholly.")
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    total_tokens: int
    cost_nano_usd: int


class GroupTold(Told):
    """One group. Of what the sums are not grouped by there is no member."""

    day: str | None = Field(default=None, description="In UTC.")
    team: str | None = None
    user: str | None = None
    kind: Literal["person", "service"] | None = Field(default=None, description="Of the user.")
    model: str | None = None
    assistant: str | None = None
    vendor: str | None = Field(default=None, description="Null: nobody answered.")
    target: str | None = None
    used: SumsTold


class UsageTold(Told):
    """A page of groups. `total` is of all groups, on every page."""

    since: TimeTold
    since_unix_us: int
    until: TimeTold
    until_unix_us: int
    by: tuple[Dimension, ...]
    total: SumsTold
    groups: tuple[GroupTold, ...]
    next_cursor: NextCursor


class UsageQuery(Queried):
    """Which sums."""

    by: Annotated[
        str,
        Field(
            max_length=100,
            description="day, team, user, model, assistant, vendor, target; or several, by commas.",
            examples=["team", "day,team"],
        ),
    ] = "team"
    since: Annotated[
        Moment | None, Field(description="Widened to whole hours. Default: 30 days before until.")
    ] = None
    until: Annotated[Moment | None, Field(description="Widened to whole hours. Default: now.")] = (
        None
    )
    team: Text | None = None
    user: Text | None = None
    model: Text | None = None
    assistant: Text | None = None
    vendor: Text | None = None
    sort: Annotated[
        Literal["spend", "name"],
        Field(description="spend: the dearest, one page of them. name: all of them, by pages."),
    ] = "spend"
    limit: Limit = 100
    cursor: Cursor | None = None


class UsageResource:
    """Sums of the ledger. A team lead sees those of the own team."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def declare(self, app: FastAPI) -> None:
        """Add its paths."""
        add = partial(app.add_api_route, tags=["usage"])
        add(
            f"{ROOT}/usage",
            self.usage,
            methods=["GET"],
            operation_id="usage",
            response_model_exclude_unset=True,
        )

    async def usage(self, caller: Asking, query: Annotated[UsageQuery, Query()]) -> UsageTold:
        """Requests, tokens and spend of a time, by whatever is asked for.

        Exchanges count in the hour (UTC) of their end.
        """
        team = caller.team_within(Permission.READ_USAGE, Permission.READ_OWN_TEAM, query.team)
        asked = self._asked(query, team)
        after = position_of(query.cursor, _place_types(asked.by))
        if after is not None and query.sort != "name":
            told = "a cursor goes with sort=name"
            raise Problem(422, "invalid_request", told, [Flaw(where="query.cursor", message=told)])
        async with self._desk.reads.turn():
            await self._desk.level.reach()
            total = await self._desk.usage.total(asked)
            if query.sort == "name":
                rows = await self._desk.usage.by_name(asked, query.limit + 1, after)
            else:
                rows = await self._desk.usage.largest(asked, query.limit)
        return _told(asked, total, rows, query)

    def _asked(self, query: UsageQuery, team: str | None) -> Asked:
        now = EPOCH + timedelta(microseconds=self._desk.unix_us())
        until = now if query.until is None else parse_moment(query.until)
        days = timedelta(days=DEFAULT_DAYS)
        since = max(EPOCH, until - days) if query.since is None else parse_moment(query.since)
        if not EPOCH <= since < until or until - since > timedelta(days=MOST_DAYS):
            told = f"is not before until, or more than {MOST_DAYS} days before"
            flaw = Flaw(where="query.since", message=told)
            raise Problem(422, "invalid_request", f"query.since: {told}", [flaw])
        hours = whole_hours(int(since.timestamp()), -int(-until.timestamp() // 1))
        by = dimensions_of(query.by)
        return Asked(*hours, by, team, query.user, query.model, query.assistant, query.vendor)


def dimensions_of(text: str) -> tuple[Dimension, ...]:
    """What sums are grouped by, in their own order. Raises a problem (422)."""
    named = [each.strip() for each in text.split(",")]
    known = {each.value for each in Dimension}
    wrong = [each for each in named if each not in known]
    if wrong:
        told = f"sums are grouped by {', '.join(Dimension)}, not by {wrong[0][:40]!r}"
        flaw = Flaw(where="query.by", message=told)
        raise Problem(422, "invalid_request", f"query.by: {told}", [flaw])
    return tuple(each for each in Dimension if each.value in named)


def sums_told(used: Used) -> SumsTold:
    """Sums as answers have them."""
    return SumsTold.model_validate(UsageRow({}, used).facts())


def _place_types(by: Sequence[Dimension]) -> tuple[type, ...]:
    types: list[type] = []
    for dimension in by:
        types += [int] if dimension is Dimension.DAY else [str]
        types += [bool] if dimension is Dimension.USER else []
    return tuple(types)


def _told(asked: Asked, total: Used, rows: Sequence[UsageRow], query: UsageQuery) -> UsageTold:
    since_us, until_us = asked.since_unix_seconds * 10**6, asked.until_unix_seconds * 10**6
    shown = rows[: query.limit]
    groups = [GroupTold.model_validate({**row.group, "used": sums_told(row.used)}) for row in shown]
    return UsageTold(
        since=time_told(since_us),
        since_unix_us=since_us,
        until=time_told(until_us),
        until_unix_us=until_us,
        by=asked.by,
        total=sums_told(total),
        groups=tuple(groups),
        next_cursor=cursor_of(shown[-1].place) if len(rows) > len(shown) else None,
    )
