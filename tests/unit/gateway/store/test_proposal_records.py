"""The ledger says of a proposal who did what, and what it would change."""

import pytest

from gateway.configuration.stored import Origin
from gateway.store.changes import GATEWAY, Actor
from gateway.store.proposal_records import ProposalRecords
from gateway.store.stored_proposal import Backing, Proposal, ProposalState
from gateway.store.version_records import changed
from tests.fakes.configurations import GOOD, configured

ANNA = Actor("key", "anna", "key_anna")
RECORDS = ProposalRecords(bytes)


@pytest.fixture
def versions(tmp_path):
    texts = (GOOD, GOOD.replace("parallel: 40", "parallel: 41"))
    return [configured(tmp_path, text).stored for text in texts]


@pytest.fixture
def proposal(versions):
    return Proposal("pc_a", versions[1], versions[0].digest, 2, True, 7)


def test_what_was_found_in_the_files_is_the_gateways_word(versions, proposal):
    body = RECORDS.proposed(proposal, changed(*versions, Origin.FILES), GATEWAY, 7)
    assert (body["kind"], body["about_id"], body["actor"]) == (
        "config_proposed",
        "pc_a",
        {"kind": "gateway"},
    )
    assert (body["digest"], body["previous_digest"]) == (proposal.digest, proposal.base)
    assert (body["needs"], body["missing"]) == (2, 2)
    assert body["changes"] == [{"path": "teams.web.limits.parallel", "old": "40", "new": "41"}]
    assert "reason" not in body


def test_who_proposes_or_approves_says_why(proposal):
    backed = proposal.backed_by(ANNA, Backing.PROPOSED, 7, "more room")
    body = RECORDS.backed(backed, ANNA, 7)
    assert (body["kind"], body["reason"], body["missing"]) == ("config_proposed", "more room", 1)
    approved = proposal.backed_by(ANNA, Backing.APPROVED, 7, "agreed")
    body = RECORDS.approved(approved, ANNA, 7)
    assert (body["kind"], body["reason"]) == ("config_approved", "agreed")
    assert body["actor"] == {"kind": "key", "name": "anna", "key_id": "key_anna"}


def test_what_is_over_says_how_and_by_whom(proposal):
    body = RECORDS.dismissed(proposal.ended(ProposalState.REFUSED, ANNA, "x" * 1000), 7)
    assert (body["kind"], body["as"], body["actor"]["name"]) == (
        "config_dismissed",
        "refused",
        "anna",
    )
    assert len(body["reason"]) == 512
    body = RECORDS.dismissed(proposal.ended(ProposalState.REPLACED), 7)
    assert (body["as"], body["actor"]) == ("replaced", {"kind": "gateway"})


def test_what_somebody_may_not_is_on_record(proposal):
    body = RECORDS.refused(proposal, "approve", "the key is revoked", ANNA, 7)
    assert (body["kind"], body["attempt"]) == ("config_approval_refused", "approve")
    assert body["refusal"] == "the key is revoked"
