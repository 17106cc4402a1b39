"""Proposals as rows: found, kept, and settled when another configuration comes into force."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.configuration.orders import NotApproved
from gateway.configuration.stored import StoredConfiguration
from gateway.store.changes import Actor
from gateway.store.stored_proposal import Backer, Backing, Proposal, ProposalState
from gateway.store.tables import KEYS, PROPOSALS, SUBJECTS
from gateway.store.version_rows import state_of

KEPT: Final = 200
"""So many proposals that are over are kept, the newest; the ledger keeps its records for ever."""

_TABLE = PROPOSALS.c
_OPEN: Final = _TABLE.ended_as.is_(None)


async def proposals(connection: AsyncConnection, *which: ColumnElement[bool]) -> Sequence[Proposal]:
    """Those of which this holds, the newest first."""
    query = select(PROPOSALS).where(*which).order_by(_TABLE.proposed_unix_us.desc(), _TABLE.id)
    rows = (await connection.execute(query)).mappings()
    return await _held_by_now(connection, [_proposal(row) for row in rows])


async def _held_by_now(
    connection: AsyncConnection, found: Sequence[Proposal]
) -> Sequence[Proposal]:
    """Those that are not over without who stood behind them by a key that was revoked since, or
    is blocked by now: a key that was stolen, or somebody who left, brings nothing into force."""
    actors = [backer.actor for each in found if each.ended_as is None for backer in each.backers]
    if not actors:
        return found
    keys = select(KEYS.c.id).where(
        KEYS.c.id.in_({each.credential_id for each in actors}), KEYS.c.revoked_unix_us.is_not(None)
    )
    people = select(SUBJECTS.c.subject).where(
        SUBJECTS.c.subject.in_({each.name for each in actors}),
        SUBJECTS.c.is_service.is_(False),
        SUBJECTS.c.blocked_unix_us.is_not(None),
    )
    revoked = set((await connection.scalars(keys)).all())
    blocked = set((await connection.scalars(people)).all())
    return [each if each.ended_as else each.without(revoked, blocked) for each in found]


async def not_over(connection: AsyncConnection) -> Sequence[Proposal]:
    """Those that wait, and those that waited too long."""
    return await proposals(connection, _OPEN)


async def of_digest(connection: AsyncConnection, digest: str, base: str) -> Sequence[Proposal]:
    """Those that would bring this, or would have, in place of just that; without their files."""
    columns = [each for each in _TABLE if each is not _TABLE.files]
    query = select(*columns).where(_TABLE.digest == digest, _TABLE.base == base)
    rows = await connection.execute(query.order_by(_TABLE.proposed_unix_us.desc(), _TABLE.id))
    return await _held_by_now(connection, [_proposal(row) for row in rows.mappings()])


async def of_id(connection: AsyncConnection, proposal_id: str) -> Proposal | None:
    """The one of this id."""
    found = await proposals(connection, _TABLE.id == proposal_id)
    return found[0] if found else None


async def keep(connection: AsyncConnection, proposal: Proposal) -> None:
    """Keep it as it is now."""
    here = _TABLE.id == proposal.id
    done = await connection.execute(update(PROPOSALS).where(here).values(_changing(proposal)))
    if not done.rowcount:
        values = {**_made(proposal), **_changing(proposal)}
        await connection.execute(insert(PROPOSALS).values(values))


async def prune(connection: AsyncConnection) -> None:
    """Leave so many of those that are over."""
    over = _TABLE.ended_as.is_not(None)
    newest = select(_TABLE.proposed_unix_us).where(over).order_by(_TABLE.proposed_unix_us.desc())
    oldest = await connection.scalar(newest.offset(KEPT - 1).limit(1))
    if oldest is not None:
        old = (over, _TABLE.proposed_unix_us < oldest)
        await connection.execute(delete(PROPOSALS).where(*old))


async def settle(
    connection: AsyncConnection, digest: str, is_of_policy: bool, now_unix_us: int
) -> tuple[Proposal | None, Sequence[Proposal]]:
    """Another configuration comes into force: what was proposed in place of the last one is over.

    Returns the approval that this uses up, where it took one, and what was proposed besides. Raises
    `NotApproved` where it takes one that there is not.
    """
    state = await state_of(connection)
    base, needs = state["digest"], state["approvers"]
    if base is None or base == digest:
        return None, ()
    waiting = await not_over(connection)
    taken = next((each for each in waiting if _lets_in(each, digest, base, now_unix_us)), None)
    if taken is None and needs > 1 and is_of_policy:
        raise NotApproved(f"a change of policy takes {needs} people, who have not approved this")
    over = []
    for each in waiting:
        is_taken = taken is not None and each.id == taken.id
        ended = each.ended(ProposalState.TAKEN if is_taken else ProposalState.REPLACED)
        await keep(connection, ended)
        over += [] if is_taken else [ended]
    return taken, over


def _lets_in(proposal: Proposal, digest: str, base: str, now_unix_us: int) -> bool:
    is_it = (proposal.digest, proposal.base) == (digest, base)
    is_waiting = proposal.state(now_unix_us) is ProposalState.WAITING
    return is_it and is_waiting and proposal.is_approved


def _made(proposal: Proposal) -> Mapping[str, object]:
    """What never changes of it."""
    return {
        "id": proposal.id,
        "digest": proposal.digest,
        "base": proposal.base,
        "source": proposal.stored.source,
        "files": proposal.stored.packed(),
        "needs": proposal.needs,
        "proposed_unix_us": proposal.proposed_unix_us,
    }


def _changing(proposal: Proposal) -> Mapping[str, object]:
    """What may change of it after it was proposed."""
    by = proposal.ended_by
    return {
        "is_of_files": proposal.is_of_files,
        "backers": json.dumps([asdict(each) for each in proposal.backers]),
        "ended_as": None if proposal.ended_as is None else proposal.ended_as.value,
        "ended_by": None if by is None else json.dumps(asdict(by)),
        "end_reason": proposal.end_reason,
    }


def _proposal(row: Mapping[Any, Any]) -> Proposal:
    by, digest, source = row["ended_by"], row["digest"], row["source"]
    if "files" in row:
        stored = StoredConfiguration.unpacked(digest, source, row["files"])
    else:
        stored = StoredConfiguration(digest, source, ())
    return Proposal(
        id=row["id"],
        stored=stored,
        base=row["base"],
        needs=row["needs"],
        is_of_files=row["is_of_files"],
        proposed_unix_us=row["proposed_unix_us"],
        backers=tuple(_backer(each) for each in json.loads(row["backers"])),
        ended_as=None if row["ended_as"] is None else ProposalState(row["ended_as"]),
        ended_by=None if by is None else Actor(**json.loads(by)),
        end_reason=row["end_reason"],
    )


def _backer(written: Mapping[str, Any]) -> Backer:
    return Backer(
        Actor(**written["actor"]),
        Backing(written["backing"]),
        written["since_unix_us"],
        written["reason"],
    )
