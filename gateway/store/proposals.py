"""Changes of policy that people have to approve: proposed, approved, refused, and held back."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.configuration.approval import changes_policy
from gateway.configuration.build import Configuration
from gateway.configuration.orders import Order
from gateway.configuration.stored import Origin, StoredConfiguration
from gateway.store.change_lane import ChangeLane
from gateway.store.changes import GATEWAY, Actor
from gateway.store.database import Database
from gateway.store.proposal_records import ProposalRecords
from gateway.store.proposal_rows import keep, not_over, of_digest, of_id, prune
from gateway.store.stored_proposal import (
    PROPOSAL_PREFIX,
    Backing,
    Proposal,
    ProposalState,
    new_proposal_id,
)
from gateway.store.version_records import Changed, actor_of, changed
from gateway.store.version_rows import in_force, reading, state_of, writing

_SHORTEST_PREFIX = 4
_MOVED = "the files say something else now"


class ProposalNotFound(LookupError):
    """Nothing that waits is called so, or more than one thing; the message says which."""


class ProposalStands(Exception):
    """It cannot become what was asked of it; the message says how it stands."""


class AlreadyBehindIt(Exception):
    """The same person stands behind it already, and cannot do so twice."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to wait: by whom, and how they stand behind it (None: they do not)."""

    wanted: StoredConfiguration
    by: Actor
    is_of_files: bool
    reason: str | None


class Proposals:
    """All proposals, and the gate that goes by them (`gateway.configuration.approval.Gate`). Every
    change is a record of the ledger, in the same transaction. Each method raises
    `OrdersUnavailable` when the database is away."""

    def __init__(
        self,
        database: Database,
        *,
        unix_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._database = database
        self._unix_us = unix_us
        self._random_bytes = random_bytes
        self._lane = ChangeLane(random_bytes)
        self._records = ProposalRecords(random_bytes)

    async def needed(self) -> int:
        """How many people a change of policy takes now."""
        async with reading(self._database) as connection:
            return int((await state_of(connection))["approvers"])

    async def held_back(self, fresh: Configuration, order: Order | None = None) -> str | None:
        """As `Gate` says."""
        wanted = fresh.stored or StoredConfiguration(fresh.digest, None, ())
        async with reading(self._database) as connection:
            needs, now = int((await state_of(connection))["approvers"]), await in_force(connection)
        if needs < 2 or now is None:
            return None
        is_of_files = order is None and fresh.origin is Origin.FILES
        if now.digest == wanted.digest:
            if is_of_files:
                await self._replace_what_the_files_said()
            return None
        if not await asyncio.to_thread(changes_policy, now, wanted):
            return None
        takes = f"a change of policy takes {needs} people here"
        if not wanted.files:
            return f"{takes}, and these files cannot be shown to them: there are none, or too much"
        if order is None and (refused := await self._refused(wanted.digest, now.digest)):
            who = "somebody" if refused.ended_by is None else refused.ended_by.name
            return f"{takes}, and {who} refused this one ({refused.id}): {refused.end_reason}"
        by = GATEWAY if order is None else actor_of(order)
        wish = _Wish(wanted, by, fresh.origin is Origin.FILES, None)
        proposal = await self._propose(wish)
        if proposal.is_approved:
            return None
        return (
            f"{takes}, and {proposal.missing} more have to approve this one: "
            f"gatehouse policy approve {proposal.id}"
        )

    async def is_held(self, digest: str) -> bool:
        """As `Gate` says."""
        async with reading(self._database) as connection:
            state = await state_of(connection)
            if state["approvers"] < 2 or state["digest"] in (None, digest):
                return False
            found = await of_digest(connection, digest, state["digest"])
        now = self._unix_us()
        states = {each.state(now): each for each in found}
        waiting = states.get(ProposalState.WAITING)
        if waiting is not None:
            return not waiting.is_approved
        return ProposalState.REFUSED in states

    async def propose(self, wanted: StoredConfiguration, by: Actor, reason: str) -> Proposal:
        """Have it wait for approval, or stand behind what waits.

        Raises `ProposalStands` where nobody has to approve it, and `AlreadyBehindIt`.
        """
        return await self._propose(_Wish(wanted, by, False, reason))

    async def stand_behind(self, proposal_id: str, by: Actor, reason: str) -> Proposal:
        """Be the one who proposes what was found in the files, or was ordered.

        Raises `ProposalNotFound`, `ProposalStands` or `AlreadyBehindIt`.
        """
        return await self._back(proposal_id, by, Backing.PROPOSED, reason)

    async def approve(self, proposal_id: str, by: Actor, reason: str) -> Proposal:
        """One more approves; returns it as it is then.

        Raises `ProposalNotFound`, `ProposalStands` or `AlreadyBehindIt`.
        """
        return await self._back(proposal_id, by, Backing.APPROVED, reason)

    async def refuse(self, proposal_id: str, by: Actor, reason: str) -> Proposal:
        """It does not come into force, whoever stands behind it. What the files say so is not
        proposed again by itself. Raises `ProposalNotFound` or `ProposalStands`."""
        async with writing(self._database) as connection:
            now = self._unix_us()
            proposal = await self._waiting(connection, proposal_id, now)
            ended = proposal.ended(ProposalState.REFUSED, by, reason)
            await self._end(connection, ended, now)
        return ended

    async def note_refusal(self, proposal: Proposal, attempt: str, why: str, by: Actor) -> None:
        """Put on record what somebody tried with one, be it kept or not, and may not."""
        async with writing(self._database) as connection:
            now = self._unix_us()
            record = self._records.refused(proposal, attempt, why, by, now)
            await self._lane.append(connection, [record], now)

    async def waiting(self) -> Sequence[Proposal]:
        """What would replace the configuration in force, and does not yet; the newest first."""
        async with reading(self._database) as connection:
            found = await not_over(connection)
        now = self._unix_us()
        return [each for each in found if each.state(now) is ProposalState.WAITING]

    async def find(self, name: str) -> Proposal:
        """The one with this id, be it over or not; or the one that waits whose digest begins so.

        Raises `ProposalNotFound`.
        """
        wanted = name.strip().lower()
        if wanted.startswith(PROPOSAL_PREFIX):
            async with reading(self._database) as connection:
                found = await of_id(connection, wanted)
            if found is None:
                raise _unknown(name)
            return found
        if len(wanted) < _SHORTEST_PREFIX:
            told = f"{name!r} is too short: give {_SHORTEST_PREFIX} digits at least"
            raise ProposalNotFound(told)
        matching = [each for each in await self.waiting() if each.digest.startswith(wanted)]
        if len(matching) > 1:
            raise ProposalNotFound(f"{name!r} begins several digests; give more of it")
        if not matching:
            raise _unknown(name)
        return matching[0]

    async def _refused(self, digest: str, base: str) -> Proposal | None:
        """The last that was refused, where none waits."""
        async with reading(self._database) as connection:
            found = await of_digest(connection, digest, base)
        if any(each.ended_as is None for each in found):
            return None
        return next((each for each in found if each.ended_as is ProposalState.REFUSED), None)

    async def _propose(self, wish: _Wish) -> Proposal:
        while True:
            async with reading(self._database) as connection:
                base = await in_force(connection)
            if base is None:
                raise ProposalStands("nothing was in force yet: the first needs no approval")
            change = await asyncio.to_thread(changed, base, wish.wanted, Origin.FILES)
            async with writing(self._database) as connection:
                state = await state_of(connection)
                if state["digest"] == base.digest:
                    _refuse_needless(state["approvers"], change)
                    return await self._keep_wish(connection, wish, change, state["approvers"])

    async def _keep_wish(
        self, connection: AsyncConnection, wish: _Wish, change: Changed, needs: int
    ) -> Proposal:
        now, known = self._unix_us(), None
        for each in await not_over(connection):
            if each.state(now) is ProposalState.LAPSED:
                await self._end(connection, each.ended(ProposalState.LAPSED), now)
            elif each.digest == wish.wanted.digest:
                known = each
            elif wish.is_of_files and each.is_of_files:
                await self._end(connection, each.ended(ProposalState.REPLACED, reason=_MOVED), now)
        base = change.previous_digest
        assert base is not None  # where nothing was in force, nothing is proposed
        proposal = known or Proposal(
            new_proposal_id(self._random_bytes), wish.wanted, base, needs, wish.is_of_files, now
        )
        proposal = replace(proposal, is_of_files=proposal.is_of_files or wish.is_of_files)
        if wish.reason is not None:
            proposal = _backed(proposal, wish.by, Backing.PROPOSED, now, wish.reason)
        if proposal != known:
            await keep(connection, proposal)
        if known is None or wish.reason is not None:
            record = self._records.proposed(proposal, change, wish.by, now)
            await self._lane.append(connection, [record], now)
        return proposal

    async def _replace_what_the_files_said(self) -> None:
        """They say what is in force again: what they said before waits no more."""
        if not any(each.is_of_files for each in await self.waiting()):
            return
        async with writing(self._database) as connection:
            now = self._unix_us()
            for each in await not_over(connection):
                if each.is_of_files:
                    ended = each.ended(ProposalState.REPLACED, reason=_MOVED)
                    await self._end(connection, ended, now)

    async def _back(self, proposal_id: str, by: Actor, backing: Backing, reason: str) -> Proposal:
        async with writing(self._database) as connection:
            now = self._unix_us()
            known = await self._waiting(connection, proposal_id, now)
            proposal = _backed(known, by, backing, now, reason)
            await keep(connection, proposal)
            if backing is Backing.APPROVED:
                record = self._records.approved(proposal, by, now)
            else:
                record = self._records.backed(proposal, by, now)
            await self._lane.append(connection, [record], now)
        return proposal

    async def _waiting(
        self, connection: AsyncConnection, proposal_id: str, now_unix_us: int
    ) -> Proposal:
        proposal = await of_id(connection, proposal_id)
        if proposal is None:
            raise _unknown(proposal_id)
        state = proposal.state(now_unix_us)
        if state is not ProposalState.WAITING:
            why = "" if proposal.end_reason is None else f" ({proposal.end_reason})"
            raise ProposalStands(f"{proposal_id} is {state}{why}, and waits for nobody")
        return proposal

    async def _end(self, connection: AsyncConnection, ended: Proposal, now_unix_us: int) -> None:
        await keep(connection, ended)
        await prune(connection)
        record = self._records.dismissed(ended, now_unix_us)
        await self._lane.append(connection, [record], now_unix_us)


def _backed(
    proposal: Proposal, by: Actor, backing: Backing, now_unix_us: int, reason: str
) -> Proposal:
    already = proposal.one_of_them(by)
    if already is not None:
        raise AlreadyBehindIt(
            f"this takes another person than {already.actor.name}, who {already.backing} it"
        )
    return proposal.backed_by(by, backing, now_unix_us, reason)


def _refuse_needless(needs: int, change: Changed) -> None:
    if needs < 2:
        raise ProposalStands(
            "changes of policy take one person here (policy_changes.approvers): change the files"
        )
    if not change.is_of_policy:
        raise ProposalStands("the files change no policy: that needs nobody's approval")


def _unknown(name: str) -> ProposalNotFound:
    return ProposalNotFound(
        f"no change of policy {name!r} waits; `gatehouse policy proposals` shows those that do"
    )
