"""`/admin/v1/subjects`: block people and services, and grant people roles besides their groups'."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Literal

from fastapi import FastAPI, Query
from pydantic import Field

from gateway.admin.access import Asking
from gateway.admin.desk import Desk
from gateway.admin.forms import Given, Queried, Text, TimeTold, Told, WhoseGiven, maybe_told
from gateway.admin.guard import ROOT
from gateway.admin.paging import Cursor, Limit, NextCursor, cursor_of, position_of
from gateway.admin.problems import Problem
from gateway.roles import Permission, Role
from gateway.store.stored_subject import (
    GrantToOneself,
    RoleNotGranted,
    RolesStayApart,
    StoredSubject,
    SubjectBlocked,
)


class SubjectTold(Told):
    """What was decided about somebody, whatever they prove who they are with."""

    user: str
    kind: Literal["person", "service"]
    granted_roles: tuple[str, ...] = Field(description="Besides those of keys and groups.")
    blocked: TimeTold | None = Field(description="Since when nothing of theirs is taken.")
    blocked_unix_us: int | None


class SubjectsTold(Told):
    """A page of those who are blocked or were granted a role, by name."""

    subjects: tuple[SubjectTold, ...]
    next_cursor: NextCursor


class SubjectsQuery(Queried):
    """Which page."""

    limit: Limit = 100
    cursor: Cursor | None = None


class GrantGiven(Given):
    """A role for a person."""

    user: Text
    role: Annotated[Role, Field(strict=False)]


class SubjectsResource:
    """What `gatehouse user` and `gatehouse role` decide. Every change is a record of the ledger."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def declare(self, app: FastAPI) -> None:
        """Add its paths."""
        add = partial(app.add_api_route, tags=["subjects"])
        post = partial(add, methods=["POST"])
        add(f"{ROOT}/subjects", self.list, methods=["GET"], operation_id="list_subjects")
        post(f"{ROOT}/subjects/block", self.block, operation_id="block_subject")
        post(f"{ROOT}/subjects/unblock", self.unblock, operation_id="unblock_subject")
        post(f"{ROOT}/subjects/grant", self.grant, operation_id="grant_role")
        post(f"{ROOT}/subjects/take-back", self.take_back, operation_id="take_back_role")

    async def list(self, caller: Asking, query: Annotated[SubjectsQuery, Query()]) -> SubjectsTold:
        """Who is blocked, and who was granted which role."""
        caller.must(Permission.READ_CONFIGURATION)
        after = position_of(query.cursor, (str, bool))
        async with self._desk.reads.turn():
            found = await self._desk.subjects.page(query.limit + 1, after)
        shown = found[: query.limit]
        last = shown[-1] if len(found) > len(shown) else None
        return SubjectsTold(
            subjects=tuple(map(_told, shown)),
            next_cursor=None if last is None else cursor_of((last.subject, last.is_service)),
        )

    async def block(self, caller: Asking, given: WhoseGiven) -> SubjectTold:
        """Take no key, session or token of theirs any more, and end what runs under them."""
        return await self._decide(caller, given, self._desk.subjects.block)

    async def unblock(self, caller: Asking, given: WhoseGiven) -> SubjectTold:
        """Take again what holds of theirs; keys that were revoked stay revoked."""
        return await self._decide(caller, given, self._desk.subjects.unblock)

    async def grant(self, caller: Asking, given: GrantGiven) -> SubjectTold:
        """Give a person a role, whatever they sign in with. Their keys keep their own roles."""
        caller.must(Permission.MANAGE_ROLES)
        async with self._changing():
            stored = await self._desk.subjects.grant(
                given.user, given.role, self._desk.unix_us(), caller.actor
            )
        return _told(stored)

    async def take_back(self, caller: Asking, given: GrantGiven) -> SubjectTold:
        """Take a granted role back. What keys and groups give is not touched."""
        caller.must(Permission.MANAGE_ROLES)
        async with self._changing():
            stored = await self._desk.subjects.take_back(
                given.user, given.role, self._desk.unix_us(), caller.actor
            )
        return _told(stored)

    async def _decide(
        self, caller: Asking, given: WhoseGiven, decide: Callable[..., Awaitable[StoredSubject]]
    ) -> SubjectTold:
        caller.must(Permission.MANAGE_KEYS)
        subject, is_service = given.whose()
        async with self._changing():
            stored = await decide(
                subject, self._desk.unix_us(), caller.actor, is_service=is_service
            )
        return _told(stored)

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[None]:
        """What cannot be is a problem; what was changed holds at once."""
        try:
            yield
        except GrantToOneself as error:
            raise Problem(403, "own_roles", str(error)) from error
        except RoleNotGranted as error:
            raise Problem(404, "not_granted", str(error)) from error
        except (RolesStayApart, SubjectBlocked) as error:
            raise Problem(409, "cannot_be_granted", str(error)) from error
        except ValueError as error:
            raise Problem(422, "invalid_request", str(error)) from error
        await self._desk.refresh_keys()


def _told(stored: StoredSubject) -> SubjectTold:
    return SubjectTold(
        user=stored.subject,
        kind="service" if stored.is_service else "person",
        granted_roles=tuple(sorted(stored.roles)),
        blocked=maybe_told(stored.blocked_unix_us),
        blocked_unix_us=stored.blocked_unix_us,
    )
