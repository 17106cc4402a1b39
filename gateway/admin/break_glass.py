"""`/admin/v1/break-glass`: exceptions from policy for a time: opened, approved, closed, told."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated

from fastapi import FastAPI, Header, Path, Query
from pydantic import Field

from gateway.acting import Proven
from gateway.admin.access import Asking
from gateway.admin.break_glass_forms import (
    GlassGiven,
    GlassStoryTold,
    GlassTold,
    PassedTold,
    glass_told,
)
from gateway.admin.desk import Desk
from gateway.admin.forms import Queried, Told
from gateway.admin.guard import ROOT
from gateway.admin.paging import Cursor, Limit, NextCursor, cursor_of, position_of
from gateway.admin.problems import Flaw, Problem
from gateway.assistant import ASSISTANTS
from gateway.break_glass import BreakGlassDesk, BreakGlassRefused, Wanted
from gateway.configuration.lift_checks import check_lifts
from gateway.roles import Permission
from gateway.store.break_glasses import BreakGlassNotFound, BreakGlassStands
from gateway.store.stored_break_glass import BreakGlassState, StoredBreakGlass, new_glass_id

GlassId = Annotated[str, Path(pattern="^bg_[a-z0-9]{1,20}$", examples=["bg_abcdefghijkl"])]
RequestName = Annotated[
    str | None,
    Header(
        alias="idempotency-key",
        min_length=1,
        max_length=200,
        description="A name of yours for this request: sent again, it opens no second one.",
    ),
]


class GlassesTold(Told):
    """A page of exceptions, the oldest first."""

    exceptions: tuple[GlassTold, ...]
    next_cursor: NextCursor


class GlassesQuery(Queried):
    """Which exceptions."""

    state: Annotated[BreakGlassState | None, Field(description="As it is now.")] = None
    limit: Limit = 100
    cursor: Cursor | None = None


class BreakGlassResource:
    """What `gatehouse break-glass` does. Every change, and every refusal of one, is a record of the
    ledger."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def declare(self, app: FastAPI) -> None:
        """Add its paths."""
        add = partial(app.add_api_route, tags=["break-glass"])
        read, post = partial(add, methods=["GET"]), partial(add, methods=["POST"])
        at = f"{ROOT}/break-glass"
        read(at, self.list, operation_id="list_exceptions")
        post(at, self.open, operation_id="open_exception", status_code=201)
        read(f"{at}/{{glass_id}}", self.one, operation_id="exception")
        post(f"{at}/{{glass_id}}/approve", self.approve, operation_id="approve_exception")
        post(f"{at}/{{glass_id}}/close", self.close, operation_id="close_exception")

    async def list(self, caller: Asking, query: Annotated[GlassesQuery, Query()]) -> GlassesTold:
        """What is open, what waits for a second person, and what is over."""
        caller.must(Permission.READ_CONFIGURATION)
        after = position_of(query.cursor, (int, str))
        async with self._desk.reads.turn():
            found = await self._desk.glasses.list()
        now = self._desk.unix_us()
        wanted = [
            each
            for each in found
            if query.state in (None, each.state(now)) and (after is None or _place(each) > after)
        ]
        shown = wanted[: query.limit]
        return GlassesTold(
            exceptions=tuple(glass_told(each, now) for each in shown),
            next_cursor=cursor_of(_place(shown[-1])) if len(wanted) > len(shown) else None,
        )

    async def one(self, caller: Asking, glass_id: GlassId) -> GlassStoryTold:
        """One of them, and the requests that passed because of it."""
        caller.must(Permission.READ_CONFIGURATION)
        caller.must(Permission.READ_USAGE)
        async with _done(), self._desk.reads.turn():
            glass = await self._desk.glasses.find(glass_id)
            since, until = glass.opened_unix_us, glass.admits_until_unix_us
            passed = [] if since is None else await self._desk.passed(glass.id, since, until)
        return GlassStoryTold(
            exception=glass_told(glass, self._desk.unix_us()),
            requests=sum(each.requests for each in passed),
            passed=tuple(
                PassedTold(team=each.team, user=each.user, model=each.model, requests=each.requests)
                for each in passed
            ),
        )

    async def open(
        self, caller: Asking, given: GlassGiven, idempotency_key: RequestName = None
    ) -> GlassTold:
        """Open an exception, or propose it where it takes two people."""
        wanted = given.wanted()
        if caller.may(Permission.OPEN_BREAK_GLASS):  # to others it is not said what there is
            self._check(wanted)
        seed = os.urandom(32)
        if idempotency_key is not None:
            whose = caller.identity.counted_key
            seed = self._desk.digest_of(f"break-glass:{whose}:{idempotency_key}")
            known = await self._known(new_glass_id(lambda size: seed[:size]), wanted)
            if known is not None:
                return self._told(known)
        async with _done():
            glass = await self._at(seed).open(wanted, Proven(caller.identity))
        return await self._changed(glass)

    async def approve(self, caller: Asking, glass_id: GlassId) -> GlassTold:
        """Open what somebody else has proposed."""
        async with _done():
            glass = await self._at().approve(glass_id, Proven(caller.identity))
        return await self._changed(glass)

    async def close(self, caller: Asking, glass_id: GlassId) -> GlassTold:
        """End an exception before its time, or withdraw a proposal."""
        async with _done():
            glass = await self._at().close(glass_id, Proven(caller.identity))
        return await self._changed(glass)

    def _at(self, seed: bytes = b"") -> BreakGlassDesk:
        terms = self._desk.in_force.configuration.break_glass
        return BreakGlassDesk(
            self._desk.glasses, terms, self._desk.unix_us, lambda size: seed[:size]
        )

    def _check(self, wanted: Wanted) -> None:
        configuration = self._desk.in_force.configuration
        problems = list(check_lifts(wanted.lifts, wanted.match, configuration, ASSISTANTS))
        if problems:
            flaws = [Flaw(where="body", message=each) for each in problems]
            raise Problem(422, "unknown_name", "; ".join(problems[:3]), flaws)

    async def _known(self, glass_id: str, wanted: Wanted) -> StoredBreakGlass | None:
        """What was opened by the same request before."""
        try:
            known = await self._desk.glasses.find(glass_id)
        except BreakGlassNotFound:
            return None
        asked = Wanted(known.reason, known.lifts, known.match, known.for_seconds)
        if asked != wanted:
            told = f"this Idempotency-Key was sent for another exception, {known.id}"
            raise Problem(409, "other_request", told)
        return known

    async def _changed(self, glass: StoredBreakGlass) -> GlassTold:
        await self._desk.refresh_exceptions()
        return self._told(glass)

    def _told(self, glass: StoredBreakGlass) -> GlassTold:
        return glass_told(glass, self._desk.unix_us())


@asynccontextmanager
async def _done() -> AsyncIterator[None]:
    """What cannot be done is a problem."""
    try:
        yield
    except BreakGlassNotFound as error:
        raise Problem(404, "unknown_exception", str(error)) from error
    except BreakGlassRefused as error:
        raise Problem(403, "break_glass_refused", str(error)) from error
    except BreakGlassStands as error:
        raise Problem(409, "exception_stands", str(error)) from error


def _place(glass: StoredBreakGlass) -> tuple[int, str]:
    return glass.proposed_unix_us, glass.id
