"""Over the admin API, too, a change of policy takes two people with the roles for it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.configuration.build import Configuration, load
from gateway.roles import Role
from gateway.store.database import Database
from gateway.store.ledger import Ledger
from tests.fakes.admin import ANNA, CONFIGURATION, AdminApi, an_admin_api, problem_of
from tests.fakes.configurations import ENVIRON, SHIPPED, write

TWO = f"{CONFIGURATION}policy_changes: {{ approvers: 2 }}\n"
WHY = {"reason": "more room"}


@dataclass(frozen=True, slots=True)
class Waiting:
    """An admin API before a change that waits."""

    api: AdminApi
    fresh: Configuration
    id: str

    @property
    def path(self) -> str:
        return f"/policy/proposals/{self.id}"

    async def held(self) -> str | None:
        return await self.api.desk.policy_changes.proposals.held_back(self.fresh)


@pytest.fixture
async def waiting(tmp_path: Path, database: Database) -> AsyncIterator[Waiting]:
    async with an_admin_api(tmp_path, TWO, store=database) as api:
        await api.desk.versions.enter(api.in_force.configuration)
        changed = TWO.replace("parallel: 4", "parallel: 5")
        fresh = load(write(tmp_path, changed), ENVIRON, SHIPPED)
        proposals = api.desk.policy_changes.proposals
        await proposals.held_back(fresh)
        (only,) = await proposals.waiting()
        yield Waiting(api, fresh, only.id)


async def test_what_waits_is_told_with_what_it_would_change(waiting: Waiting) -> None:
    problem_of(await waiting.api.get("/policy/proposals", Role.FINANCE), 403)
    (told,) = (await waiting.api.get("/policy/proposals", Role.AUDITOR)).json()["proposals"]
    assert (told["id"], told["state"], told["needs"], told["missing"]) == (
        waiting.id,
        "waiting",
        2,
        2,
    )
    assert (told["digest"], told["is_in_the_files"]) == (waiting.fresh.digest, True)
    assert told["changes"] == [{"path": "teams.web.limits.parallel", "old": "4", "new": "5"}]
    assert (await waiting.api.get(waiting.path)).json() == told


async def test_platform_proposes_and_security_approves(waiting: Waiting) -> None:
    proposed = await waiting.api.post(f"{waiting.path}/propose", WHY, Role.PLATFORM)
    (person,) = proposed.json()["people"]
    assert (person["name"], person["stands"]) == ("op-platform", "proposed")
    assert person["reason"] == "more room"
    approved = await waiting.api.post(f"{waiting.path}/approve", WHY, Role.SECURITY)
    assert (approved.status_code, approved.json()["missing"]) == (200, 0)
    assert await waiting.held() is None


async def test_who_lacks_the_role_does_not_approve_and_the_attempt_is_told(
    waiting: Waiting,
) -> None:
    told = problem_of(await waiting.api.post(f"{waiting.path}/approve", WHY, Role.PLATFORM), 403)
    assert told["code"] == "may_not_approve"
    assert "takes one of: admin, security" in told["detail"]
    bodies = [row.body for row in await Ledger(waiting.api.database).newest(100)]
    (tried,) = (each for each in bodies if each["kind"] == "config_approval_refused")
    assert tried["actor"]["name"] == "op-platform"
    assert await waiting.held() is not None


async def test_nobody_is_two_people(waiting: Waiting) -> None:
    for role, status in ((Role.SECURITY, 200), (Role.SECURITY, 403), (Role.ADMIN, 403)):
        answer = await waiting.api.post(f"{waiting.path}/approve", WHY, role, user="sam")
        assert answer.status_code == status
    assert await waiting.held() is not None


async def test_a_service_is_nobody(waiting: Waiting) -> None:
    issuer = waiting.api.desk.issuer(ANNA)
    key = await issuer.issue("administrators", "ci", frozenset({Role.SECURITY}), is_service=True)
    await waiting.api.desk.refresh_keys()
    sent = {"headers": {"authorization": f"Bearer {key.secret.reveal()}"}}
    answer = await waiting.api.post(f"{waiting.path}/approve", WHY, **sent)
    assert "is a service" in problem_of(answer, 403)["detail"]


async def test_who_refuses_ends_it(waiting: Waiting) -> None:
    problem_of(await waiting.api.post(f"{waiting.path}/refuse", WHY, Role.AUDITOR), 403)
    refused = await waiting.api.post(f"{waiting.path}/refuse", WHY, Role.PLATFORM)
    assert refused.json()["state"] == "refused"
    assert (await waiting.api.get("/policy/proposals")).json()["proposals"] == []
    answer = await waiting.api.post(f"{waiting.path}/approve", WHY, Role.SECURITY)
    assert problem_of(answer, 409)["code"] == "proposal_is_over"


async def test_what_there_is_not_is_not_found(waiting: Waiting) -> None:
    answer = await waiting.api.get("/policy/proposals/pc_aaaaaaaaaaaa")
    assert problem_of(answer, 404)["code"] == "unknown_proposal"
    problem_of(await waiting.api.get("/policy/proposals/x"), 422)
    problem_of(await waiting.api.post(f"{waiting.path}/approve", {}, Role.SECURITY), 422)


async def test_a_database_that_fails_is_told_so(waiting: Waiting) -> None:
    async with waiting.api.database.writing() as connection:
        await connection.exec_driver_sql("DROP TABLE configuration_proposal")
    problem_of(await waiting.api.get("/policy/proposals"), 503)
