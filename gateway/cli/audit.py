"""`gatehouse audit`: what happened, as the ledger has it, also while the gateway writes."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.lines import HEADING, line_of
from gateway.cli.options import AsJson, Data, Server
from gateway.cli.output import note, print_all, print_json, print_line
from gateway.cli.state import state_at
from gateway.cli.times import parse_moment, unix_us

if TYPE_CHECKING:
    from gateway.store.ledger import LedgerRow

TAIL_RECORDS = 50
SEARCH_RECORDS = 100
MOST_RECORDS = 1_000_000

audit = typer.Typer(
    help="Read the ledger: what was asked, decided, tried and answered.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Kind(StrEnum):
    """The kinds of record there are."""

    ADMITTED = "admitted"
    ATTEMPTED = "attempted"
    DENIED = "denied"
    REPEATED = "repeated"
    COMPLETED = "completed"
    UNKNOWN = "unknown"
    LATE = "late"
    KEY_CREATED = "key_created"
    KEY_ROTATED = "key_rotated"
    KEY_REVOKED = "key_revoked"
    KEY_LAPSED = "key_lapsed"
    USER_BLOCKED = "user_blocked"
    USER_UNBLOCKED = "user_unblocked"
    ROLE_GRANTED = "role_granted"
    ROLE_REVOKED = "role_revoked"
    SESSION_STARTED = "session_started"
    SESSION_REFUSED = "session_refused"
    SESSION_ENDED = "session_ended"
    CONFIG_CHANGED = "config_changed"
    CONFIG_REFUSED = "config_refused"
    CONFIG_PINNED = "config_pinned"
    CONFIG_RESUMED = "config_resumed"
    CONFIG_PROPOSED = "config_proposed"
    CONFIG_APPROVED = "config_approved"
    CONFIG_DISMISSED = "config_dismissed"
    CONFIG_APPROVAL_REFUSED = "config_approval_refused"
    BREAK_GLASS_PROPOSED = "break_glass_proposed"
    BREAK_GLASS_APPROVED = "break_glass_approved"
    BREAK_GLASS_OPENED = "break_glass_opened"
    BREAK_GLASS_CLOSED = "break_glass_closed"
    BREAK_GLASS_ENDED = "break_glass_ended"
    BREAK_GLASS_REFUSED = "break_glass_refused"


@audit.command()
def tail(
    count: Annotated[
        int, typer.Option("-n", "--lines", min=0, max=MOST_RECORDS, help="How many records.")
    ] = TAIL_RECORDS,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Print the newest records, oldest first."""
    is_headed = as_json

    def told(rows: "Iterable[LedgerRow]") -> None:
        nonlocal is_headed
        if not is_headed:  # once there is something to read: an error has no heading
            note(HEADING)
            is_headed = True
        _print(rows, as_json)

    state_at(server, data).ledger.tail(count, told, is_followed=follow)


@audit.command()
def show(
    audit_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="An audit id, a key's, a break-glass's, or its beginning."
        ),
    ],
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Tell one exchange, or what became of a key or a break-glass, from beginning to end."""
    from gateway.cli.story import StoryRecord, tell

    rows = state_at(server, data).ledger.story(audit_id)
    if as_json:
        print_json(row.body for row in rows)
    else:
        print_all(tell([StoryRecord(row.told, row.record_hash) for row in rows]))


@audit.command()
def search(
    team: Annotated[str | None, typer.Option(help="Of this team.")] = None,
    user: Annotated[str | None, typer.Option(help="Of this user.")] = None,
    model: Annotated[str | None, typer.Option(help="For this model, as clients name it.")] = None,
    kind: Annotated[str | None, typer.Option(help=f"Of this kind: {', '.join(Kind)}.")] = None,
    outcome: Annotated[
        str | None,
        typer.Option(help="With this outcome (complete, failed, cut, ...) or denied by this rule."),
    ] = None,
    turn: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Every try of this turn (or a beginning of it)."),
    ] = None,
    exception: Annotated[
        str | None,
        typer.Option(metavar="ID", help="What passed because of this break-glass."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="From then on: 2h (ago), 2026-11-21.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Before then.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=MOST_RECORDS, help="The newest so many at most.")
    ] = SEARCH_RECORDS,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Find records, oldest first."""
    from gateway.store.ledger import Search

    now = datetime.now(UTC)
    wanted = Search(
        team=team,
        subject=user,
        model=model,
        kind=None if kind is None else _kind(kind),
        outcome=outcome,
        turn_id=turn,
        exception=exception,
        since_unix_us=None if since is None else unix_us(parse_moment(since, now)),
        until_unix_us=None if until is None else unix_us(parse_moment(until, now)),
    )
    rows = state_at(server, data).ledger.newest(limit, wanted)
    if not as_json:
        note(HEADING)
    _print(rows, as_json)
    if len(rows) == limit:
        note(f"There may be more: these are the newest {limit}; see --limit.")


def _kind(written: str) -> Kind:
    try:
        return Kind(written)
    except ValueError:
        told = f"there is no kind {written!r}; there are: {', '.join(Kind)}"
        raise CommandFailed(told, Exit.USAGE) from None


def _print(rows: "Iterable[LedgerRow]", as_json: bool) -> None:
    if as_json:
        print_json(row.body for row in rows)
        return
    for row in rows:
        print_line(line_of(row.told))
