"""Caps are told as they stand: of teams also those that nobody has used yet."""

import pytest

from gateway.admin.caps import is_of
from gateway.caps.port import Claim
from gateway.roles import Role
from policy.types import Cap, Pace, Period, Unit, Window
from tests.fakes.admin import AdminApi, problem_of

MONTH = Window(Period.MONTH, Pace.CALENDAR, "UTC")
SPEND = Cap("team:web", Unit.NANO_USD, 12_500_000_000, MONTH)
OF_ANN = Cap("user:ann (team web)", Unit.NANO_USD, 1_000, MONTH)
OF_DATA = Cap("team:data user:bob (rule few)", Unit.REQUESTS, 5, Window.NOW)


async def use(api: AdminApi) -> None:
    """Somebody has used some of each, and an answer is under way."""
    claims = [Claim(each, 100, 300) for each in (SPEND, OF_ANN)]
    ended = await api.counters.reserve("gh-1", claims, ["house/qwen3-coder"])
    api.counters.settle(ended, [70, 70])  # type: ignore[arg-type]  # nothing was refused
    await api.counters.reserve("gh-2", claims, ["house/qwen3-coder"])
    await api.counters.reserve("gh-3", [Claim(OF_DATA, 1, 1)], ["house/small"])


async def test_a_team_that_used_nothing_has_its_limits(api: AdminApi) -> None:
    caps = (await api.get("/caps")).json()["caps"]
    told = {(each["account"], each["unit"]): (each["limit"], each["used"]) for each in caps}
    assert told == {
        ("team:web", "nano_usd"): (12_500_000_000, 0),
        ("team:web", "parallel"): (4, 0),
        ("team:web", "requests"): (600, 0),
    }


async def test_what_is_used_and_held_is_told_and_when_it_resets(api: AdminApi) -> None:
    await use(api)
    (cap,) = (await api.get("/caps?unit=nano_usd&team=web&limit=1")).json()["caps"]
    assert (cap["account"], cap["limit"]) == ("team:web", 12_500_000_000)
    assert (cap["used"], cap["held"], cap["at_risk"]) == (70, 100, 200)
    assert cap["resets"] == "2026-10-01T00:00:00Z"


async def test_pages_hold_every_account_once(api: AdminApi) -> None:
    await use(api)
    whole = (await api.get("/caps")).json()["caps"]
    paged: list[object] = []
    cursor = ""
    while cursor is not None:
        page = (await api.get(f"/caps?limit=2{cursor}")).json()
        paged += page["caps"]
        cursor = None if page["next_cursor"] is None else f"&cursor={page['next_cursor']}"
    assert paged == whole
    assert len(whole) == 5


async def test_a_team_lead_sees_the_own_teams_accounts(api: AdminApi) -> None:
    await use(api)
    lead = {"role": Role.TEAM_LEAD, "team": "web"}
    accounts = {each["account"] for each in (await api.get("/caps", **lead)).json()["caps"]}
    assert accounts == {"team:web", "user:ann (team web)"}
    problem_of(await api.get("/caps?team=data", **lead), 403)
    problem_of(await api.get("/caps", Role.FINANCE), 403)


@pytest.mark.parametrize(
    ("account", "belongs"),
    [
        ("team:web", True),
        ("team:web (rule few)", True),
        ("team:web user:ann (rule few)", True),
        ("key:key_a (team web)", True),
        ("team:web2", False),
        ("user:ann (team web2)", False),
        ("user:ann (rule few)", False),
        ("vendor:web", False),
    ],
)
def test_an_account_belongs_to_the_team_it_names(account: str, belongs: bool) -> None:
    assert is_of("web", account) is belongs
