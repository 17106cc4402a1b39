"""Exceptions are opened by whom they may be, by two where that takes two, once a request."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.roles import Role
from tests.fakes.admin import CONFIGURATION, NOW_US, AdminApi, an_admin_api, problem_of
from tests.fakes.ledger_file import durable_records

RULES = "rules: [{ id: no-codex, effect: deny, match: { assistants: [codex] }, reason: x }]\n"
WISH: dict[str, Any] = {
    "reason": "the model is down",
    "for_seconds": 7200,
    "lifts": {"rules": ["no-codex"]},
    "scope": {"teams": ["web"]},
}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[AdminApi]:
    (tmp_path / "rules.yaml").write_text(RULES)
    async with an_admin_api(tmp_path, CONFIGURATION + "policy: [rules.yaml]\n") as api:
        yield api


@pytest.fixture
async def of_two(tmp_path: Path) -> AsyncIterator[AdminApi]:
    """Where an exception takes two people."""
    (tmp_path / "rules.yaml").write_text(RULES)
    terms = "policy: [rules.yaml]\nbreak_glass: { max_hours: 8, approvers: 2 }\n"
    async with an_admin_api(tmp_path, CONFIGURATION + terms) as api:
        yield api


def events(api: AdminApi) -> list[str]:
    kinds = [each["kind"] for each in durable_records(api.folder)]
    return [each.removeprefix("break_glass_") for each in kinds if "break_glass" in each]


async def test_what_is_opened_holds_at_once_and_is_told(api: AdminApi) -> None:
    answer = await api.post("/break-glass", WISH, Role.SECURITY)
    told = answer.json()
    key = (await api.key(Role.SECURITY)).stored
    assert (answer.status_code, told["state"], told["until"]) == (
        201,
        "open",
        "2026-09-22T14:00:00Z",
    )
    assert told["lifts"] == {
        "rules": ["no-codex"],
        "vendors": [],
        "assistants": [],
        "extra_nano_usd": 0,
    }
    assert told["scope"] == {"teams": ["web"], "users": [], "assistants": [], "models": []}
    assert told["proposed_by"] == {
        "kind": "key",
        "name": "op-security",
        "credential_id": key.id,
    }
    assert (await api.get("/status")).json()["break_glass"] == "open"
    assert (await api.get("/break-glass")).json()["exceptions"] == [told]
    closed = (await api.post(f"/break-glass/{told['id']}/close", {})).json()
    assert (closed["state"], closed["closed_unix_us"]) == ("closed", NOW_US)
    assert (await api.get("/status")).json()["break_glass"] == "none"
    assert events(api) == ["opened", "closed"]


async def test_two_people_are_two(of_two: AdminApi) -> None:
    told = (await of_two.post("/break-glass", WISH, Role.SECURITY)).json()
    assert told["state"] == "proposed"
    at = f"/break-glass/{told['id']}/approve"
    own = problem_of(await of_two.post(at, {}, Role.SECURITY), 403)
    assert "another person than op-security" in own["detail"]
    problem_of(await of_two.post(at, {}, Role.PLATFORM), 403)
    opened = (await of_two.post(at, {}, Role.SECURITY, user="ben")).json()
    assert (opened["state"], opened["approved_by"]["name"]) == ("open", "ben")
    again = problem_of(await of_two.post(at, {}, Role.SECURITY, user="ben"), 409)
    assert again["code"] == "exception_stands"
    assert events(of_two) == ["proposed", "refused", "refused", "approved", "opened"]


async def test_a_request_that_is_sent_twice_opens_one(api: AdminApi) -> None:
    named = {"idempotency-key": "mine"}
    first = (await api.post("/break-glass", WISH, headers=named)).json()
    assert (await api.post("/break-glass", WISH, headers=named)).json() == first
    other = await api.post("/break-glass", {**WISH, "reason": "else"}, headers=named)
    assert problem_of(other, 409)["code"] == "other_request"
    somebody = (await api.post("/break-glass", WISH, user="ben", headers=named)).json()
    assert somebody["id"] != first["id"]
    assert events(api) == ["opened", "opened"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lifts": {}}, "body.lifts: lifts nothing"),
        ({"lifts": {"rules": ["no-code"]}}, "did you mean `no-codex`?"),
        ({"lifts": {"vendors": ["house"]}}, "no register of vendors is kept"),
        ({"scope": {"teams": ["ops"]}}, "no team is named ops"),
        ({"scope": {"models": ["a b"]}}, "body.scope.models"),
        ({"reason": ""}, "body.reason"),
        ({"for_seconds": 0}, "body.for_seconds"),
        ({"until": "tomorrow"}, "body.until: is no field here"),
    ],
)
async def test_what_cannot_be_opened_is_said(
    api: AdminApi, change: dict[str, Any], told: str
) -> None:
    answer = await api.post("/break-glass", {**WISH, **change})
    assert told in problem_of(answer, 422)["detail"]


async def test_longer_than_may_be_is_refused_on_record(api: AdminApi) -> None:
    answer = await api.post("/break-glass", {**WISH, "for_seconds": 86_401})
    assert "24 hours at most" in problem_of(answer, 403)["detail"]
    assert events(api) == ["refused"]


async def test_what_passed_is_counted(api: AdminApi) -> None:
    told = (await api.post("/break-glass", WISH)).json()
    at = f"/break-glass/{told['id']}"
    assert (await api.get(at)).json() == {"exception": told, "requests": 0, "passed": []}


async def test_the_list_is_by_state_and_in_pages(api: AdminApi) -> None:
    first = (await api.post("/break-glass", WISH)).json()
    api.now[0] += 1
    second = (await api.post("/break-glass", WISH)).json()
    page = (await api.get("/break-glass?limit=1")).json()
    rest = (await api.get(f"/break-glass?cursor={page['next_cursor']}")).json()
    found = [each["id"] for each in (*page["exceptions"], *rest["exceptions"])]
    assert found == [first["id"], second["id"]]
    api.now[0] += 7200 * 1_000_000
    assert (await api.get("/break-glass?state=open")).json()["exceptions"] == []
    ended = (await api.get("/break-glass?state=ended")).json()["exceptions"]
    assert [each["id"] for each in ended] == found


async def test_what_is_not_there_is_not_found(api: AdminApi) -> None:
    for answer in (
        await api.get("/break-glass/bg_none"),
        await api.post("/break-glass/bg_none/close", {}),
        await api.post("/break-glass/bg_none/approve", {}),
    ):
        assert problem_of(answer, 404)["code"] == "unknown_exception"
    problem_of(await api.get("/break-glass/key_x"), 422)


@pytest.mark.parametrize(
    ("role", "reads", "opens"),
    [
        (Role.PLATFORM, True, True),
        (Role.SECURITY, True, True),
        (Role.AUDITOR, True, False),
        (Role.TEAM_LEAD, False, False),
        (Role.DEVELOPER, False, False),
        (Role.FINANCE, False, False),
    ],
)
async def test_it_takes_the_permission(api: AdminApi, role: Role, reads: bool, opens: bool) -> None:
    open_one = (await api.post("/break-glass", WISH)).json()
    for path in ("/break-glass", f"/break-glass/{open_one['id']}"):
        assert ((await api.get(path, role, team="web")).status_code != 403) is reads
    misspelt = {**WISH, "lifts": {"rules": ["no-code"]}}
    refused = await api.post("/break-glass", misspelt, role, team="web")
    assert (refused.status_code == 422) is opens
    assert ("no-codex" in refused.text) is opens
    close = await api.post(f"/break-glass/{open_one['id']}/close", {}, role, team="web")
    assert (close.status_code != 403) is opens
