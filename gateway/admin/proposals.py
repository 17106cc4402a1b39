"""`/admin/v1/policy/proposals`: changes of policy that take two people, proposed and approved."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Literal

from fastapi import FastAPI, Path
from pydantic import Field

from gateway.acting import Proven
from gateway.admin.access import Asking
from gateway.admin.desk import Desk
from gateway.admin.forms import Given, Text, TimeTold, Told, time_told
from gateway.admin.guard import ROOT
from gateway.admin.problems import Problem
from gateway.admin.versions import away
from gateway.configuration.differences import differences
from gateway.configuration.orders import OrdersUnavailable
from gateway.configuration.stored import StoredConfiguration
from gateway.policy_changes import ApprovalRefused
from gateway.roles import Permission
from gateway.store.proposals import ProposalNotFound, ProposalStands
from gateway.store.stored_proposal import Proposal, ProposalState

ProposalId = Annotated[str, Path(pattern="^pc_[a-z2-7]{12}$", examples=["pc_abcdefghijkl"])]


class BackerTold(Told):
    """Somebody who stands behind a proposal."""

    name: str | None
    credential_id: str | None
    stands: Literal["proposed", "approved"]
    reason: str
    since: TimeTold
    since_unix_us: int


class ChangeTold(Told):
    """A value that would be another, as written; keys are never told."""

    path: str
    old: str | None
    new: str | None


class ProposalTold(Told):
    """A version that would come in place of the one in force."""

    id: str
    digest: str
    base: str = Field(description="What was in force when it was proposed: it is for its place.")
    state: ProposalState
    is_in_the_files: bool = Field(description="Whether a gateway found it in its files.")
    needs: int = Field(description="How many people have to stand behind it.")
    missing: int = Field(description="How many more have to approve it.")
    proposed: TimeTold
    proposed_unix_us: int
    people: tuple[BackerTold, ...]
    changes: tuple[ChangeTold, ...] = Field(description="What it would change, while it waits.")


class ProposalsTold(Told):
    """What waits, the newest first."""

    proposals: tuple[ProposalTold, ...]


class ReasonGiven(Given):
    """Why."""

    reason: Text


class ProposalsResource:
    """The same that `gatehouse policy propose`, `approve` and `refuse` do. Every change, and every
    attempt that is refused, is a record of the ledger."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def declare(self, app: FastAPI) -> None:
        """Add its paths."""
        add = partial(app.add_api_route, tags=["policy"])
        post, root = partial(add, methods=["POST"]), f"{ROOT}/policy/proposals"
        one = f"{root}/{{proposal_id}}"
        add(root, self.list, methods=["GET"], operation_id="list_proposals")
        add(one, self.one, methods=["GET"], operation_id="proposal")
        post(f"{one}/propose", self.propose, operation_id="stand_behind_proposal")
        post(f"{one}/approve", self.approve, operation_id="approve_proposal")
        post(f"{one}/refuse", self.refuse, operation_id="refuse_proposal")

    async def list(self, caller: Asking) -> ProposalsTold:
        """The changes of policy that wait for people to approve them."""
        caller.must(Permission.READ_CONFIGURATION)
        async with _clearly(), self._desk.reads.turn():
            found = await self._desk.policy_changes.proposals.waiting()
            return ProposalsTold(proposals=tuple([await self._told(each) for each in found]))

    async def one(self, caller: Asking, proposal_id: ProposalId) -> ProposalTold:
        """One of them, or one that is over."""
        caller.must(Permission.READ_CONFIGURATION)
        async with _clearly(), self._desk.reads.turn():
            return await self._told(await self._desk.policy_changes.proposals.find(proposal_id))

    async def propose(
        self, caller: Asking, proposal_id: ProposalId, given: ReasonGiven
    ) -> ProposalTold:
        """Be the one who proposes what was found in the files."""
        by = Proven(caller.identity)
        async with _clearly():
            desk = self._desk.policy_changes
            return await self._told(await desk.stand_behind(proposal_id, by, given.reason))

    async def approve(
        self, caller: Asking, proposal_id: ProposalId, given: ReasonGiven
    ) -> ProposalTold:
        """Approve it. It comes into force once enough people have, and the files say so."""
        by = Proven(caller.identity)
        async with _clearly():
            desk = self._desk.policy_changes
            return await self._told(await desk.approve(proposal_id, by, given.reason))

    async def refuse(
        self, caller: Asking, proposal_id: ProposalId, given: ReasonGiven
    ) -> ProposalTold:
        """Refuse it, or withdraw one's own: all stays as it is."""
        by = Proven(caller.identity)
        async with _clearly():
            desk = self._desk.policy_changes
            return await self._told(await desk.refuse(proposal_id, by, given.reason))

    async def _told(self, proposal: Proposal) -> ProposalTold:
        base = await self._desk.versions.in_force()
        changes: Sequence[ChangeTold] = ()
        if base is not None and base.digest == proposal.base:
            changes = await asyncio.to_thread(_changes, base, proposal.stored)
        return ProposalTold(
            id=proposal.id,
            digest=proposal.digest,
            base=proposal.base,
            state=proposal.state(self._desk.unix_us()),
            is_in_the_files=proposal.is_of_files,
            needs=proposal.needs,
            missing=proposal.missing,
            proposed=time_told(proposal.proposed_unix_us),
            proposed_unix_us=proposal.proposed_unix_us,
            people=tuple(
                BackerTold(
                    name=each.actor.name,
                    credential_id=each.actor.credential_id,
                    stands=each.backing.value,
                    reason=each.reason,
                    since=time_told(each.since_unix_us),
                    since_unix_us=each.since_unix_us,
                )
                for each in proposal.backers
            ),
            changes=tuple(changes),
        )


def _changes(base: StoredConfiguration, wanted: StoredConfiguration) -> Sequence[ChangeTold]:
    return [
        ChangeTold(path=each.path, old=each.old, new=each.new) for each in differences(base, wanted)
    ]


@asynccontextmanager
async def _clearly() -> AsyncIterator[None]:
    """What cannot be is a problem."""
    try:
        yield
    except ApprovalRefused as error:
        raise Problem(403, "may_not_approve", str(error)) from error
    except ProposalNotFound as error:
        raise Problem(404, "unknown_proposal", str(error)) from error
    except ProposalStands as error:
        raise Problem(409, "proposal_is_over", str(error)) from error
    except OrdersUnavailable as error:
        raise away() from error
