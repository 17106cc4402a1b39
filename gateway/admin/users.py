"""`/admin/v1/users`: the people and services that have keys, or have asked."""

from functools import partial
from typing import Annotated, Literal, cast

from fastapi import FastAPI, Query
from pydantic import Field

from gateway.admin.access import Asking
from gateway.admin.desk import Desk
from gateway.admin.forms import Queried, Text, TimeTold, Told, maybe_told
from gateway.admin.guard import ROOT
from gateway.admin.paging import Cursor, Limit, NextCursor, cursor_of, position_of
from gateway.roles import Permission
from gateway.store.people import Name, Person


class UserTold(Told):
    """A user, or a service. What they used: `/usage?user=`; their keys: `/keys?user=`."""

    user: str
    kind: Literal["person", "service"]
    teams: tuple[str, ...] = Field(description="Of their keys, and in which they have asked.")
    keys: int = Field(description="All that there have been.")
    active_keys: int
    last_seen: TimeTold | None = Field(
        description="When the hour began in which they last asked; null: never."
    )
    last_seen_unix_us: int | None


class UsersTold(Told):
    """A page of users, by name."""

    users: tuple[UserTold, ...]
    next_cursor: NextCursor


class UsersQuery(Queried):
    """Which users."""

    team: Text | None = None
    user: Text | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class UsersResource:
    """Read from the keys and the ledger's sums; nobody is made here but by a key."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def declare(self, app: FastAPI) -> None:
        """Add its paths."""
        add = partial(app.add_api_route, tags=["users"])
        add(f"{ROOT}/users", self.list, methods=["GET"], operation_id="list_users")

    async def list(self, caller: Asking, query: Annotated[UsersQuery, Query()]) -> UsersTold:
        """Who has keys or has asked, in which teams, and when last. A lead sees the own team."""
        team = caller.team_within(
            Permission.READ_CONFIGURATION, Permission.READ_OWN_TEAM, query.team
        )
        after = position_of(query.cursor, (str, bool))
        async with self._desk.reads.turn():
            await self._desk.level.reach()
            found = await self._desk.people.page(
                self._desk.unix_us(),
                query.limit + 1,
                team=team,
                subject=query.user,
                after=None if after is None else cast(Name, after),
            )
        shown = found[: query.limit]
        last = shown[-1] if len(found) > len(shown) else None
        return UsersTold(
            users=tuple(map(_told, shown)),
            next_cursor=None if last is None else cursor_of((last.subject, last.is_service)),
        )


def _told(person: Person) -> UserTold:
    last = person.last_hour_unix_seconds
    last_us = None if last is None else last * 1_000_000
    return UserTold(
        user=person.subject,
        kind="service" if person.is_service else "person",
        teams=person.teams,
        keys=person.keys,
        active_keys=person.active_keys,
        last_seen=maybe_told(last_us),
        last_seen_unix_us=last_us,
    )
