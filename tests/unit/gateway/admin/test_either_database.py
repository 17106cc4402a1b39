"""All that asks the database asks PostgreSQL alike."""

from pathlib import Path

import pytest

from gateway.roles import Role
from gateway.store.database import Database
from tests.fakes.admin import an_admin_api, problem_of
from tests.fakes.used import file_uses_in, some_uses

SPAN = "since=2026-09-10&until=2026-10-10"
PATHS = (
    f"/usage?by=day,team,user,vendor&limit=3&{SPAN}",
    f"/usage?by=user,day&sort=name&limit=3&{SPAN}",
    "/users?limit=3",
    "/keys?limit=3&state=active",
    "/keys?user=ann&state=expired",
    f"/ledger?limit=3&{SPAN}",
    f"/ledger?user=ann&outcome=complete&{SPAN}",
    f"/ledger?turn=5e5e&limit=3&{SPAN}",
    "/teams",
    "/policy/versions",
    "/policy/proposals",
)


@pytest.mark.parametrize("path", PATHS)
async def test_every_list_has_its_pages(tmp_path: Path, database: Database, path: str) -> None:
    await file_uses_in(database, some_uses(40))
    async with an_admin_api(tmp_path, store=database) as api:
        for user in ("ann", "bob", "cem", "dee"):
            await api.key(Role.DEVELOPER, "web", user)
        page = await api.get(path)
        assert page.status_code == 200, page.text
        if page.json().get("next_cursor") is not None:
            after = await api.get(f"{path}&cursor={page.json()['next_cursor']}")
            assert after.status_code == 200, after.text
            assert after.json() != page.json()


async def test_a_key_is_made_once_under_a_name(tmp_path: Path, database: Database) -> None:
    sent = {"headers": {"idempotency-key": "7f3a"}}
    async with an_admin_api(tmp_path, store=database) as api:
        assert (await api.post("/keys", {"team": "web", "user": "a"}, **sent)).status_code == 201
        problem_of(await api.post("/keys", {"team": "web", "user": "a"}, **sent), 409)
