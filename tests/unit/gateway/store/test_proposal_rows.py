"""Proposals are kept as they are, few that are over; settled when something gets in force."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from gateway.configuration.orders import NotApproved
from gateway.configuration.stored import StoredConfiguration, StoredFile
from gateway.store import proposal_rows as module
from gateway.store.changes import Actor
from gateway.store.proposal_rows import keep, not_over, of_digest, of_id, proposals, prune, settle
from gateway.store.stored_proposal import Backing, Proposal, ProposalState
from gateway.store.tables import CONFIGURATION

ANNA = Actor("key", "anna", "key_anna")
BEN = Actor("key", "ben", "key_ben")
FILES = (StoredFile("configuration", "gatehouse.yaml", "x: 1\n", "root"),)
BASE = "b" * 64


def proposal(name: str = "pc_a", digest: str = "d" * 64, at: int = 1) -> Proposal:
    return Proposal(name, StoredConfiguration(digest, "/g.yaml", FILES), BASE, 2, True, at)


def approved(name: str = "pc_a", digest: str = "d" * 64) -> Proposal:
    behind = proposal(name, digest).backed_by(ANNA, Backing.PROPOSED, 2, "mine")
    return behind.backed_by(BEN, Backing.APPROVED, 3, "agreed")


@pytest.fixture
async def connection(database):
    async with database.writing() as connection:
        state = {"digest": BASE, "origin": "files", "approvers": 2}
        await connection.execute(update(CONFIGURATION).values(state))
        yield connection


async def test_it_is_kept_as_it_is_and_as_it_becomes(connection):
    ended = approved().ended(ProposalState.REFUSED, ANNA, "no")
    for each in (proposal(), approved(), ended):
        await keep(connection, each)
        assert await of_id(connection, "pc_a") == each
    assert await of_id(connection, "pc_b") is None
    assert await not_over(connection) == []


async def test_of_a_digest_it_is_told_without_files(connection):
    await keep(connection, approved())
    (found,) = await of_digest(connection, "d" * 64, BASE)
    assert found == replace(approved(), stored=StoredConfiguration("d" * 64, "/g.yaml", ()))
    assert await of_digest(connection, "d" * 64, "c" * 64) == []


async def test_only_so_many_that_are_over_are_kept(connection, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 2)
    for at in range(1, 5):
        await keep(connection, proposal(f"pc_{at}", at=at).ended(ProposalState.LAPSED))
    await keep(connection, proposal("pc_0", at=0))
    await prune(connection)
    assert [each.id for each in await proposals(connection)] == ["pc_4", "pc_3", "pc_0"]


async def test_what_comes_into_force_uses_up_its_approval_and_ends_the_others(connection):
    await keep(connection, approved())
    await keep(connection, proposal("pc_b", "e" * 64))
    taken, over = await settle(connection, "d" * 64, True, 10)
    assert taken == approved()
    assert [(each.id, each.ended_as) for each in over] == [("pc_b", ProposalState.REPLACED)]
    assert await not_over(connection) == []
    with pytest.raises(NotApproved):
        await settle(connection, "d" * 64, True, 10)


async def test_without_an_approval_nothing_that_is_policy_gets_in(connection):
    await keep(connection, proposal())
    with pytest.raises(NotApproved, match="takes 2 people"):
        await settle(connection, "d" * 64, True, 10)
    assert await settle(connection, BASE, True, 10) == (None, ())
    taken, over = await settle(connection, "e" * 64, False, 10)
    assert (taken, [each.id for each in over]) == (None, ["pc_a"])


async def test_an_approval_in_place_of_something_else_is_none(connection):
    await keep(connection, replace(approved(), base="c" * 64))
    with pytest.raises(NotApproved):
        await settle(connection, "d" * 64, True, 10)
