"""Who is blocked is taken at no door, at once; who is granted a role has it, but not by oneself."""

from typing import Any

import pytest

from gateway.roles import Role
from tests.fakes.admin import NOW_US, AdminApi, problem_of
from tests.fakes.ledger_file import durable_records

ANN = {"user": "ann"}


async def subjects(api: AdminApi) -> dict[str, dict[str, Any]]:
    told = (await api.get("/subjects")).json()["subjects"]
    return {each["user"]: each for each in told}


async def test_a_blocked_users_key_is_taken_no_more_and_then_again(api: AdminApi) -> None:
    await api.key(Role.DEVELOPER, "web", "ann")
    ann: dict[str, Any] = {"role": Role.DEVELOPER, "team": "web", "user": "ann"}
    blocked = (await api.post("/subjects/block", ANN)).json()
    assert blocked == {
        "user": "ann",
        "kind": "person",
        "granted_roles": [],
        "blocked": "2026-09-22T12:00:00Z",
        "blocked_unix_us": NOW_US,
    }
    problem_of(await api.get("/whoami", **ann), 401)
    assert (await subjects(api))["ann"]["blocked_unix_us"] == NOW_US
    assert (await api.post("/subjects/unblock", ANN)).json()["blocked"] is None
    assert (await api.get("/whoami", **ann)).status_code == 200


async def test_the_list_comes_in_pages(api: AdminApi) -> None:
    for name in ("ann", "bob", "eve"):
        await api.post("/subjects/block", {"user": name})
    first = (await api.get("/subjects?limit=2")).json()
    assert [each["user"] for each in first["subjects"]] == ["ann", "bob"]
    last = (await api.get(f"/subjects?cursor={first['next_cursor']}")).json()
    assert [each["user"] for each in last["subjects"]] == ["eve"]
    assert last["next_cursor"] is None


async def test_a_service_is_blocked_by_its_own_name(api: AdminApi) -> None:
    assert (await api.post("/subjects/block", {"service": "ci"})).json()["kind"] == "service"
    problem_of(await api.post("/subjects/block", {"service": "ci", "user": "ci"}), 422)
    problem_of(await api.post("/subjects/block", {}), 422)


async def test_a_role_is_granted_and_taken_back_on_record(api: AdminApi) -> None:
    wish = {"user": "ann", "role": "finance"}
    assert (await api.post("/subjects/grant", wish)).json()["granted_roles"] == ["finance"]
    assert (await subjects(api))["ann"]["granted_roles"] == ["finance"]
    assert (await api.post("/subjects/take-back", wish)).json()["granted_roles"] == []
    assert problem_of(await api.post("/subjects/take-back", wish), 404)["code"] == "not_granted"
    changed = [each for each in durable_records(api.folder) if each.get("subject") == "ann"]
    assert [each["actor"]["kind"] for each in changed] == ["key", "key"]


async def test_what_may_not_be_granted_is_said(api: AdminApi) -> None:
    own = await api.post("/subjects/grant", {"user": "op-admin", "role": "security"})
    assert problem_of(own, 403)["code"] == "own_roles"
    await api.post("/subjects/grant", {"user": "ann", "role": "auditor"})
    apart = await api.post("/subjects/grant", {"user": "ann", "role": "platform"})
    assert problem_of(apart, 409)["code"] == "cannot_be_granted"
    await api.post("/subjects/block", {"user": "bob"})
    problem_of(await api.post("/subjects/grant", {"user": "bob", "role": "finance"}), 409)
    problem_of(await api.post("/subjects/grant", {"user": "ann", "role": "king"}), 422)


@pytest.mark.parametrize(
    ("role", "blocks", "grants"),
    [
        (Role.PLATFORM, True, False),
        (Role.SECURITY, False, False),
        (Role.AUDITOR, False, False),
        (Role.TEAM_LEAD, False, False),
        (Role.DEVELOPER, False, False),
    ],
)
async def test_it_takes_the_permission(
    api: AdminApi, role: Role, blocks: bool, grants: bool
) -> None:
    wish = {"user": "ann", "role": "finance"}
    for path, body, may in (
        ("/subjects/block", ANN, blocks),
        ("/subjects/unblock", ANN, blocks),
        ("/subjects/grant", wish, grants),
        ("/subjects/take-back", wish, grants),
    ):
        answer = await api.post(path, body, role, team="web")
        assert (answer.status_code != 403) is may
