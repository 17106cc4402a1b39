"""The status says how the gateway stands; whoami says to anybody with a key who they are."""

import pytest

from gateway.roles import Role
from tests.fakes.admin import NOW_US, AdminApi, problem_of


async def test_the_status_of_a_gateway_that_serves(api: AdminApi) -> None:
    told = (await api.get("/status")).json()
    assert (told["version"], told["ready"], told["draining"]) == ("1.2.3", True, False)
    assert (told["counters"], told["break_glass"]) == ("in_process", "none")
    assert (told["started"], told["started_unix_us"]) == ("2026-09-22T12:00:00Z", NOW_US)
    assert told["configuration"] == {
        "digest": api.in_force.configuration.digest,
        "since": "2026-09-22T12:00:00Z",
        "since_unix_us": NOW_US,
        "file": str(api.in_force.configuration.source),
        "state": "in_force",
    }


async def test_one_that_drains_or_has_no_ledger_says_so(api: AdminApi) -> None:
    api.desk.status.is_draining = True
    api.health.records_failed(1, "database")
    told = (await api.get("/status")).json()
    assert (told["ready"], told["draining"], told["ledger"]) == (False, True, "refusing")


@pytest.mark.parametrize("role", [Role.PLATFORM, Role.SECURITY, Role.AUDITOR])
async def test_who_looks_after_it_may_ask(api: AdminApi, role: Role) -> None:
    assert (await api.get("/status", role)).status_code == 200


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.TEAM_LEAD, Role.FINANCE])
async def test_others_may_not(api: AdminApi, role: Role) -> None:
    problem_of(await api.get("/status", role, team="web"), 403)


async def test_everybody_with_a_key_learns_who_they_are(api: AdminApi) -> None:
    told = (await api.get("/whoami", Role.DEVELOPER, team="web", user="ann")).json()
    key = await api.key(Role.DEVELOPER, "web", "ann")
    assert told == {
        "subject": "ann",
        "kind": "person",
        "team": "web",
        "roles": ["developer"],
        "credential_id": key.stored.id,
        "permissions": ["use_models"],
    }
