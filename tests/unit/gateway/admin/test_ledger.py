"""Records are found by what is known of them, and an exchange is read whole."""

import pytest

from gateway.roles import Role
from tests.fakes.admin import AdminApi, problem_of
from tests.fakes.used import HOUR, NOON, Use, file_uses_in, some_uses

USES = [
    Use(user="ann", unix_seconds=NOON - 3 * HOUR),
    Use(user="bob", team="data", outcome="denied", unix_seconds=NOON - 2 * HOUR),
    Use(user="ann", model="small", outcome="failed", unix_seconds=NOON - HOUR),
]


async def test_the_newest_come_first_with_their_hashes(api: AdminApi) -> None:
    await file_uses_in(api.database, USES)
    told = (await api.get("/ledger?kind=completed")).json()
    assert (told["since"], told["until"]) == ("2026-09-21T12:00:00Z", "2026-09-22T12:00:00Z")
    newest = told["records"][0]
    assert (newest["kind"], newest["record"]["outcome"]) == ("completed", "failed")
    assert newest["id"] == newest["record"]["exchange_id"]
    assert newest["time_unix_us"] == newest["record"]["time_unix_us"]
    assert len(newest["record_hash"]) == 64
    assert [each["record"]["outcome"] for each in told["records"]] == ["failed", "complete"]


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("user=bob", ["denied"]),
        ("team=data", ["denied"]),
        ("outcome=model_access", ["denied"]),
        ("outcome=failed", ["completed"]),
        ("model=small&kind=admitted", ["admitted"]),
        ("turn=5e5e&kind=denied", ["denied"]),
        ("turn=aaaa", []),
        ("exception=bg_abcdefghijkl", []),
        ("kind=break_glass_proposed", []),
        ("since=2026-09-22T10:30:00Z&kind=admitted", ["admitted"]),
        ("until=2026-09-22T09:30:00Z&kind=completed", ["completed"]),
        ("user=nobody", []),
    ],
)
async def test_records_are_found_by_what_is_known(
    api: AdminApi, query: str, kinds: list[str]
) -> None:
    await file_uses_in(api.database, USES)
    found = (await api.get(f"/ledger?{query}")).json()["records"]
    assert [each["kind"] for each in found] == kinds


async def test_pages_hold_every_record_once(api: AdminApi) -> None:
    await file_uses_in(api.database, some_uses(30))
    span = "since=2026-09-20&until=2026-10-10&team=web"
    whole = (await api.get(f"/ledger?{span}&limit=1000")).json()["records"]
    paged: list[object] = []
    cursor = ""
    while cursor is not None:
        page = (await api.get(f"/ledger?{span}&limit=3{cursor}")).json()
        paged += page["records"]
        cursor = None if page["next_cursor"] is None else f"&cursor={page['next_cursor']}"
    assert paged == whole
    assert len(whole) > 6


async def test_an_exchange_is_read_whole_also_by_a_beginning(api: AdminApi) -> None:
    await file_uses_in(api.database, USES[:1])
    (end,) = (await api.get("/ledger?kind=completed")).json()["records"]
    for name in (end["id"], end["id"][:20], end["id"].removeprefix("gh-").lower()):
        story = (await api.get(f"/ledger/{name}")).json()
        assert story["id"] == end["id"]
        assert [each["kind"] for each in story["records"]] == ["admitted", "attempted", "completed"]


async def test_a_keys_changes_are_a_story_too(api: AdminApi) -> None:
    key = (await api.key(Role.ADMIN)).stored
    story = (await api.get(f"/ledger/{key.id}")).json()
    assert [each["kind"] for each in story["records"]] == ["key_created"]


async def test_what_is_not_on_record_is_not_found(api: AdminApi) -> None:
    assert problem_of(await api.get("/ledger/gh-01ZZZZ"), 404)["code"] == "unknown_record"
    problem_of(await api.get("/ledger/x"), 422)


async def test_a_beginning_of_several_is_told(api: AdminApi) -> None:
    await file_uses_in(api.database, USES)
    assert problem_of(await api.get("/ledger/gh-01"), 422)["code"] == "ambiguous_id"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("since=2026-01-01", "more than 31 days"),
        ("since=2026-09-22&until=2026-09-21", "not before until"),
        ("kind=DROP", "query.kind"),
        ("turn=%25", "query.turn"),
    ],
)
async def test_what_cannot_be_searched_is_said(api: AdminApi, query: str, told: str) -> None:
    assert told in problem_of(await api.get(f"/ledger?{query}"), 422)["detail"]


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.AUDITOR, True),
        (Role.SECURITY, True),
        (Role.PLATFORM, False),
        (Role.FINANCE, False),
        (Role.TEAM_LEAD, False),
        (Role.DEVELOPER, False),
    ],
)
async def test_the_ledger_is_for_those_who_look_into_it(
    api: AdminApi, role: Role, may: bool
) -> None:
    for path in ("/ledger", "/ledger/gh-01ZZZZ"):
        refused = (await api.get(path, role, team="web")).status_code == 403
        assert refused is not may
