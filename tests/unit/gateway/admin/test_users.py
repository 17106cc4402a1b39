"""Users are told with their teams, their keys, and when they were last seen."""

from gateway.roles import Role
from tests.fakes.admin import AdminApi, problem_of
from tests.fakes.used import HOUR, NOON, Use, file_uses_in


async def test_a_user_is_told_with_keys_and_last_hour(api: AdminApi) -> None:
    await api.key(Role.DEVELOPER, "web", "ann")
    await file_uses_in(api.database, [Use(user="ann", unix_seconds=NOON - HOUR + 5)])
    (ann,) = (await api.get("/users?user=ann")).json()["users"]
    assert ann == {
        "user": "ann",
        "kind": "person",
        "teams": ["web"],
        "keys": 1,
        "active_keys": 1,
        "last_seen": "2026-09-22T11:00:00Z",
        "last_seen_unix_us": (NOON - HOUR) * 1_000_000,
    }


async def test_pages_hold_everybody_once(api: AdminApi) -> None:
    await file_uses_in(api.database, [Use(user=each) for each in "abcde"])
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await api.get(f"/users?team=web&limit=2{cursor}")).json()
        seen += [each["user"] for each in page["users"]]
        cursor = None if page["next_cursor"] is None else f"&cursor={page['next_cursor']}"
    assert seen == list("abcde")


async def test_a_team_lead_sees_the_own_team(api: AdminApi) -> None:
    await file_uses_in(api.database, [Use(user="ann", team="web"), Use(user="bob", team="data")])
    lead = {"role": Role.TEAM_LEAD, "team": "web", "user": "lea"}
    told = (await api.get("/users", **lead)).json()["users"]
    assert [each["user"] for each in told] == ["ann", "lea"]
    problem_of(await api.get("/users?team=data", **lead), 403)


async def test_finance_and_developers_see_nobody(api: AdminApi) -> None:
    for role in (Role.FINANCE, Role.DEVELOPER):
        problem_of(await api.get("/users", role), 403)
