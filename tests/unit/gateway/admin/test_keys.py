"""Keys are listed, made, rotated and revoked by those who may, and on record with who did it."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.admin.application import create_admin_app
from gateway.admin.guard import Guard
from gateway.roles import Role
from gateway.store.subjects import Subjects
from gateway.virtual_key import is_well_formed
from policy.types import Identity
from providers.base import Headers
from tests.fakes.admin import ANNA, NOW_US, AdminApi, problem_of
from tests.fakes.ledger_file import key_records

DAY_US = 86_400_000_000
LEAD: dict[str, Any] = {"role": Role.TEAM_LEAD, "team": "web", "user": "lea"}


async def made(api: AdminApi, **wish: object) -> dict[str, Any]:
    answer = await api.post("/keys", {"team": "web", "user": "ann", **wish})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_new_key_is_shown_once_and_holds_at_once(api: AdminApi) -> None:
    told = await made(api, models=["coder"], networks=["10.0.0.0/8"])
    assert is_well_formed(told["secret"])
    key = told["key"]
    assert (key["team"], key["user"], key["kind"], key["state"]) == (
        "web",
        "ann",
        "person",
        "active",
    )
    assert (key["roles"], key["models"], key["networks"]) == (
        ["developer"],
        ["coder"],
        ["10.0.0.0/8"],
    )
    assert (key["created"], key["created_unix_us"]) == ("2026-09-22T12:00:00Z", NOW_US)
    who = await api.get("/whoami", headers={"authorization": f"Bearer {told['secret']}"})
    assert who.json()["credential_id"] == key["id"]
    listed = await api.get(f"/keys/{key['id']}")
    assert listed.json() == key
    assert told["secret"] not in (await api.get("/keys")).text


async def test_a_service_has_a_key_of_its_own_kind(api: AdminApi) -> None:
    answer = await api.post("/keys", {"team": "web", "service": "ci"})
    assert (answer.json()["key"]["user"], answer.json()["key"]["kind"]) == ("ci", "service")


async def test_a_key_ends_when_it_is_told_to(api: AdminApi) -> None:
    key = (await made(api, expires="2026-09-23T12:00:00Z"))["key"]
    assert key["expires_unix_us"] == NOW_US + DAY_US
    api.now[0] += DAY_US
    assert (await api.get(f"/keys/{key['id']}")).json()["state"] == "expired"


async def test_every_change_is_on_record_with_the_key_that_made_it(api: AdminApi) -> None:
    admin = await api.key(Role.ADMIN)
    key = (await made(api))["key"]
    await api.post(f"/keys/{key['id']}/rotate")
    await api.post(f"/keys/{key['id']}/revoke")
    records = key_records(api.folder)[1:]
    assert [each["kind"] for each in records] == [
        "key_created",
        "key_created",
        "key_rotated",
        "key_revoked",
    ]
    actor = {"kind": "key", "name": "op-admin", "key_id": admin.stored.id}
    assert all(each["actor"] == actor for each in records)


@pytest.mark.parametrize(
    ("wish", "code", "told"),
    [
        ({"team": "nope"}, "unknown_name", "the configuration names: web, data"),
        ({"team": None}, "key_cannot_be", "say for which team"),
        ({"models": ["large"]}, "unknown_name", "it has: coder, small"),
        ({"models": ["claude-a"]}, "key_cannot_be", "another name of 'coder'"),
        ({"networks": ["home"]}, "invalid_request", "IPv4 or IPv6"),
        ({"roles": ["finance"]}, "key_cannot_be", "name no team"),
        ({"roles": ["king"]}, "invalid_request", "body.roles.0"),
        ({"roles": ["auditor", "admin"], "team": None}, "key_cannot_be", "audit"),
        ({"roles": []}, "invalid_request", "body.roles"),
        ({"user": "a\nb"}, "invalid_request", "cannot be printed"),
        ({"user": None}, "invalid_request", "say whose"),
        ({"service": "ci"}, "invalid_request", "say whose"),
        ({"expires": "tomorrow"}, "invalid_request", "a time is written"),
        ({"expires": "2020-01-01"}, "invalid_request", "cannot expire before"),
        ({"expires": "9000-01-01"}, "invalid_request", "days at most"),
        ({"colour": "red"}, "invalid_request", "body.colour: is no field here"),
        ({"user": 7}, "invalid_request", "body.user"),
    ],
)
async def test_what_no_key_can_be_is_said(
    api: AdminApi, wish: dict[str, object], code: str, told: str
) -> None:
    answer = await api.post("/keys", {"team": "web", "user": "ann", **wish})
    problem = problem_of(answer, 422)
    assert problem["code"] == code
    assert told in problem["detail"]


async def test_the_same_request_sent_again_makes_no_second_key(api: AdminApi) -> None:
    sent = {"headers": {"idempotency-key": "7f3a"}}
    first = await api.post("/keys", {"team": "web", "user": "ann"}, **sent)
    again = await api.post("/keys", {"team": "web", "user": "ann"}, **sent)
    other = await api.post(
        "/keys", {"user": "ann"}, Role.TEAM_LEAD, team="web", headers={"idempotency-key": "7f3a"}
    )
    assert first.json()["key"]["id"] in problem_of(again, 409)["detail"]
    assert first.json()["secret"] not in again.text
    assert other.status_code == 201  # somebody else's name for something else


async def test_who_signs_in_sends_it_again_under_another_token(api: AdminApi) -> None:
    tokens = iter(("jwt_a", "jwt_b"))

    async def identify(headers: Headers, peer: str | None) -> Identity:
        roles = frozenset({"admin"})
        return Identity("ada", "administrators", roles, next(tokens), signs_in=True)

    guard = Guard(create_admin_app(api.desk), identify, "127.0.0.1", frozenset)
    signed_in, sent = replace(api, guard=guard), {"headers": {"idempotency-key": "7f3a"}}
    first = await signed_in.post("/keys", {"team": "web", "user": "ann"}, None, **sent)
    again = await signed_in.post("/keys", {"team": "web", "user": "ann"}, None, **sent)
    assert first.json()["key"]["id"] in problem_of(again, 409)["detail"]


async def test_a_rotated_key_holds_on_for_the_overlap(api: AdminApi) -> None:
    key = (await made(api))["key"]
    answer = (await api.post(f"/keys/{key['id']}/rotate", {"overlap_seconds": 60})).json()
    assert answer["key"]["predecessor"] == key["id"]
    assert answer["predecessor"]["successor"] == answer["key"]["id"]
    assert answer["predecessor"]["expires_unix_us"] == NOW_US + 60_000_000
    again = await api.post(f"/keys/{key['id']}/rotate")
    assert problem_of(again, 409)["code"] == "key_cannot_be_replaced"


async def test_a_revoked_key_is_refused_at_once_and_twice_is_no_error(api: AdminApi) -> None:
    told = await made(api)
    path = f"/keys/{told['key']['id']}/revoke"
    first, second = await api.post(path), await api.post(path)
    assert first.json() == second.json()
    assert first.json()["state"] == "revoked"
    bearer = {"authorization": f"Bearer {told['secret']}"}
    problem_of(await api.get("/whoami", headers=bearer), 401)


async def test_all_keys_of_a_leaver_end_in_one_step(api: AdminApi) -> None:
    await made(api)
    await made(api, team="data", models=[])
    await made(api, user="bob")
    ended = (await api.post("/revocations", {"user": "ann"})).json()["keys"]
    assert {(each["team"], each["state"]) for each in ended} == {
        ("web", "revoked"),
        ("data", "revoked"),
    }
    problem_of(await api.post("/revocations", {"service": "ann"}), 404)


async def test_pages_hold_every_key_once_oldest_first(api: AdminApi) -> None:
    for user in ("a", "b", "c", "d"):
        await made(api, user=user)
        api.now[0] += 1
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await api.get(f"/keys?limit=2&team=web{cursor}")).json()
        seen += [each["user"] for each in page["keys"]]
        cursor = None if page["next_cursor"] is None else f"&cursor={page['next_cursor']}"
    assert seen == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("query", "users"),
    [
        ("team=web", ["ann", "ci"]),
        ("user=ann", ["ann"]),
        ("service=ci", ["ci"]),
        ("user=ci", []),
        ("state=revoked", ["bob"]),
        ("state=active&team=data", []),
    ],
)
async def test_keys_are_found_by_what_is_known_of_them(
    api: AdminApi, query: str, users: list[str]
) -> None:
    await made(api)
    await api.post("/keys", {"team": "web", "service": "ci"})
    bob = (await made(api, user="bob", team="data"))["key"]
    await api.post(f"/keys/{bob['id']}/revoke")
    found = (await api.get(f"/keys?{query}")).json()["keys"]
    assert sorted(each["user"] for each in found) == users


async def test_a_key_that_there_is_not_is_not_found(api: AdminApi) -> None:
    problem_of(await api.get("/keys/key_aaaaaaaaaaaa"), 404)
    problem_of(await api.get("/keys/nonsense"), 404)


async def test_a_team_lead_looks_after_the_keys_of_the_own_team(api: AdminApi) -> None:
    own = (await api.post("/keys", {"user": "ann"}, **LEAD)).json()["key"]
    assert own["team"] == "web"
    other = (await made(api, team="data"))["key"]
    listed = (await api.get("/keys", **LEAD)).json()["keys"]
    assert {each["team"] for each in listed} == {"web"}
    assert (await api.post(f"/keys/{own['id']}/rotate", **LEAD)).status_code == 201
    assert (await api.post(f"/keys/{own['id']}/revoke", **LEAD)).status_code == 200
    for path in ("", "/rotate", "/revoke"):
        method = "GET" if not path else "POST"
        problem_of(await api.ask(method, f"/keys/{other['id']}{path}", **LEAD), 404)
    for query in ("/keys?team=data", "/usage?team=data", "/teams/data"):
        assert problem_of(await api.get(query, **LEAD), 403)["code"] == "other_team"


async def test_a_team_lead_hands_out_no_more_than_a_developers_key(api: AdminApi) -> None:
    for wish in ({"team": "data"}, {"roles": ["team_lead"]}, {"roles": ["developer", "admin"]}):
        problem_of(await api.post("/keys", {"user": "eve", **wish}, **LEAD), 403)
    co_lead = await api.key(Role.TEAM_LEAD, "web", "co")
    problem_of(await api.post(f"/keys/{co_lead.stored.id}/rotate", **LEAD), 403)
    mine = await api.key(Role.TEAM_LEAD, "web", "lea")
    assert (await api.post(f"/keys/{mine.stored.id}/rotate", **LEAD)).status_code == 201


async def test_a_leaver_ends_in_the_leads_own_team_only(api: AdminApi) -> None:
    await made(api)
    await made(api, team="data", models=[])
    ended = (await api.post("/revocations", {"user": "ann"}, **LEAD)).json()["keys"]
    assert [each["team"] for each in ended] == ["web"]
    states = {
        each["team"]: each["state"] for each in (await api.get("/keys?user=ann")).json()["keys"]
    }
    assert states == {"web": "revoked", "data": "active"}


async def test_who_runs_the_gateway_makes_no_keys_of_other_roles(api: AdminApi) -> None:
    platform = {"role": Role.PLATFORM}
    assert (await api.post("/keys", {"team": "web", "user": "x"}, **platform)).status_code == 201
    answer = await api.post("/keys", {"user": "x", "roles": ["admin"]}, **platform)
    assert "manage_roles" in problem_of(answer, 403)["detail"]
    admin = await api.key(Role.ADMIN)
    problem_of(await api.post(f"/keys/{admin.stored.id}/rotate", **platform), 403)


async def test_nobody_gives_roles_to_themselves(api: AdminApi) -> None:
    answer = await api.post("/keys", {"user": "op-admin", "roles": ["security"]})
    assert problem_of(answer, 403)["code"] == "own_roles"
    assert (await api.post("/keys", {"user": "op-admin", "team": "web"})).status_code == 201


async def test_roles_that_stay_apart_come_to_nobody_by_two_keys(api: AdminApi) -> None:
    assert (await api.post("/keys", {"user": "sue", "roles": ["auditor"]})).status_code == 201
    answer = await api.post("/keys", {"user": "sue", "roles": ["platform"]})
    assert problem_of(answer, 409)["code"] == "key_cannot_be"


async def test_nothing_is_made_for_somebody_who_is_blocked(api: AdminApi) -> None:
    key = (await made(api))["key"]
    await Subjects(api.database).block("ann", NOW_US, ANNA)
    problem_of(await api.post("/keys", {"team": "web", "user": "ann"}), 409)
    problem_of(await api.post(f"/keys/{key['id']}/rotate"), 409)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.SECURITY, Role.FINANCE, Role.DEVELOPER])
async def test_everybody_else_changes_no_key(api: AdminApi, role: Role) -> None:
    key = (await made(api))["key"]
    for path, body in (
        ("/keys", {"team": "web", "user": "x"}),
        ("/revocations", {"user": "ann"}),
        (f"/keys/{key['id']}/rotate", None),
        (f"/keys/{key['id']}/revoke", None),
    ):
        problem = problem_of(await api.post(path, body, role), 403)
        assert problem["code"] == "permission_missing"
    assert (await api.get(f"/keys/{key['id']}")).json() == key
