"""Exceptions from policy as the admin API is asked for them, and as it tells of them."""

from typing import Annotated, Literal

from pydantic import Field, ValidationError

from gateway.admin.forms import Given, Reason, Text, TimeTold, Told, maybe_told, time_told
from gateway.admin.problems import Flaw, Problem
from gateway.break_glass import Wanted
from gateway.store.changes import Actor
from gateway.store.stored_break_glass import BreakGlassState, StoredBreakGlass
from policy.break_glass import Lifts
from policy.rulebook.document import MatchDocument

Names = Annotated[tuple[Text, ...], Field(max_length=100, strict=False)]
_MOST_NANO_USD = 10**18
_MOST_SECONDS = 366 * 86_400


class LiftsGiven(Given):
    """What does not hold while it is open: at least one of these."""

    rules: Names = Field(default=(), description="Written rules, by their ids.")
    vendors: Names = Field(default=(), description="That the review of these has lapsed.")
    assistants: Names = Field(default=(), description="That the review of these has lapsed.")
    extra_nano_usd: Annotated[int, Field(ge=0, le=_MOST_NANO_USD)] = 0


class ScopeGiven(Given):
    """For whom; what is left out means all."""

    teams: Names = ()
    users: Names = ()
    assistants: Names = Field(default=(), description="codex, or with versions: codex < 2.1")
    models: Names = Field(default=(), description="Or patterns of their names.")


class GlassGiven(Given):
    """An exception that somebody wants open."""

    reason: Reason
    for_seconds: Annotated[int, Field(ge=1, le=_MOST_SECONDS)]
    lifts: LiftsGiven
    scope: ScopeGiven = ScopeGiven()

    def wanted(self) -> Wanted:
        """The same for the desk. Raises a problem (422)."""
        given = self.lifts
        lifts = Lifts(
            _once(given.rules), _once(given.vendors), _once(given.assistants), given.extra_nano_usd
        )
        if not lifts:
            raise invalid("body.lifts", "lifts nothing: name rules, vendors, assistants or money")
        scope = {name: _once(each) for name, each in self.scope if each}
        try:
            match = MatchDocument.model_validate(scope)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, ("body.scope", *found["loc"][:1])))
            raise invalid(where, str(found["msg"]).removeprefix("Value error, ")) from error
        return Wanted(self.reason, lifts, match, self.for_seconds)


class LiftsTold(Told):
    """What does not hold while it is open."""

    rules: tuple[str, ...]
    vendors: tuple[str, ...]
    assistants: tuple[str, ...]
    extra_nano_usd: int


class ScopeTold(Told):
    """For whom; empty means all."""

    teams: tuple[str, ...]
    users: tuple[str, ...]
    assistants: tuple[str, ...]
    models: tuple[str, ...]


class ActorTold(Told):
    """Who did something, as the ledger names them."""

    kind: str
    name: str | None
    credential_id: str | None


class GlassTold(Told):
    """An exception as it stands now."""

    id: str
    state: Literal["proposed", "lapsed", "open", "closed", "ended"]
    reason: str
    lifts: LiftsTold
    scope: ScopeTold
    for_seconds: int
    proposed: TimeTold
    proposed_unix_us: int
    proposed_by: ActorTold
    approved_by: ActorTold | None
    opened: TimeTold | None
    opened_unix_us: int | None
    until: TimeTold | None
    until_unix_us: int | None
    closed: TimeTold | None
    closed_unix_us: int | None
    closed_by: ActorTold | None


class PassedTold(Told):
    """How many requests of somebody for a model passed because of it."""

    team: str
    user: str
    model: str
    requests: int


class GlassStoryTold(Told):
    """An exception, and what passed because of it."""

    exception: GlassTold
    requests: int
    passed: tuple[PassedTold, ...]


def invalid(where: str, told: str) -> Problem:
    """A request that is not as it should be."""
    return Problem(422, "invalid_request", f"{where}: {told}", [Flaw(where=where, message=told)])


def glass_told(glass: StoredBreakGlass, now_unix_us: int) -> GlassTold:
    """An exception as answers have it."""
    lifts, match = glass.lifts, glass.match
    state: BreakGlassState = glass.state(now_unix_us)
    by = _actor(glass.proposed_by)
    assert by is not None
    return GlassTold(
        id=glass.id,
        state=state.value,
        reason=glass.reason,
        lifts=LiftsTold(
            rules=lifts.rules,
            vendors=lifts.vendors,
            assistants=lifts.assistants,
            extra_nano_usd=lifts.extra_nano_usd,
        ),
        scope=ScopeTold(
            teams=match.teams or (),
            users=match.users or (),
            assistants=match.assistants or (),
            models=match.models or (),
        ),
        for_seconds=glass.for_seconds,
        proposed=time_told(glass.proposed_unix_us),
        proposed_unix_us=glass.proposed_unix_us,
        proposed_by=by,
        approved_by=_actor(glass.approved_by),
        opened=maybe_told(glass.opened_unix_us),
        opened_unix_us=glass.opened_unix_us,
        until=maybe_told(glass.until_unix_us),
        until_unix_us=glass.until_unix_us,
        closed=maybe_told(glass.closed_unix_us),
        closed_unix_us=glass.closed_unix_us,
        closed_by=_actor(glass.closed_by),
    )


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _actor(actor: Actor | None) -> ActorTold | None:
    if actor is None:
        return None
    return ActorTold(kind=actor.kind, name=actor.name, credential_id=actor.credential_id)
