"""Teams are told as they are written, with what they used this month."""

from gateway.admin.teams import limits_told
from gateway.roles import Role
from policy.document import TeamDocument
from tests.fakes.admin import NOW_US, AdminApi, problem_of
from tests.fakes.used import DAY, NOON, Use, file_uses_in


async def test_a_team_is_told_with_its_limits_in_integers(api: AdminApi) -> None:
    web = (await api.get("/teams/web")).json()
    assert (web["models"], web["data_class"]) == (["coder", "small"], "internal")
    assert web["limits"] == {
        "requests_per_minute": 600,
        "nano_usd_per_month": 12_500_000_000,
        "parallel": 4,
        "max_request_bytes": 33_554_432,
    } | {name: web["limits"][name] for name in web["limits"] if name in ("strict", "time_zone")}


async def test_what_a_team_used_this_month_is_told(api: AdminApi) -> None:
    before = NOON - 22 * DAY  # the last of August
    uses = [Use(team="web"), Use(team="web", unix_seconds=before), Use(team="gone")]
    await file_uses_in(api.database, uses)
    told = (await api.get("/teams")).json()["teams"]
    used = {each["name"]: each["used"]["requests"] for each in told}
    assert used == {"data": 0, "web": 1}
    assert told[0]["month"] == "2026-09-01T00:00:00Z"
    assert told[0]["month_unix_us"] < NOW_US


async def test_a_team_that_there_is_not_is_not_found(api: AdminApi) -> None:
    problem_of(await api.get("/teams/nope"), 404)


async def test_a_team_lead_sees_the_own_team(api: AdminApi) -> None:
    lead = {"role": Role.TEAM_LEAD, "team": "web"}
    told = (await api.get("/teams", **lead)).json()["teams"]
    assert [each["name"] for each in told] == ["web"]
    assert (await api.get("/teams/web", **lead)).status_code == 200
    problem_of(await api.get("/teams/data", **lead), 403)


async def test_finance_and_developers_do_not_read_the_configuration(api: AdminApi) -> None:
    for role in (Role.FINANCE, Role.DEVELOPER):
        problem_of(await api.get("/teams", role), 403)


def test_limits_within_limits_are_told_too() -> None:
    written = {"models": (), "data_class": "public", "limits": {"usd_per_month": 3}}
    assert limits_told(TeamDocument.model_validate(written))["nano_usd_per_month"] == 3 * 10**9
