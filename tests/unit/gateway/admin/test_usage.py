"""Usage is told by whatever is asked for, of teams that the caller may see."""

import pytest

from gateway.roles import Role
from tests.fakes.admin import AdminApi, problem_of
from tests.fakes.used import DAY, NOON, Use, file_uses_in, some_uses

SPAN = "since=2026-09-01&until=2026-11-01"
USES = [
    Use(team="web", user="ann", cost_nano_usd=3 * 10**9),
    Use(team="web", user="bob", outcome="denied"),
    Use(team="data", user="ci", is_service=True, price_known=False),
]


async def test_the_dearest_come_first_and_the_total_is_of_all(api: AdminApi) -> None:
    await file_uses_in(api.database, USES)
    told = (await api.get(f"/usage?by=team&limit=1&{SPAN}")).json()
    assert (told["since"], told["until"]) == ("2026-09-01T00:00:00Z", "2026-11-01T00:00:00Z")
    assert told["by"] == ["team"]
    assert [each["team"] for each in told["groups"]] == ["web"]
    assert set(told["groups"][0]) == {"team", "used"}
    assert told["groups"][0]["used"]["requests"] == 2
    assert (told["total"]["requests"], told["total"]["denied"]) == (3, 1)
    assert (told["total"]["unpriced"], told["total"]["cost_nano_usd"]) == (1, 4_500_000_000)
    assert told["next_cursor"] is None


async def test_what_is_not_known_is_null_and_what_was_not_asked_is_left_out(api: AdminApi) -> None:
    await file_uses_in(api.database, USES)
    groups = (await api.get(f"/usage?by=vendor,user&sort=name&{SPAN}")).json()["groups"]
    names = [{key: each[key] for key in each if key != "used"} for each in groups]
    assert names == [
        {"user": "ann", "kind": "person", "vendor": "house"},
        {"user": "bob", "kind": "person", "vendor": None},
        {"user": "ci", "kind": "service", "vendor": "house"},
    ]


@pytest.mark.parametrize("by", ["user", "day", "day,team,user,model,assistant,vendor,target"])
async def test_pages_hold_every_group_once(api: AdminApi, by: str) -> None:
    await file_uses_in(api.database, some_uses(40))
    query = f"/usage?by={by}&sort=name&{SPAN}"
    whole = (await api.get(f"{query}&limit=1000")).json()["groups"]
    paged: list[object] = []
    cursor = ""
    while cursor is not None:
        page = (await api.get(f"{query}&limit=3{cursor}")).json()
        paged += page["groups"]
        cursor = None if page["next_cursor"] is None else f"&cursor={page['next_cursor']}"
    assert paged == whole
    assert len(whole) > 3


async def test_without_a_time_the_last_thirty_days_are_told(api: AdminApi) -> None:
    times = (NOON - 31 * DAY, NOON - 29 * DAY, NOON - 1)
    await file_uses_in(api.database, [Use(unix_seconds=each) for each in times])
    assert (await api.get("/usage")).json()["total"]["requests"] == 2


async def test_what_came_since_the_last_question_is_there(api: AdminApi) -> None:
    await api.get("/usage")
    await file_uses_in(api.database, [Use(unix_seconds=NOON - 1)])
    assert (await api.get("/usage")).json()["total"]["requests"] == 1


async def test_a_team_lead_sees_the_own_team(api: AdminApi) -> None:
    await file_uses_in(api.database, USES)
    lead = {"role": Role.TEAM_LEAD, "team": "web"}
    told = (await api.get(f"/usage?by=team&{SPAN}", **lead)).json()
    assert [each["team"] for each in told["groups"]] == ["web"]
    assert told["total"]["requests"] == 2
    problem_of(await api.get("/usage?team=data", **lead), 403)


@pytest.mark.parametrize("role", [Role.FINANCE, Role.AUDITOR, Role.PLATFORM, Role.SECURITY])
async def test_who_reads_usage_sees_all_teams(api: AdminApi, role: Role) -> None:
    assert (await api.get("/usage", role)).status_code == 200


async def test_a_developer_sees_none(api: AdminApi) -> None:
    problem_of(await api.get("/usage", Role.DEVELOPER, team="web"), 403)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("by=colour", "sums are grouped by day, team"),
        ("by=", "sums are grouped by"),
        ("since=soon", "a time is written"),
        ("since=2026-09-02&until=2026-09-01", "not before until"),
        ("since=2020-01-01&until=2026-01-01", "more than 800 days"),
        ("since=1900-01-01&until=1900-01-02", "not before until"),
        ("limit=0", "query.limit"),
        ("limit=many", "query.limit"),
        ("sort=name&cursor=zzz", "next_cursor"),
        ("sort=spend&cursor=WyJ3ZWIiXQ", "sort=name"),
        ("colour=red", "query.colour: is no parameter here"),
        ("team=web&team=data", "query.team: came twice"),
    ],
)
async def test_what_cannot_be_asked_is_said(api: AdminApi, query: str, told: str) -> None:
    assert told in problem_of(await api.get(f"/usage?{query}"), 422)["detail"]
