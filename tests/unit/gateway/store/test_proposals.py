"""Where a change of policy takes two people, nothing else than what they approved gets in force."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gateway.configuration.build import Configuration
from gateway.configuration.orders import NotApproved, Order, OrdersUnavailable
from gateway.configuration.stored import Origin
from gateway.store.changes import GATEWAY, Actor
from gateway.store.database import Database
from gateway.store.keys import Keys
from gateway.store.ledger import Ledger
from gateway.store.proposals import (
    AlreadyBehindIt,
    ProposalNotFound,
    Proposals,
    ProposalStands,
)
from gateway.store.stored_key import StoredKey
from gateway.store.stored_proposal import PROPOSAL_DAYS, Proposal, ProposalState
from gateway.store.subjects import Subjects
from gateway.store.versions import Versions
from tests.fakes.configurations import GOOD, configured

TWO = f"{GOOD}policy_changes: {{ approvers: 2 }}\n"
DAY_US = 24 * 3600 * 1_000_000
ANNA = Actor("key", "anna", "key_anna")
BEN = Actor("key", "ben", "key_ben")
CARLA = Actor("key", "carla", "key_carla")


def with_parallel(number: int, text: str = TWO) -> str:
    return text.replace("parallel: 40", f"parallel: {number}")


@dataclass(slots=True)
class Store:
    """Versions and proposals in one database, where two people are needed from the start."""

    folder: Path
    database: Database
    ahead_us: int = 0
    ticks: Callable[[], int] = field(default_factory=lambda: count(1_000_000).__next__)

    @property
    def versions(self) -> Versions:
        return Versions(self.database, unix_us=self.unix_us)

    @property
    def proposals(self) -> Proposals:
        return Proposals(self.database, unix_us=self.unix_us)

    def unix_us(self) -> int:
        return self.ticks() + self.ahead_us

    def configured(self, text: str) -> Configuration:
        return configured(self.folder, text)

    async def waiting(self) -> Proposal:
        (only,) = await self.proposals.waiting()
        return only

    async def approved_by_two(self, configuration: Configuration) -> Proposal:
        assert await self.proposals.held_back(configuration) is not None
        proposal = await self.waiting()
        for person in (ANNA, BEN):
            proposal = await self.proposals.approve(proposal.id, person, "agreed")
        return proposal

    async def bodies(self) -> list[dict[str, Any]]:
        return [row.body for row in await Ledger(self.database).newest(200)]

    async def kinds(self) -> list[str]:
        return [body["kind"] for body in await self.bodies()]


@pytest.fixture
async def store(tmp_path: Path, database: Database) -> Store:
    made = Store(tmp_path, database)
    await made.versions.enter(made.configured(TWO))
    return made


async def test_the_first_configuration_needs_nobody(tmp_path, database):
    fresh = Store(tmp_path, database)
    assert await fresh.proposals.held_back(fresh.configured(TWO)) is None
    with pytest.raises(ProposalStands, match="the first needs no approval"):
        await fresh.proposals.propose(fresh.configured(TWO).stored, ANNA, "so")


async def test_where_one_person_is_enough_nothing_is_held_back(tmp_path, database):
    plain = Store(tmp_path, database)
    await plain.versions.enter(plain.configured(GOOD))
    assert await plain.proposals.held_back(plain.configured(with_parallel(41, GOOD))) is None
    assert await plain.proposals.held_back(plain.configured(TWO)) is None
    with pytest.raises(ProposalStands, match="one person here"):
        await plain.proposals.propose(plain.configured(TWO).stored, ANNA, "so")


async def test_a_change_of_policy_is_held_back_proposed_once_and_on_record(store):
    fresh = store.configured(with_parallel(41))
    told = [await store.proposals.held_back(fresh) for _ in range(3)]
    proposal = await store.waiting()
    assert (
        told
        == [
            "a change of policy takes 2 people here, and 2 more have to approve this one: "
            f"gatehouse policy approve {proposal.id}"
        ]
        * 3
    )
    assert proposal.stored == fresh.stored
    assert await store.kinds() == ["config_changed", "config_proposed"]
    assert (await store.bodies())[-1]["actor"] == {"kind": "gateway"}
    assert await store.proposals.is_held(fresh.digest)


async def test_what_is_no_policy_comes_into_force_at_once(store):
    fresh = store.configured(TWO.replace("4317", "4318"))
    assert await store.proposals.held_back(fresh) is None
    await store.versions.enter(fresh)
    assert (await store.versions.in_force()).digest == fresh.digest


async def test_past_the_gate_too_nothing_gets_in_force_unapproved(store):
    before = await store.versions.in_force()
    for text in (with_parallel(41), GOOD):
        with pytest.raises(NotApproved):
            await store.versions.enter(store.configured(text))
    assert await store.versions.in_force() == before
    assert await store.kinds() == ["config_changed"]


async def test_two_who_approve_let_it_in_and_are_named(store):
    fresh = store.configured(with_parallel(41))
    proposal = await store.approved_by_two(fresh)
    assert not await store.proposals.is_held(fresh.digest)
    assert await store.proposals.held_back(fresh) is None
    await store.versions.enter(fresh)
    body = (await store.bodies())[-1]
    assert (body["kind"], body["proposal"]) == ("config_changed", proposal.id)
    assert [each["name"] for each in body["approved_by"]] == ["anna", "ben"]
    assert (await store.proposals.find(proposal.id)).ended_as is ProposalState.TAKEN
    assert await store.proposals.waiting() == []


async def test_who_proposes_counts_and_one_more_approves(store):
    fresh = store.configured(with_parallel(41))
    proposal = await store.proposals.propose(fresh.stored, ANNA, "more room")
    assert proposal.missing == 1
    await store.proposals.approve(proposal.id, BEN, "agreed")
    assert await store.proposals.held_back(fresh) is None
    assert await store.kinds() == ["config_changed", "config_proposed", "config_approved"]


async def test_what_the_files_say_can_be_somebodys_own(store):
    await store.proposals.held_back(store.configured(with_parallel(41)))
    proposal = await store.waiting()
    assert (await store.proposals.stand_behind(proposal.id, ANNA, "mine")).missing == 1


@pytest.mark.parametrize(
    "again", [ANNA, replace(ANNA, credential_id="key_2"), Actor("token", "Anna", "t")]
)
async def test_nobody_is_two_people(store, again):
    fresh = store.configured(with_parallel(41))
    proposal = await store.proposals.propose(fresh.stored, ANNA, "more room")
    with pytest.raises(AlreadyBehindIt, match="another person than anna, who proposed it"):
        await store.proposals.approve(proposal.id, again, "me too")
    assert await store.proposals.held_back(fresh) is not None


async def test_nobody_is_two_people_at_once_either(store):
    await store.proposals.held_back(store.configured(with_parallel(41)))
    proposal = await store.waiting()
    tries = [store.proposals.approve(proposal.id, ANNA, "quick") for _ in range(4)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, AlreadyBehindIt) for each in done) == 3
    assert (await store.waiting()).missing == 1


async def test_an_approval_is_for_that_digest_only(store):
    await store.approved_by_two(store.configured(with_parallel(41)))
    other = store.configured(with_parallel(42))
    assert await store.proposals.held_back(other) is not None
    with pytest.raises(NotApproved):
        await store.versions.enter(other)


async def test_what_the_files_say_replaces_what_they_said_with_its_approvals(store):
    first, second = (store.configured(with_parallel(number)) for number in (41, 42))
    old = await store.approved_by_two(first)
    assert await store.proposals.held_back(second) is not None
    with pytest.raises(ProposalStands, match=r"is replaced \(the files say something else now\)"):
        await store.proposals.approve(old.id, CARLA, "late")
    assert await store.proposals.held_back(first) is not None
    assert (await store.waiting()).missing == 2


async def test_files_that_go_back_take_their_approvals_with_them(store):
    fresh = store.configured(with_parallel(41))
    ahead = store.configured(with_parallel(42))
    await store.approved_by_two(fresh)
    await store.proposals.propose(ahead.stored, ANNA, "for Monday")
    assert await store.proposals.held_back(store.configured(TWO)) is None
    assert [each.digest for each in await store.proposals.waiting()] == [ahead.digest]
    assert await store.proposals.held_back(fresh) is not None


async def test_what_somebody_proposes_ahead_of_its_files_stands_beside_what_they_say(store):
    ahead = store.configured(with_parallel(41))
    proposal = await store.proposals.propose(ahead.stored, ANNA, "for Monday")
    await store.proposals.approve(proposal.id, BEN, "agreed")
    await store.proposals.held_back(store.configured(with_parallel(42)))
    assert await store.proposals.held_back(ahead) is None


async def revoked(store: Store) -> None:
    keys, roles = Keys(store.database), frozenset({"security"})
    key = StoredKey("key_anna", "wxyz", "administrators", "anna", roles, created_unix_us=1)
    await keys.create(key, bytes(32), GATEWAY)
    await keys.revoke(key.id, 2, GATEWAY)


async def blocked(store: Store) -> None:
    await Subjects(store.database).block("anna", 2, GATEWAY)


@pytest.mark.parametrize("gone", [revoked, blocked])
async def test_whose_key_is_revoked_or_who_is_blocked_stands_behind_nothing(store, gone):
    fresh = store.configured(with_parallel(41))
    proposal = await store.approved_by_two(fresh)
    await gone(store)
    assert (await store.waiting()).missing == 1
    assert await store.proposals.is_held(fresh.digest)
    with pytest.raises(NotApproved):
        await store.versions.enter(fresh)
    await store.proposals.approve(proposal.id, CARLA, "agreed")
    await store.versions.enter(fresh)
    (body,) = [each for each in await store.bodies() if "approved_by" in each]
    assert [each["name"] for each in body["approved_by"]] == ["ben", "carla"]


async def test_an_approval_is_used_up_once(store):
    base, fresh = store.configured(TWO), store.configured(with_parallel(41))
    for configuration in (fresh, base):
        await store.approved_by_two(configuration)
        await store.versions.enter(configuration)
    assert await store.proposals.held_back(fresh) is not None
    with pytest.raises(NotApproved):
        await store.versions.enter(fresh)


async def test_of_two_that_are_approved_the_first_takes_the_others_approvals(store):
    one, other = (store.configured(with_parallel(number)) for number in (41, 42))
    for each in (one, other):
        proposal = await store.proposals.propose(each.stored, ANNA, "so")
        await store.proposals.approve(proposal.id, BEN, "agreed")
    done = await asyncio.gather(
        store.versions.enter(one), store.versions.enter(other), return_exceptions=True
    )
    assert sorted(isinstance(each, NotApproved) for each in done) == [False, True]
    assert await store.proposals.waiting() == []
    assert (await store.kinds()).count("config_dismissed") == 1


async def test_to_turn_it_off_takes_two_people_as_well(store):
    off = store.configured(GOOD)
    assert await store.proposals.held_back(off) is not None
    await store.approved_by_two(off)
    await store.versions.enter(off)
    assert await store.proposals.needed() == 1
    await store.versions.enter(store.configured(with_parallel(41, GOOD)))


@pytest.mark.parametrize("origin", [Origin.PIN, Origin.LAST_GOOD, Origin.APPROVED])
async def test_only_files_that_were_let_in_may_ask_for_fewer_people(store, origin):
    off = store.configured(GOOD)
    await store.approved_by_two(off)
    await store.versions.enter(replace(off, origin=origin))
    assert await store.proposals.needed() == 2


async def test_a_version_of_before_takes_two_people_again(tmp_path, database):
    store = Store(tmp_path, database)
    for text in (GOOD, TWO):
        await store.versions.enter(store.configured(text))
    back = replace(store.configured(GOOD), origin=Origin.PIN)
    order = Order(1, back.digest, "too strict", "os_user", "root", 5)
    told = await store.proposals.held_back(back, order)
    assert told is not None
    assert (await store.bodies())[-1]["actor"] == {"kind": "os_user", "name": "root"}
    with pytest.raises(NotApproved):
        await store.versions.enter(back, order)


async def test_what_is_in_force_elsewhere_may_come_here(store):
    fresh = store.configured(with_parallel(41))
    await store.approved_by_two(fresh)
    await store.versions.enter(fresh)
    assert await store.proposals.held_back(fresh) is None
    await store.versions.enter(fresh)


async def test_what_was_refused_stays_out_until_somebody_asks_again(store):
    fresh = store.configured(with_parallel(41))
    await store.proposals.held_back(fresh)
    proposal = await store.proposals.refuse((await store.waiting()).id, BEN, "not on a Friday")
    told = await store.proposals.held_back(fresh)
    assert told is not None
    assert told.endswith(f"and ben refused this one ({proposal.id}): not on a Friday")
    assert await store.proposals.is_held(fresh.digest)
    with pytest.raises(ProposalStands, match="is refused"):
        await store.proposals.approve(proposal.id, ANNA, "but")
    again = await store.proposals.propose(fresh.stored, ANNA, "on Monday")
    assert (again.id != proposal.id, again.missing) == (True, 1)


async def test_it_lapses_and_is_proposed_anew_without_its_approvals(store):
    fresh = store.configured(with_parallel(41))
    old = await store.approved_by_two(fresh)
    store.ahead_us = PROPOSAL_DAYS * DAY_US
    with pytest.raises(NotApproved):
        await store.versions.enter(fresh)
    assert not await store.proposals.is_held(fresh.digest)
    assert await store.proposals.held_back(fresh) is not None
    new = await store.waiting()
    assert (new.id != old.id, new.missing) == (True, 2)
    assert (await store.proposals.find(old.id)).ended_as is ProposalState.LAPSED


async def test_when_something_else_came_into_force_it_is_looked_at_anew(store):
    fresh = store.configured(with_parallel(41))
    await store.proposals.held_back(fresh)
    await store.versions.enter(store.configured(TWO.replace("4317", "4318")))
    assert not await store.proposals.is_held(fresh.digest)
    assert await store.proposals.held_back(fresh) is not None


async def test_files_that_cannot_be_shown_are_held_back(store):
    embedded = replace(store.configured(with_parallel(41)), stored=None)
    told = await store.proposals.held_back(embedded)
    assert told is not None
    assert "cannot be shown" in told
    assert await store.proposals.waiting() == []


async def test_it_is_found_by_its_id_or_by_the_beginning_of_its_digest(store):
    await store.proposals.held_back(store.configured(with_parallel(41)))
    proposal = await store.waiting()
    for name in (proposal.id, proposal.digest, proposal.digest[:6].upper()):
        assert await store.proposals.find(name) == proposal
    for name in ("abc", "pc_aaaaaaaaaaaa", "0000000"):
        with pytest.raises(ProposalNotFound):
            await store.proposals.find(name)


async def test_no_policy_and_no_proposal_need_nobody(store):
    with pytest.raises(ProposalStands, match="change no policy"):
        await store.proposals.propose(store.configured(TWO.replace("4317", "1")).stored, ANNA, "x")
    with pytest.raises(ProposalNotFound):
        await store.proposals.refuse("pc_aaaaaaaaaaaa", ANNA, "x")


async def test_a_database_that_fails_lets_nothing_in(store):
    async with store.database.writing() as connection:
        await connection.exec_driver_sql("DROP TABLE configuration_proposal")
    with pytest.raises(OrdersUnavailable):
        await store.proposals.held_back(store.configured(with_parallel(41)))
