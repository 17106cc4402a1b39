"""What the command line tells of exceptions: as a table, in lines, and as `--json` prints it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from gateway.cli.output import print_table
from gateway.cli.times import format_unix_us

if TYPE_CHECKING:
    from gateway.store.changes import Actor
    from gateway.store.passed import Passed
    from gateway.store.stored_break_glass import StoredBreakGlass
    from policy.rulebook.document import MatchDocument

_COLUMNS = ("ID", "STATE", "LIFTS", "FOR", "UNTIL", "BY", "REASON")
_SCOPE = {"teams": "team", "users": "user", "assistants": "assistant", "models": "model"}
_NANO = 1_000_000_000


def facts_of(glass: "StoredBreakGlass", now_unix_us: int) -> dict[str, object]:
    """What there is to tell of one, as `--json` prints it."""
    lifts, match = glass.lifts, glass.match
    return {
        "id": glass.id,
        "state": str(glass.state(now_unix_us)),
        "reason": glass.reason,
        "lifts": {
            "rules": list(lifts.rules),
            "vendors": list(lifts.vendors),
            "assistants": list(lifts.assistants),
            "extra_usd": str(Decimal(lifts.extra_nano_usd) / _NANO),
        },
        "scope": {field: list(getattr(match, field) or ()) for field in _SCOPE},
        "for_seconds": glass.for_seconds,
        "proposed": format_unix_us(glass.proposed_unix_us),
        "proposed_by": _person(glass.proposed_by),
        "approved_by": _person(glass.approved_by),
        "opened": format_unix_us(glass.opened_unix_us) or None,
        "until": format_unix_us(glass.until_unix_us) or None,
        "closed": format_unix_us(glass.closed_unix_us) or None,
        "closed_by": _person(glass.closed_by),
    }


def for_whom(match: "MatchDocument") -> str:
    """In words: `team web, user ann`, or `everybody`."""
    named = [
        f"{word} {', '.join(values)}"
        for field, word in _SCOPE.items()
        if (values := getattr(match, field))
    ]
    return ", ".join(named) or "everybody"


def sentence(glass: "StoredBreakGlass", now_unix_us: int) -> str:
    """What one is, in a sentence."""
    told = f"break-glass {glass.id} ({glass.state(now_unix_us)}) lifts {glass.lifts.told()}"
    until = format_unix_us(glass.until_unix_us)
    end = f" until {until}" if until else ""
    return f"{told} for {for_whom(glass.match)}{end}: {glass.reason}"


def print_glasses(glasses: "Iterable[StoredBreakGlass]", now_unix_us: int) -> None:
    """A table, one exception a line."""
    print_table(_COLUMNS, (_row(each, now_unix_us) for each in glasses))


def lines_of(
    glass: "StoredBreakGlass", passed: "Sequence[Passed]", now_unix_us: int
) -> Iterator[str]:
    """One exception with what passed because of it, as `show` tells it."""
    yield f"{glass.id}: {glass.state(now_unix_us)}"
    yield f"  lifts: {glass.lifts.told()}"
    yield f"  for: {for_whom(glass.match)}"
    yield f"  reason: {glass.reason}"
    yield f"  proposed: {format_unix_us(glass.proposed_unix_us)} by {_named(glass.proposed_by)}"
    if glass.opened_unix_us is not None:
        by = f", approved by {_named(glass.approved_by)}" if glass.approved_by else ""
        yield f"  opened: {format_unix_us(glass.opened_unix_us)}{by}"
        yield f"  until: {format_unix_us(glass.until_unix_us)}"
    if glass.closed_by is not None:
        yield f"  closed: {format_unix_us(glass.closed_unix_us)} by {_named(glass.closed_by)}"
    yield f"  requests that passed because of it: {sum(each.requests for each in passed):,}"
    for each in passed:
        yield f"    {each.requests:,}: {each.user} of {each.team}, model {each.model}"


def _named(actor: "Actor") -> str:
    return f"{actor.name}, key {actor.credential_id}" if actor.credential_id else str(actor.name)


def _row(glass: "StoredBreakGlass", now_unix_us: int) -> Sequence[object]:
    approved = f", approved by {glass.approved_by.name}" if glass.approved_by else ""
    return (
        glass.id,
        glass.state(now_unix_us),
        glass.lifts.told(),
        for_whom(glass.match),
        format_unix_us(glass.until_unix_us),
        f"{glass.proposed_by.name}{approved}",
        glass.reason,
    )


def _person(actor: "Actor | None") -> Mapping[str, object] | None:
    if actor is None:
        return None
    return {"kind": actor.kind, "name": actor.name, "key_id": actor.credential_id}
