"""Registers are told with the days that are left, today."""

from pathlib import Path

import pytest

from gateway.roles import Role
from tests.fakes.admin import CONFIGURATION, AdminApi, an_admin_api, problem_of
from tests.fakes.configurations import ASSISTANTS

REGISTER = """\
vendors:
  house:
    clearance: restricted
    jurisdiction: DE
    region: our own
    retention: none
    training_use: never
    reviewer: ada@example.com
    reviewed: 2026-01-10
    valid_until: {until}
"""


@pytest.mark.parametrize(
    ("until", "state", "left"),
    [("2026-09-21", "lapsed", -1), ("2026-09-22", "lapses soon", 0), ("2027-01-01", "holds", 101)],
)
async def test_a_vendor_has_so_many_days_left(
    tmp_path: Path, until: str, state: str, left: int
) -> None:
    (tmp_path / "vendors.yaml").write_text(REGISTER.format(until=until))
    text = CONFIGURATION + "registers: { vendors: vendors.yaml }\n"
    async with an_admin_api(tmp_path, text) as api:
        told = (await api.get("/registers/vendors")).json()
        none = (await api.get("/registers/vendors?state=missing")).json()
    (entry,) = told["entries"]
    assert told["is_kept"] is True
    assert (entry["name"], entry["state"], entry["days_left"]) == ("house", state, left)
    assert entry["where"].endswith("vendors.yaml:10:18")
    assert entry["entry"]["valid_until"] == until
    assert none["entries"] == []


async def test_a_register_that_is_not_kept_says_so(api: AdminApi) -> None:
    told = (await api.get("/registers/assistants")).json()
    assert told == {"is_kept": False, "entries": []}


async def test_assistants_have_a_register_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "assistants.yaml").write_text(ASSISTANTS)
    text = CONFIGURATION + "registers: { assistants: assistants.yaml }\n"
    async with an_admin_api(tmp_path, text) as api:
        told = (await api.get("/registers/assistants")).json()
    assert told["is_kept"] is True
    assert all(each["entry"]["approved_versions"] for each in told["entries"])
    assert told["entries"]


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.TEAM_LEAD, Role.FINANCE])
async def test_who_does_not_read_the_configuration_sees_none(api: AdminApi, role: Role) -> None:
    problem_of(await api.get("/registers/vendors", role, team="web"), 403)
