"""`gatehouse policy propose`, `proposals`, `approve`, `refuse`: changes that take two people."""

import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gateway.cli.by_whom import OwnKey, by_whom, now_unix_us
from gateway.cli.candidate import configured
from gateway.cli.data import opened_database
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.glass_wishes import reason_of
from gateway.cli.options import AsJson, Config, Data, data_folder
from gateway.cli.output import note, print_json, print_line, print_table
from gateway.cli.proposal_facts import TABLE, changes_of, facts_of, row_of
from gateway.cli.stored_versions import in_versions, made_again
from gateway.cli.waiting import clearly, in_proposals
from gateway.settings import read_running

if TYPE_CHECKING:
    from gateway.acting import Acting
    from gateway.configuration.stored import StoredConfiguration
    from gateway.policy_changes import PolicyChangesDesk
    from gateway.store.proposals import Proposals
    from gateway.store.stored_proposal import Proposal
    from gateway.store.versions import Versions

T = TypeVar("T")

PATIENCE_SECONDS = 15.0
_POLL_SECONDS = 0.2

Reason = Annotated[str, typer.Option(help="Why; it is put on record.")]
ProposalId = Annotated[
    str, typer.Argument(metavar="ID", help="As `gatehouse policy proposals` has it.")
]


def propose(
    reason: Reason,
    proposal_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="What waits already. Default: the files.")
    ] = None,
    key: OwnKey = None,
    config: Config = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Stand behind a change with your key, so that one more person has to approve it."""
    folder, why = data_folder(data), reason_of(reason)
    if proposal_id is not None:
        name = proposal_id
        proposal = _asked(folder, key, lambda desk, by: desk.stand_behind(name, by, why))
    else:
        wanted = configured(config, folder).stored
        if wanted is None or not wanted.files:
            raise CommandFailed("these files are too large to be kept and looked at", Exit.USAGE)
        proposal = _asked(folder, key, lambda desk, by: desk.propose(wanted, by, why))
    _tell(folder, proposal, as_json)


def proposals(data: Data = None, as_json: AsJson = False) -> None:
    """List the changes of policy that wait for people to approve them."""
    folder, now = data_folder(data), now_unix_us()

    async def read(kept: "Proposals") -> "list[Proposal]":
        return list(await kept.waiting())

    waiting = in_proposals(folder, read)
    base = _in_force(folder)
    if as_json:
        print_json(facts_of(each, base, now) for each in waiting)
    else:
        print_table(TABLE, [row_of(each, base) for each in waiting])


def approve(
    proposal_id: ProposalId,
    reason: Reason,
    key: OwnKey = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Approve a change with your key. It comes into force once enough people have."""
    from gateway.configuration.problems import ConfigurationError

    folder, why = data_folder(data), reason_of(reason)

    async def find(kept: "Proposals") -> "Proposal":
        return await kept.find(proposal_id)

    waiting = in_proposals(folder, find)
    try:
        made_again(waiting.stored)  # what was kept is what its digest says, and right
    except ConfigurationError as error:
        raise CommandFailed(str(error), Exit.CONFIGURATION) from error
    base = _in_force(folder)
    proposal = _asked(folder, key, lambda desk, by: desk.approve(waiting.id, by, why))
    _tell(folder, proposal, as_json, base)
    if proposal.is_approved:
        note(_what_came_of_it(folder, proposal))


def refuse(
    proposal_id: ProposalId,
    reason: Reason,
    key: OwnKey = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Refuse a change that waits, or withdraw your own. All stays as it is."""
    folder, why = data_folder(data), reason_of(reason)
    proposal = _asked(folder, key, lambda desk, by: desk.refuse(proposal_id, by, why))
    if as_json:
        print_json([facts_of(proposal, _in_force(folder), now_unix_us())])
        return
    print_line(f"refused: {proposal.id}, version {proposal.digest[:12]}")
    if proposal.is_of_files:
        note("The files still say so, and are not taken; `gatehouse policy propose` asks again.")


def _tell(
    folder: Path,
    proposal: "Proposal",
    as_json: bool,
    base: "StoredConfiguration | None" = None,
) -> None:
    base = base or _in_force(folder)
    if as_json:
        print_json([facts_of(proposal, base, now_unix_us())])
        return
    print_line(f"{proposal.id}: version {proposal.digest[:12]}")
    for line in changes_of(proposal, base):
        note(line)
    if proposal.missing:
        note(f"{proposal.missing} more to approve it: gatehouse policy approve {proposal.id}")


def _what_came_of_it(folder: Path, proposal: "Proposal") -> str:
    """Whether a running gateway has put it in force; waits for that a while."""
    from gateway.store.stored_proposal import ProposalState

    running = read_running(folder)
    is_running = running is not None and running.is_alive
    deadline = time.monotonic() + (PATIENCE_SECONDS if proposal.is_of_files and is_running else 0)

    async def find(kept: "Proposals") -> "Proposal":
        return await kept.find(proposal.id)

    while (now := in_proposals(folder, find)).state(now_unix_us()) is ProposalState.WAITING:
        if time.monotonic() >= deadline:
            return "it is approved, and comes into force when the files say so, or by a rollback"
        time.sleep(_POLL_SECONDS)
    if now.ended_as is ProposalState.TAKEN:
        return "it is in force"
    why = "" if now.end_reason is None else f": {now.end_reason}"
    return f"it did not come into force, for it is {now.ended_as} now{why}"


def _in_force(folder: Path) -> "StoredConfiguration":
    async def read(kept: "Versions") -> "StoredConfiguration | None":
        return await kept.in_force()

    found = in_versions(folder, read)
    if found is None:
        raise CommandFailed("no configuration was in force yet: the first needs no approval")
    return found


def _asked(
    folder: Path, key: str | None, ask: "Callable[[PolicyChangesDesk, Acting], Awaitable[T]]"
) -> T:
    async def at_the_desk() -> T:
        from gateway.policy_changes import PolicyChangesDesk
        from gateway.store.proposals import Proposals

        async with opened_database(folder) as database:
            desk = PolicyChangesDesk(Proposals(database), now_unix_us, os.urandom)
            return await ask(desk, await by_whom(database, folder, key))

    return clearly(at_the_desk)
