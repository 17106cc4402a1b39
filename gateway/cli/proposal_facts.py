"""A change of policy that waits, as commands tell it: to people, and as an object."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.cli.times import format_unix_us

if TYPE_CHECKING:
    from gateway.configuration.stored import StoredConfiguration
    from gateway.store.stored_proposal import Proposal

TABLE = ("ID", "VERSION", "PROPOSED", "BEHIND IT", "#MISSING", "#CHANGES")


def row_of(proposal: "Proposal", base: "StoredConfiguration") -> tuple[object, ...]:
    """For the table of those that wait."""
    people = [f"{each.actor.name} ({each.backing})" for each in proposal.backers]
    return (
        proposal.id,
        proposal.digest[:12],
        format_unix_us(proposal.proposed_unix_us),
        ", ".join(people) or "nobody yet",
        proposal.missing,
        sum(1 for _ in changes_of(proposal, base)),
    )


def changes_of(proposal: "Proposal", base: "StoredConfiguration") -> Iterator[str]:
    """What it would change, a line for each value."""
    from gateway.configuration.differences import differences

    for each in differences(base, proposal.stored):
        yield f"{each.what} {each.path}: {each.before_and_after}"


def facts_of(
    proposal: "Proposal", base: "StoredConfiguration", now_unix_us: int
) -> dict[str, object]:
    """For `--json`."""
    from gateway.configuration.differences import differences

    return {
        "id": proposal.id,
        "digest": proposal.digest,
        "base": proposal.base,
        "state": str(proposal.state(now_unix_us)),
        "in_the_files": proposal.is_of_files,
        "proposed": format_unix_us(proposal.proposed_unix_us),
        "needs": proposal.needs,
        "missing": proposal.missing,
        "approved": proposal.is_approved,
        "people": [
            {
                "name": each.actor.name,
                "credential_id": each.actor.credential_id,
                "as": str(each.backing),
                "since": format_unix_us(each.since_unix_us),
                "reason": each.reason,
            }
            for each in proposal.backers
        ],
        "changes": [
            {"path": each.path, "old": each.old, "new": each.new}
            for each in differences(base, proposal.stored)
        ],
    }
