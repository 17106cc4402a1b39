"""The version in force is told with its rules as written, and by whose order it is."""

from pathlib import Path

import pytest

from gateway.roles import Role
from gateway.store.tables import ORDERS
from tests.fakes.admin import ANNA, CONFIGURATION, NOW_US, AdminApi, an_admin_api, problem_of

RULES = """\
rules:
  - id: leaving
    effect: deny
    match: { assistants: [claude-code] }
    reason: It goes on the tenth.
    alternative: qoder
    owner: security
    from: 2026-07-10
    warn_from: 2026-06-10
"""


async def test_the_version_in_force_has_its_rules_as_written(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    async with an_admin_api(tmp_path, CONFIGURATION + "policy: [rules.yaml]\n") as api:
        told = (await api.get("/policy")).json()
        digest = api.in_force.configuration.digest
    (rule,) = told["rules"]
    assert (told["digest"], told["since_unix_us"], told["origin"]) == (digest, NOW_US, "files")
    assert told["pin"] is None
    assert [Path(each).name for each in told["files"]] == ["gatehouse.yaml", "rules.yaml"]
    assert rule == {
        "id": "leaving",
        "effect": "deny",
        "mode": "enforce",
        "place": "rules.yaml:2",
        "reason": "It goes on the tenth",
        "alternative": "qoder",
        "owner": "security",
        "warn_from": "2026-06-10",
        "begins": "2026-07-10",
        "until": None,
        "match": {"assistants": ["claude-code"]},
    }


async def test_a_pin_says_by_whose_order(api: AdminApi) -> None:
    digest = api.in_force.configuration.digest
    await api.desk.versions.enter(api.in_force.configuration)
    await api.desk.versions.order_at_once(digest, "it was better", ANNA)
    pin = (await api.get("/policy")).json()["pin"]
    assert (pin["digest"], pin["by"], pin["reason"]) == (digest, "anna", "it was better")


async def test_a_database_that_is_away_is_told(api: AdminApi) -> None:
    async with api.database.writing() as connection:
        await connection.exec_driver_sql(f"DROP TABLE {ORDERS.name}")
    assert problem_of(await api.get("/policy"), 503)["code"] == "database_unavailable"


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.TEAM_LEAD, Role.FINANCE])
async def test_who_does_not_read_the_configuration_sees_none(api: AdminApi, role: Role) -> None:
    problem_of(await api.get("/policy", role, team="web"), 403)
