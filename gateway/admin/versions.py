"""`/admin/v1/policy/versions`: the configurations that were in force; back to one, and its end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any, Final

from fastapi import FastAPI, Path, Query
from pydantic import Field

from gateway.admin.access import Asking, Caller
from gateway.admin.desk import Desk
from gateway.admin.forms import Given, Queried, Reason, TimeTold, Told, time_told
from gateway.admin.guard import ROOT
from gateway.admin.paging import Cursor, Limit, NextCursor, Position, cursor_of, position_of
from gateway.admin.problems import Problem
from gateway.configuration.orders import Order, OrdersUnavailable, VersionNotFound
from gateway.configuration.stored import StoredConfiguration
from gateway.ordering import OrderRefused, carried_out
from gateway.roles import Permission
from gateway.store.versions import KnownVersion

PREVIOUS: Final = "previous"
_DIGEST: Final = f"^([0-9a-f]{{4,64}}|{PREVIOUS})$"


class VersionTold(Told):
    """A version that was in force, and what it changed when it first was."""

    digest: str
    is_in_force: bool
    first: TimeTold
    first_unix_us: int
    last: TimeTold = Field(description="When it came into force last.")
    last_unix_us: int
    file: str | None
    file_count: int
    size_bytes: int
    changes: dict[str, Any]


class VersionsTold(Told):
    """A page of the versions that are kept, the one that came into force last first."""

    versions: tuple[VersionTold, ...]
    next_cursor: NextCursor


class FileTold(Told):
    """A file as it was written, but for keys that stood in it."""

    role: str = Field(description="configuration, vendors, assistants, or policy.N: rules.")
    name: str = Field(description="Its path below the configuration's folder.")
    owner: str | None = Field(description="Whose file it was, by the operating system.")
    text: str


class VersionTextTold(Told):
    """The files of a version; none where there were none, or too much of them to keep."""

    digest: str
    file: str | None = Field(description="Where gatehouse.yaml stood.")
    files: tuple[FileTold, ...]


class OrderTold(Told):
    """An order: a stored version, or (null) the files, by whom and why."""

    number: int
    digest: str | None
    reason: str
    by: str
    by_kind: str
    by_credential_id: str | None
    since: TimeTold
    since_unix_us: int


class CarriedOutTold(Told):
    """What was ordered, and what is in force by it."""

    order: OrderTold
    in_force: str | None = Field(description="A digest.")


class VersionsQuery(Queried):
    """Which page."""

    limit: Limit = 100
    cursor: Cursor | None = None


class RollbackGiven(Given):
    """Which version, and why."""

    digest: Annotated[
        str, Field(pattern=_DIGEST, description="Or its beginning; previous: the one before.")
    ] = PREVIOUS
    reason: Reason


class ResumeGiven(Given):
    """Why the files are to count again."""

    reason: Reason


class VersionsResource:
    """What `gatehouse policy versions`, `show`, `rollback` and `resume` ask and order. A gateway
    that looks for orders carries them out; every order is a record of the ledger."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def declare(self, app: FastAPI) -> None:
        """Add its paths."""
        add = partial(app.add_api_route, tags=["policy"])
        read, post = partial(add, methods=["GET"]), partial(add, methods=["POST"])
        read(f"{ROOT}/policy/versions", self.list, operation_id="list_policy_versions")
        read(f"{ROOT}/policy/versions/{{digest}}", self.one, operation_id="policy_version")
        post(f"{ROOT}/policy/rollback", self.rollback, operation_id="roll_policy_back")
        post(f"{ROOT}/policy/resume", self.resume, operation_id="resume_policy")

    async def list(self, caller: Asking, query: Annotated[VersionsQuery, Query()]) -> VersionsTold:
        """Every version that is kept, with what it changed."""
        caller.must(Permission.READ_CONFIGURATION)
        before = position_of(query.cursor, (int, str))
        async with _kept(), self._desk.reads.turn():
            found = await self._desk.versions.list()
        now = self._desk.in_force.configuration.digest
        wanted = [each for each in found if before is None or _place(each) > _after(before)]
        shown = wanted[: query.limit]
        more = len(wanted) > len(shown)
        return VersionsTold(
            versions=tuple(_version(each, now) for each in shown),
            next_cursor=cursor_of((shown[-1].last_unix_us, shown[-1].digest)) if more else None,
        )

    async def one(
        self,
        caller: Asking,
        digest: Annotated[str, Path(pattern=_DIGEST, examples=["1f3a9c", PREVIOUS])],
    ) -> VersionTextTold:
        """The files of a version, by its digest, a beginning of it, or `previous`."""
        caller.must(Permission.READ_CONFIGURATION)
        async with _kept(), self._desk.reads.turn():
            stored = await self._stored(digest)
        return VersionTextTold(
            digest=stored.digest,
            file=stored.source,
            files=tuple(
                FileTold(role=each.role, name=each.name, owner=each.owner, text=each.text)
                for each in stored.files
            ),
        )

    async def rollback(self, caller: Asking, given: RollbackGiven) -> CarriedOutTold:
        """Put a version that was in force in force again, and keep it, whatever the files say."""
        caller.must(Permission.CHANGE_POLICY)
        async with _kept():
            stored = await self._stored(given.digest)
            return await self._carried_out(caller, stored.digest, given.reason)

    async def resume(self, caller: Asking, given: ResumeGiven) -> CarriedOutTold:
        """End a rollback: the files count again. Bad files leave all as it is (409)."""
        caller.must(Permission.CHANGE_POLICY)
        async with _kept():
            if (await self._desk.versions.standing()).pin is None:
                told = "no version is pinned: the files count already"
                raise Problem(404, "not_pinned", told)
            return await self._carried_out(caller, None, given.reason)

    async def _stored(self, digest: str) -> StoredConfiguration:
        versions = self._desk.versions
        return await (versions.previous() if digest == PREVIOUS else versions.stored(digest))

    async def _carried_out(self, caller: Caller, digest: str | None, reason: str) -> CarriedOutTold:
        try:
            order = await carried_out(self._desk.versions, digest, reason, caller.actor)
        except OrderRefused as error:
            raise Problem(409, "not_carried_out", str(error)) from error
        in_force = await self._desk.versions.in_force()
        return CarriedOutTold(
            order=order_told(order), in_force=None if in_force is None else in_force.digest
        )


def order_told(order: Order) -> OrderTold:
    """An order as answers have it."""
    return OrderTold(
        number=order.number,
        digest=order.digest,
        reason=order.reason,
        by=order.by,
        by_kind=order.actor_kind,
        by_credential_id=order.actor_credential_id,
        since=time_told(order.asked_unix_us),
        since_unix_us=order.asked_unix_us,
    )


def away() -> Problem:
    """The database is."""
    told = "the database does not answer; ask again"
    return Problem(503, "database_unavailable", told, retry_after_seconds=2)


@asynccontextmanager
async def _kept() -> AsyncIterator[None]:
    """What is not kept, and a database that is away, are problems."""
    try:
        yield
    except VersionNotFound as error:
        raise Problem(404, "unknown_version", str(error)) from error
    except OrdersUnavailable as error:
        raise away() from error


def _place(version: KnownVersion) -> Position:
    return -version.last_unix_us, version.digest


def _after(cursor: Position) -> Position:
    last_unix_us, digest = cursor
    assert isinstance(last_unix_us, int)
    return -last_unix_us, digest


def _version(version: KnownVersion, in_force: str) -> VersionTold:
    return VersionTold(
        digest=version.digest,
        is_in_force=version.digest == in_force,
        first=time_told(version.first_unix_us),
        first_unix_us=version.first_unix_us,
        last=time_told(version.last_unix_us),
        last_unix_us=version.last_unix_us,
        file=version.source,
        file_count=version.file_count,
        size_bytes=version.size_bytes,
        changes=version.changes,
    )
