"""A proposal knows who stands behind it, how many are missing, and when it is over."""

import pytest

from gateway.configuration.stored import StoredConfiguration
from gateway.store.changes import GATEWAY, Actor
from gateway.store.stored_proposal import (
    PROPOSAL_DAYS,
    Backing,
    Proposal,
    ProposalState,
    new_proposal_id,
)

DAY_US = 24 * 3600 * 1_000_000
PLAIN = Proposal("pc_a", StoredConfiguration("d" * 64, None, ()), "b" * 64, 2, True, 0)
ANNA = Actor("key", "anna", "key_anna")
BEN = Actor("key", "ben", "key_ben")


def backed(*backings: tuple[Actor, Backing]) -> Proposal:
    proposal = PLAIN
    for actor, backing in backings:
        proposal = proposal.backed_by(actor, backing, 1, "so")
    return proposal


@pytest.mark.parametrize(
    ("backings", "missing"),
    [
        ((), 2),
        (((ANNA, Backing.PROPOSED),), 1),
        (((ANNA, Backing.APPROVED),), 1),
        (((ANNA, Backing.PROPOSED), (BEN, Backing.APPROVED)), 0),
        (((ANNA, Backing.APPROVED), (BEN, Backing.PROPOSED)), 0),
        (((ANNA, Backing.APPROVED), (BEN, Backing.APPROVED)), 0),
        (((ANNA, Backing.PROPOSED), (BEN, Backing.PROPOSED)), 1),
    ],
)
def test_it_takes_two_people_of_whom_one_at_least_approves(backings, missing):
    proposal = backed(*backings)
    assert proposal.missing == missing
    assert proposal.is_approved is (missing == 0)


@pytest.mark.parametrize(
    "same",
    [
        ANNA,
        Actor("key", "anna", "key_other"),
        Actor("token", "Anna", "tok_1"),
        Actor("key", "somebody", "key_anna"),
    ],
)
def test_a_person_is_the_same_by_name_or_by_credential(same):
    found = backed((ANNA, Backing.PROPOSED)).one_of_them(same)
    assert found is not None
    assert found.actor == ANNA


def test_others_are_other_people():
    assert backed((ANNA, Backing.PROPOSED)).one_of_them(BEN) is None
    assert backed((ANNA, Backing.PROPOSED)).one_of_them(GATEWAY) is None


def test_it_waits_so_many_days_and_no_longer():
    assert PLAIN.state(PROPOSAL_DAYS * DAY_US - 1) is ProposalState.WAITING
    assert PLAIN.state(PROPOSAL_DAYS * DAY_US) is ProposalState.LAPSED


def test_what_is_over_stays_so():
    refused = PLAIN.ended(ProposalState.REFUSED, ANNA, "no")
    assert refused.state(0) is ProposalState.REFUSED
    assert (refused.ended_by, refused.end_reason) == (ANNA, "no")


def test_an_id_fits_its_column_and_says_what_it_is():
    assert new_proposal_id(bytes) == "pc_aaaaaaaaaaaa"
