"""Changes of policy that wait for approval, for commands that show, compare or approve them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gateway.cli.data import opened_database
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.times import format_unix_us
from gateway.settings import read_running

if TYPE_CHECKING:
    from gateway.configuration.stored import StoredConfiguration
    from gateway.store.proposals import Proposals
    from gateway.store.stored_proposal import Proposal

T = TypeVar("T")


def waiting_version(folder: Path, name: str) -> "StoredConfiguration":
    """What waits under an id, or the beginning of a digest. Raises `CommandFailed`."""

    async def find(kept: "Proposals") -> "StoredConfiguration":
        return (await kept.find(name)).stored

    return in_proposals(folder, find)


def waiting_notices(folder: Path) -> Iterator[str]:
    """What waits for the gateway of a data folder, a line for each.

    Nothing where no gateway has run; where it cannot be read, that is said.
    """
    from gateway.store.database import FILE_NAME

    async def read(kept: "Proposals") -> "list[Proposal]":
        return list(await kept.waiting())

    if read_running(folder) is None and not (folder / FILE_NAME).is_file():
        return
    try:
        waiting = in_proposals(folder, read)
    except CommandFailed as failure:
        yield f"whether a change of policy waits is not known: {failure.message}"
        return
    yield from map(waiting_in_short, waiting)


def waiting_in_short(proposal: "Proposal") -> str:
    """One that waits, in a line."""
    since = format_unix_us(proposal.proposed_unix_us)
    told = f"version {proposal.digest[:12]} waits since {since}"
    if proposal.is_approved:
        return f"{told}, approved, until the files say so ({proposal.id})"
    more = f"{proposal.missing} more to approve it"
    return f"{told} for {more}: gatehouse policy approve {proposal.id}"


def in_proposals(folder: Path, do: "Callable[[Proposals], Awaitable[T]]") -> T:
    """Do something with the proposals of a data folder. Raises `CommandFailed`."""

    async def opened() -> T:
        from gateway.store.proposals import Proposals

        async with opened_database(folder) as database:
            return await do(Proposals(database))

    return clearly(opened)


def clearly(do: "Callable[[], Awaitable[T]]") -> T:
    """Do it; whatever keeps us from it is one clear line. Raises `CommandFailed`."""
    from gateway.configuration.orders import OrdersUnavailable
    from gateway.policy_changes import ApprovalRefused
    from gateway.store.proposals import ProposalNotFound, ProposalStands

    async def done() -> T:
        return await do()

    try:
        return asyncio.run(done())
    except ProposalNotFound as error:
        raise CommandFailed(str(error), Exit.NOT_FOUND) from error
    except (ApprovalRefused, ProposalStands) as error:
        raise CommandFailed(str(error)) from error
    except OrdersUnavailable as error:
        told = f"the database cannot be used: {error}; try again"
        raise CommandFailed(told, Exit.DATA) from error
