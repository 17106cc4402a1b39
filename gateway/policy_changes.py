"""Propose and approve changes of policy where these take two people: who may, and with whom."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.acting import Asker
from gateway.configuration.stored import StoredConfiguration
from gateway.roles import Permission
from gateway.store.proposals import AlreadyBehindIt, Proposals
from gateway.store.stored_proposal import Proposal, new_proposal_id

_MAY_PROPOSE = (Permission.CHANGE_POLICY, Permission.APPROVE_POLICY)


class ApprovalRefused(Exception):
    """Whoever asked may not do this, which is on record; the message says why."""


@dataclass(frozen=True, slots=True)
class PolicyChangesDesk:
    """Where changes of policy are proposed and approved, each by a person's own credential.

    What is refused is recorded. `unix_us` gives UTC microseconds, `random_bytes` random bytes.
    """

    proposals: Proposals
    unix_us: Callable[[], int]
    random_bytes: Callable[[int], bytes]

    async def propose(self, wanted: StoredConfiguration, by: Asker, reason: str) -> Proposal:
        """Be the one who proposes files, whether they are in their place yet or not.

        Raises `ApprovalRefused` or `ProposalStands`.
        """
        needs, now = await self.proposals.needed(), self.unix_us()
        asked = Proposal(new_proposal_id(self.random_bytes), wanted, "", needs, False, now)
        for each in await self.proposals.waiting():
            asked = each if each.digest == wanted.digest else asked
        await self._let(asked, "propose", by, *_MAY_PROPOSE)
        doing = self.proposals.propose(wanted, by.actor, reason)
        return await self._done(asked, "propose", by, doing)

    async def stand_behind(self, name: str, by: Asker, reason: str) -> Proposal:
        """Be the one who proposes what waits already.

        Raises `ProposalNotFound`, `ProposalStands` or `ApprovalRefused`.
        """
        proposal = await self.proposals.find(name)
        await self._let(proposal, "propose", by, *_MAY_PROPOSE)
        doing = self.proposals.stand_behind(proposal.id, by.actor, reason)
        return await self._done(proposal, "propose", by, doing)

    async def approve(self, name: str, by: Asker, reason: str) -> Proposal:
        """Approve what waits.

        Raises `ProposalNotFound`, `ProposalStands` or `ApprovalRefused`.
        """
        proposal = await self.proposals.find(name)
        await self._let(proposal, "approve", by, Permission.APPROVE_POLICY)
        doing = self.proposals.approve(proposal.id, by.actor, reason)
        return await self._done(proposal, "approve", by, doing)

    async def refuse(self, name: str, by: Asker, reason: str) -> Proposal:
        """Refuse what waits, or withdraw it: one person is enough, for then all stays as it is.

        Raises `ProposalNotFound`, `ProposalStands` or `ApprovalRefused`.
        """
        proposal = await self.proposals.find(name)
        why = by.refusal(self.unix_us(), *_MAY_PROPOSE)
        if why is not None:
            raise await self._refused(proposal, "refuse", by, why)
        return await self.proposals.refuse(proposal.id, by.actor, reason)

    async def _let(
        self, proposal: Proposal, attempt: str, by: Asker, *permissions: Permission
    ) -> None:
        why = by.refusal(self.unix_us(), *permissions) or by.refusal_as_one_of_two()
        if why is not None:
            raise await self._refused(proposal, attempt, by, why)

    async def _done(
        self, proposal: Proposal, attempt: str, by: Asker, doing: Awaitable[Proposal]
    ) -> Proposal:
        try:
            return await doing
        except AlreadyBehindIt as error:
            raise await self._refused(proposal, attempt, by, str(error)) from error

    async def _refused(
        self, proposal: Proposal, attempt: str, by: Asker, why: str
    ) -> ApprovalRefused:
        await self.proposals.note_refusal(proposal, attempt, why, by.actor)
        return ApprovalRefused(why)
