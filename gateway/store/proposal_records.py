"""What the ledger says of changes of policy that people have to approve: who asked, who did."""

from collections.abc import Callable
from enum import StrEnum

from gateway.audit.bounds import bounded
from gateway.audit.record import RecordBody
from gateway.store.changes import GATEWAY, Actor, begun
from gateway.store.stored_proposal import Proposal
from gateway.store.version_records import Changed, summary_of


class ProposalEvent(StrEnum):
    """What can happen to a proposal: the kinds of record that tell of them."""

    PROPOSED = "config_proposed"  # it waits until enough people stand behind it
    APPROVED = "config_approved"  # one more does
    DISMISSED = "config_dismissed"  # somebody refused it, or something else took its place
    REFUSED = "config_approval_refused"  # somebody tried, and may not


class ProposalRecords:
    """Makes the records. `random_bytes` gives random bytes."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes

    def proposed(
        self, proposal: Proposal, change: Changed, by: Actor, now_unix_us: int
    ) -> RecordBody:
        """A change that waits, or that somebody proposes by name, and what it would change."""
        return self.backed(proposal, by, now_unix_us) | summary_of(change)

    def backed(self, proposal: Proposal, by: Actor, now_unix_us: int) -> RecordBody:
        """Somebody is who proposes it."""
        body = self._begun(ProposalEvent.PROPOSED, proposal, by, now_unix_us)
        return body | _reason_of(proposal, by)

    def approved(self, proposal: Proposal, by: Actor, now_unix_us: int) -> RecordBody:
        """Somebody more stands behind it."""
        body = self._begun(ProposalEvent.APPROVED, proposal, by, now_unix_us)
        return body | _reason_of(proposal, by)

    def dismissed(self, proposal: Proposal, now_unix_us: int) -> RecordBody:
        """It is over, and did not come into force."""
        by = proposal.ended_by or GATEWAY
        body = self._begun(ProposalEvent.DISMISSED, proposal, by, now_unix_us)
        body["as"] = str(proposal.ended_as)
        if proposal.end_reason is not None:
            body["reason"] = bounded(proposal.end_reason)
        return body

    def refused(
        self, proposal: Proposal, attempt: str, why: str, by: Actor, now_unix_us: int
    ) -> RecordBody:
        """Somebody tried to propose, approve or refuse it, and may not."""
        body = self._begun(ProposalEvent.REFUSED, proposal, by, now_unix_us)
        return body | {"attempt": attempt, "refusal": bounded(why)}

    def _begun(
        self, event: ProposalEvent, proposal: Proposal, by: Actor, now_unix_us: int
    ) -> RecordBody:
        return begun(event.value, by, now_unix_us, self._random_bytes) | {
            "about_id": proposal.id,
            "digest": proposal.digest,
            "previous_digest": proposal.base,
            "needs": proposal.needs,
            "missing": proposal.missing,
        }


def _reason_of(proposal: Proposal, by: Actor) -> RecordBody:
    backer = proposal.one_of_them(by)
    return {} if backer is None else {"reason": bounded(backer.reason)}
