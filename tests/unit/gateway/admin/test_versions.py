"""Versions are told with what they changed and their text, and put in force again by order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import ordering
from gateway.configuration.build import Configuration, load
from gateway.roles import Role
from gateway.store.tables import ORDERS, VERSIONS
from tests.fakes.admin import CONFIGURATION, AdminApi, problem_of
from tests.fakes.configurations import ENVIRON, SHIPPED, write
from tests.fakes.ledger_file import durable_records

WHY = {"reason": "the limit was wrong"}


@pytest.fixture
async def two(api: AdminApi, tmp_path: Path) -> tuple[Configuration, Configuration]:
    """The version in force, and one that came after it."""
    first = api.in_force.configuration
    await api.desk.versions.enter(first)
    api.now[0] += 1
    changed = CONFIGURATION.replace("parallel: 4", "parallel: 5")
    second = load(write(tmp_path, changed), ENVIRON, SHIPPED)
    await api.desk.versions.enter(second)
    return first, second


@asynccontextmanager
async def carrying_out(api: AdminApi, *known: Configuration) -> AsyncIterator[None]:
    """A gateway that looks for orders; the files say the last of these."""
    by_digest = {each.digest: each for each in known}

    async def look() -> None:
        while True:
            asked = (await api.desk.versions.standing()).asked
            if asked is not None:
                wanted = by_digest[asked.digest or known[-1].digest]
                await api.desk.versions.enter(wanted, asked)
            await asyncio.sleep(0.01)

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait([looking])


async def test_versions_are_told_with_what_they_changed(
    api: AdminApi, two: tuple[Configuration, Configuration]
) -> None:
    first, second = two
    new, old = (await api.get("/policy/versions")).json()["versions"]
    assert (new["digest"], new["is_in_force"]) == (second.digest, False)
    assert (old["digest"], old["is_in_force"]) == (first.digest, True)
    assert (old["first"], old["file_count"]) == ("2026-09-22T12:00:00Z", 1)
    assert "parallel" in str(new["changes"])


async def test_they_come_in_pages(api: AdminApi, two: tuple[Configuration, Configuration]) -> None:
    page = (await api.get("/policy/versions?limit=1")).json()
    rest = (await api.get(f"/policy/versions?limit=1&cursor={page['next_cursor']}")).json()
    found = [each["digest"] for each in (*page["versions"], *rest["versions"])]
    assert found == [two[1].digest, two[0].digest]
    assert rest["next_cursor"] is None


async def test_a_version_is_read_by_a_beginning_of_its_digest(
    api: AdminApi, two: tuple[Configuration, Configuration]
) -> None:
    first, second = two
    told = (await api.get(f"/policy/versions/{second.digest[:9]}")).json()
    (file,) = told["files"]
    assert (told["digest"], file["name"], file["role"]) == (
        second.digest,
        "gatehouse.yaml",
        "configuration",
    )
    assert "parallel: 5" in file["text"]
    assert (await api.get("/policy/versions/previous")).json()["digest"] == first.digest
    assert problem_of(await api.get("/policy/versions/00000"), 404)["code"] == "unknown_version"
    problem_of(await api.get("/policy/versions/nonsense"), 422)


async def test_a_rollback_and_its_end_are_carried_out_in_the_name_of_the_key(
    api: AdminApi, two: tuple[Configuration, Configuration]
) -> None:
    first, second = two
    key = (await api.key(Role.PLATFORM)).stored
    async with carrying_out(api, first, replace(second)):
        told = (await api.post("/policy/rollback", WHY, Role.PLATFORM)).json()
        assert (told["in_force"], told["order"]["digest"]) == (first.digest, first.digest)
        assert told["order"]["by_credential_id"] == key.id
        assert (await api.get("/policy")).json()["pin"] == told["order"]
        ended = (await api.post("/policy/resume", {"reason": "mended"}, Role.PLATFORM)).json()
        assert (ended["in_force"], ended["order"]["digest"]) == (second.digest, None)
    actors = {
        each["kind"]: each["actor"]
        for each in durable_records(api.folder)
        if each["kind"] in ("config_pinned", "config_resumed")
    }
    who = {"kind": "key", "name": "op-platform", "key_id": key.id}
    assert actors == {"config_pinned": who, "config_resumed": who}


async def test_what_no_gateway_carries_out_changes_nothing(
    api: AdminApi, two: tuple[Configuration, Configuration], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "PATIENCE_SECONDS", 0.0)
    told = problem_of(await api.post("/policy/rollback", WHY), 409)
    assert told["code"] == "not_carried_out"
    assert "no gateway took it" in told["detail"]
    assert (await api.get("/policy")).json()["pin"] is None


async def test_what_cannot_be_ordered_is_said(api: AdminApi) -> None:
    await api.desk.versions.enter(api.in_force.configuration)
    assert problem_of(await api.post("/policy/rollback", WHY), 404)["code"] == "unknown_version"
    assert problem_of(await api.post("/policy/resume", WHY), 404)["code"] == "not_pinned"
    for reason in ("", "x" * 401, "two\nlines"):
        problem_of(await api.post("/policy/rollback", {"reason": reason}), 422)


async def test_a_database_that_is_away_is_told(api: AdminApi) -> None:
    async with api.database.writing() as connection:
        for table in (ORDERS, VERSIONS):
            await connection.exec_driver_sql(f"DROP TABLE {table.name}")
    for answer in (await api.get("/policy/versions"), await api.post("/policy/resume", WHY)):
        assert problem_of(answer, 503)["code"] == "database_unavailable"


@pytest.mark.parametrize(
    ("role", "reads", "orders"),
    [
        (Role.PLATFORM, True, True),
        (Role.SECURITY, True, False),
        (Role.AUDITOR, True, False),
        (Role.TEAM_LEAD, False, False),
        (Role.DEVELOPER, False, False),
        (Role.FINANCE, False, False),
    ],
)
async def test_it_takes_the_permission(
    api: AdminApi, role: Role, reads: bool, orders: bool
) -> None:
    for path in ("/policy/versions", "/policy/versions/previous"):
        assert ((await api.get(path, role, team="web")).status_code != 403) is reads
    for path in ("/policy/rollback", "/policy/resume"):
        assert ((await api.post(path, WHY, role, team="web")).status_code != 403) is orders
