"""A change that waits is told with who stands behind it and what it would change."""

from gateway.cli.proposal_facts import TABLE, changes_of, facts_of, row_of
from gateway.store.changes import Actor
from gateway.store.stored_proposal import Backing, Proposal
from tests.fakes.configurations import GOOD, configured

OTHER = GOOD.replace("parallel: 40", "parallel: 41")
ANNA = Actor("key", "anna", "key_anna")


def test_all_of_it_is_told(tmp_path):
    base, wanted = (configured(tmp_path, text).stored for text in (GOOD, OTHER))
    assert base is not None
    assert wanted is not None
    proposal = Proposal("pc_a", wanted, base.digest, 2, True, 1_795_252_500_000_000)
    assert row_of(proposal, base)[3:] == ("nobody yet", 2, 1)
    backed = proposal.backed_by(ANNA, Backing.APPROVED, 1_795_252_500_000_000, "so")
    row = row_of(backed, base)
    assert len(row) == len(TABLE)
    assert row[3:] == ("anna (approved)", 1, 1)
    assert list(changes_of(backed, base)) == [
        "changed teams.web.limits.parallel: 40 before, 41 after"
    ]
    facts = facts_of(backed, base, 1_795_252_500_000_000)
    assert facts["people"] == [
        {
            "name": "anna",
            "credential_id": "key_anna",
            "as": "approved",
            "since": "2026-11-21T09:15:00Z",
            "reason": "so",
        }
    ]
    assert facts["changes"] == [{"path": "teams.web.limits.parallel", "old": "40", "new": "41"}]
    assert (facts["state"], facts["missing"], facts["approved"]) == ("waiting", 1, False)
