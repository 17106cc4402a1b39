"""`/admin/v1/policy`: the version in force with its rules, and the versions there have been."""

from functools import partial
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import Field

from gateway.admin.access import Asking
from gateway.admin.desk import Desk
from gateway.admin.forms import TimeTold, Told, time_told
from gateway.admin.guard import ROOT
from gateway.admin.problems import Problem
from gateway.configuration.orders import Order, OrdersUnavailable
from gateway.configuration.stored import Origin
from gateway.roles import Permission
from gateway.store.versions import KnownVersion
from policy.rulebook.rule import CompiledRule


class RuleTold(Told):
    """A rule that people wrote. Days are as written, in the rule's time zone."""

    id: str
    effect: Literal["deny", "allow", "warn", "require_in_house", "cap"]
    mode: Literal["enforce", "shadow"]
    place: str = Field(description="File and line.")
    reason: str | None
    alternative: str | None
    owner: str | None
    warn_from: str | None
    begins: str | None = Field(description="The first day on which it holds: its `from`.")
    until: str | None = Field(description="The first day on which it no longer holds.")
    match: dict[str, Any] = Field(description="Which requests it speaks of, as written.")


class PinTold(Told):
    """An order by which a stored version is in force, whatever the files say."""

    digest: str | None
    reason: str
    by: str
    since: TimeTold
    since_unix_us: int


class PolicyTold(Told):
    """The version in force here."""

    digest: str
    since: TimeTold
    since_unix_us: int
    origin: Origin
    file: str | None = Field(description="Null: the embedded default.")
    files: tuple[str, ...] = Field(description="All that it was read from.")
    pin: PinTold | None
    rules: tuple[RuleTold, ...]


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
    """The versions that are kept, the one that came into force last first."""

    versions: tuple[VersionTold, ...]


class PolicyResource:
    """Versions are changed in files, and rolled back by `gatehouse policy rollback`, not here.

    Where that takes two people, `ProposalsResource` has what waits for them.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def declare(self, app: FastAPI) -> None:
        """Add its paths."""
        add = partial(app.add_api_route, tags=["policy"], methods=["GET"])
        add(f"{ROOT}/policy", self.policy, operation_id="policy")
        add(f"{ROOT}/policy/versions", self.versions, operation_id="list_policy_versions")

    async def policy(self, caller: Asking) -> PolicyTold:
        """The version in force: since when, from which files, by whose order, with which rules."""
        caller.must(Permission.READ_CONFIGURATION)
        try:
            pin = (await self._desk.versions.standing()).pin
        except OrdersUnavailable as error:
            raise away() from error
        in_force = self._desk.in_force
        configuration, since_us = in_force.configuration, in_force.since_unix_seconds * 1_000_000
        return PolicyTold(
            digest=configuration.digest,
            since=time_told(since_us),
            since_unix_us=since_us,
            origin=configuration.origin,
            file=None if configuration.source is None else str(configuration.source),
            files=tuple(sorted(str(each) for each in configuration.watched)),
            pin=None if pin is None else _pin(pin),
            rules=tuple(map(_rule, configuration.policy.rules)),
        )

    async def versions(self, caller: Asking) -> VersionsTold:
        """Every version that is kept, with what it changed."""
        caller.must(Permission.READ_CONFIGURATION)
        try:
            async with self._desk.reads.turn():
                found = await self._desk.versions.list()
        except OrdersUnavailable as error:
            raise away() from error
        now = self._desk.in_force.configuration.digest
        return VersionsTold(versions=tuple(_version(each, now) for each in found))


def away() -> Problem:
    """The database does not answer."""
    told = "the database does not answer; ask again"
    return Problem(503, "database_unavailable", told, retry_after_seconds=2)


def _pin(order: Order) -> PinTold:
    return PinTold(
        digest=order.digest,
        reason=order.reason,
        by=order.by,
        since=time_told(order.asked_unix_us),
        since_unix_us=order.asked_unix_us,
    )


def _rule(rule: CompiledRule) -> RuleTold:
    written = rule.written.document
    days = (written.warn_from, written.from_, written.until)
    warn_from, begins, until = (None if each is None else each.isoformat() for each in days)
    return RuleTold(
        id=written.id,
        effect=written.effect,
        mode=written.mode,
        place=rule.written.place,
        reason=written.reason,
        alternative=written.alternative,
        owner=written.owner,
        warn_from=warn_from,
        begins=begins,
        until=until,
        match=written.match.model_dump(mode="json", exclude_unset=True, by_alias=True),
    )


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
