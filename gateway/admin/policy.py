"""`/admin/v1/policy`: the version in force, with its rules and by whose order."""

from functools import partial
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import Field

from gateway.admin.access import Asking
from gateway.admin.desk import Desk
from gateway.admin.forms import TimeTold, Told, time_told
from gateway.admin.guard import ROOT
from gateway.admin.versions import OrderTold, away, order_told
from gateway.configuration.orders import OrdersUnavailable
from gateway.configuration.stored import Origin
from gateway.roles import Permission
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


class PolicyTold(Told):
    """The version in force here."""

    digest: str
    since: TimeTold
    since_unix_us: int
    origin: Origin
    file: str | None = Field(description="Null: the embedded default.")
    files: tuple[str, ...] = Field(description="All that it was read from.")
    pin: OrderTold | None = Field(
        description="The order by which a stored version is in force, whatever the files say."
    )
    rules: tuple[RuleTold, ...]


class PolicyResource:
    """What holds now. Rules are changed in the configuration's files, not here."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def declare(self, app: FastAPI) -> None:
        """Add its paths."""
        add = partial(app.add_api_route, tags=["policy"], methods=["GET"])
        add(f"{ROOT}/policy", self.policy, operation_id="policy")

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
            pin=None if pin is None else order_told(pin),
            rules=tuple(map(_rule, configuration.policy.rules)),
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
