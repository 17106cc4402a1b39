"""Who may propose, approve and refuse a change of policy; and what was tried is on record."""

import os
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gateway.acting import Acting
from gateway.policy_changes import ApprovalRefused, PolicyChangesDesk
from gateway.store.changes import Actor
from gateway.store.database import Database
from gateway.store.ledger import Ledger
from gateway.store.proposals import Proposals, ProposalStands
from gateway.store.stored_key import StoredKey
from gateway.store.versions import Versions
from tests.fakes.configurations import GOOD, configured

TWO = f"{GOOD}policy_changes: {{ approvers: 2 }}\n"
NOW_US = 5_000
ROOT = Acting(Actor.os_user("root"))


def by(subject: str, role: str, **changes: object) -> Acting:
    key = StoredKey(f"key_{subject}", "wxyz", "web", subject, frozenset({role}), 1)
    key = replace(key, **changes)
    return Acting(Actor.caller(key.identity), key)


PIA = by("pia", "platform")
SAM = by("sam", "security")
SUE = by("sue", "security")


@dataclass(frozen=True, slots=True)
class Gateway:
    """A desk before a database in which one change waits."""

    desk: PolicyChangesDesk
    database: Database
    proposal_id: str
    fresh: Any

    async def held(self) -> str | None:
        return await self.desk.proposals.held_back(self.fresh)

    async def last(self) -> dict[str, Any]:
        return (await Ledger(self.database).newest(100))[-1].body


@pytest.fixture
async def gateway(tmp_path, database) -> Gateway:
    proposals = Proposals(database, unix_us=lambda: NOW_US)
    await Versions(database, unix_us=lambda: NOW_US).enter(configured(tmp_path, TWO))
    fresh = configured(tmp_path, TWO.replace("parallel: 40", "parallel: 41"))
    await proposals.held_back(fresh)
    (waiting,) = await proposals.waiting()
    desk = PolicyChangesDesk(proposals, lambda: NOW_US, os.urandom)
    return Gateway(desk, database, waiting.id, fresh)


async def test_platform_proposes_and_security_approves(gateway):
    await gateway.desk.stand_behind(gateway.proposal_id, PIA, "more room")
    done = await gateway.desk.approve(gateway.proposal_id, SAM, "agreed")
    assert done.is_approved
    assert await gateway.held() is None


async def test_two_of_security_approve_what_nobody_proposed(gateway):
    for person in (SAM, SUE):
        await gateway.desk.approve(gateway.proposal_id, person, "agreed")
    assert await gateway.held() is None


async def test_one_approval_of_what_nobody_proposed_is_not_enough(gateway):
    await gateway.desk.approve(gateway.proposal_id, SAM, "agreed")
    assert "1 more have to approve" in str(await gateway.held())


@pytest.mark.parametrize(
    ("somebody", "why"),
    [
        (PIA, "takes one of: admin, security"),
        (by("dev", "developer"), "takes one of: admin, security"),
        (by("ann", "auditor"), "takes one of: admin, security"),
        (ROOT, "two people, who show their keys"),
        (by("ci", "security", is_service=True), "is a service"),
        (by("gone", "security", revoked_unix_us=1), "is revoked"),
        (by("late", "security", expires_unix_us=NOW_US), "has expired"),
        (Acting(Actor.os_user("root"), problem="the key is mistyped"), "mistyped"),
    ],
)
async def test_who_may_not_approve_is_told_why_and_on_record(gateway, somebody, why):
    with pytest.raises(ApprovalRefused, match=why):
        await gateway.desk.approve(gateway.proposal_id, somebody, "me")
    body = await gateway.last()
    assert (body["kind"], body["attempt"], body["about_id"]) == (
        "config_approval_refused",
        "approve",
        gateway.proposal_id,
    )
    assert body["actor"]["name"] == somebody.actor.name
    assert "2 more" in str(await gateway.held())


async def test_who_proposed_does_not_approve_as_well(gateway):
    both = by("sam", "security", id="key_second")
    await gateway.desk.stand_behind(gateway.proposal_id, SAM, "mine")
    with pytest.raises(ApprovalRefused, match="another person than sam, who proposed it"):
        await gateway.desk.approve(gateway.proposal_id, both, "me again")
    assert (await gateway.last())["refusal"].startswith("this takes another person")


async def test_two_who_only_propose_are_not_enough(gateway):
    for person in (PIA, by("pete", "platform")):
        await gateway.desk.stand_behind(gateway.proposal_id, person, "so")
    assert "1 more have to approve" in str(await gateway.held())


async def test_files_can_be_proposed_by_name(gateway):
    proposal = await gateway.desk.propose(gateway.fresh.stored, PIA, "more room")
    assert (proposal.id, proposal.missing) == (gateway.proposal_id, 1)
    with pytest.raises(ApprovalRefused, match="admin, platform, security"):
        await gateway.desk.propose(gateway.fresh.stored, by("dev", "developer"), "so")
    with pytest.raises(ApprovalRefused, match="another person than pia"):
        await gateway.desk.propose(gateway.fresh.stored, PIA, "more room")


@pytest.mark.parametrize("somebody", [PIA, SAM, ROOT])
async def test_one_person_is_enough_to_refuse(gateway, somebody):
    await gateway.desk.refuse(gateway.proposal_id, somebody, "no")
    assert "refused this one" in str(await gateway.held())
    with pytest.raises(ProposalStands, match="is refused"):
        await gateway.desk.approve(gateway.proposal_id, SUE, "but")


async def test_not_everybody_refuses(gateway):
    with pytest.raises(ApprovalRefused, match="takes one of"):
        await gateway.desk.refuse(gateway.proposal_id, by("dev", "developer"), "no")
    assert (await gateway.last())["attempt"] == "refuse"
