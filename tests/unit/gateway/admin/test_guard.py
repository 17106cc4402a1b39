"""Before the admin API: no stranger, no page of elsewhere, no other name, no endless body."""

import logging
from pathlib import Path

import pytest

from gateway.admin.guard import MOST_BODY_BYTES
from gateway.roles import Role
from tests.fakes.admin import ELSEWHERE, AdminApi, an_admin_api, problem_of

NAMED = """
vendors:
  house: { kind: in_house, base_url: "http://127.0.0.1:9", wires: [openai_chat] }
models:
  coder: { targets: [house/qwen3-coder] }
teams:
  web: { models: [coder], data_class: internal }
admin: { listen: "0.0.0.0:7071", hosts: [Gatehouse.example.com] }
"""


async def test_without_a_key_nothing_is_said_but_how_to_ask(
    api: AdminApi, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = await api.get("/status", None)
    assert problem_of(answer, 401)["code"] == "not_authenticated"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert [each.message for each in caplog.records] == ["admin_caller_refused"]
    problem_of(await api.get("/nowhere", None), 401)
    assert (await api.get("/openapi.json", None)).status_code == 200
    assert (await api.get("/docs", None)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": "Bearer gth_" + "0" * 39}, 401),
        ({"authorization": "Basic eDp5"}, 401),
        ({"authorization": "Bearer a", "x-api-key": "b"}, 400),
    ],
)
async def test_a_key_that_is_none_is_refused(
    api: AdminApi, headers: dict[str, str], status: int
) -> None:
    problem_of(await api.get("/whoami", None, headers=headers), status)


async def test_a_revoked_key_is_refused_and_its_id_logged(
    api: AdminApi, caplog: pytest.LogCaptureFixture
) -> None:
    key = await api.key(Role.FINANCE)
    await api.post(f"/keys/{key.stored.id}/revoke")
    with caplog.at_level(logging.WARNING):
        problem_of(await api.get("/whoami", Role.FINANCE), 401)
    assert caplog.records[-1].credential_id == key.stored.id  # type: ignore[attr-defined]  # an extra
    assert key.secret.reveal() not in caplog.text


async def test_it_says_from_where_it_is_asked(api: AdminApi) -> None:
    assert (await api.get("/whoami")).status_code == 200
    refused = problem_of(await api.get("/whoami", peer=ELSEWHERE), 403)
    assert "10.0.0.0/8 only" in refused["detail"]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:7071", "127.0.0.1", "localhost:7071", "LOCALHOST", "[::1]:7071", "127.8.0.1"],
)
async def test_it_is_asked_by_the_names_of_this_machine(api: AdminApi, host: str) -> None:
    assert (await api.get("/whoami", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:7071",
        "10.0.0.8:7071",
        "gatehouse.example.com",
        "localhost:7071:7071",
        "[::1",
        "",
    ],
)
async def test_a_name_that_was_made_to_lead_here_is_refused(api: AdminApi, host: str) -> None:
    problem_of(await api.get("/whoami", headers={"host": host}), 421)


async def test_names_of_the_configuration_are_its_own_and_everywhere_every_address(
    tmp_path: Path,
) -> None:
    async with an_admin_api(tmp_path, NAMED, "0.0.0.0") as api:
        for host in ("gatehouse.example.com:443", "GATEHOUSE.example.com", "10.0.0.8:7071"):
            assert (await api.get("/whoami", headers={"host": host})).status_code == 200
        problem_of(await api.get("/whoami", headers={"host": "evil.example"}), 421)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8080"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_pages_of_elsewhere_may_not_ask_even_with_a_key(
    api: AdminApi, headers: dict[str, str]
) -> None:
    answer = await api.get("/whoami", headers=headers)
    assert problem_of(answer, 403)["code"] == "cross_origin"
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://127.0.0.1:7071"}, {"sec-fetch-site": "none"}],
)
async def test_its_own_pages_may(api: AdminApi, headers: dict[str, str]) -> None:
    assert (await api.get("/whoami", headers=headers)).status_code == 200


async def test_a_large_body_is_refused_told_or_not(api: AdminApi) -> None:
    large = b'{"user":"' + b"a" * MOST_BODY_BYTES + b'"}'
    kind = {"content-type": "application/json"}

    async def in_pieces():
        for start in range(0, len(large), 10_000):
            yield large[start : start + 10_000]

    told = await api.ask("POST", "/keys", content=large, headers=kind)
    untold = await api.ask("POST", "/keys", content=in_pieces(), headers=kind)
    assert problem_of(told, 413) == problem_of(untold, 413)


async def test_every_answer_is_kept_by_nobody(api: AdminApi) -> None:
    for answer in (await api.get("/whoami"), await api.get("/nowhere"), await api.get("/x", None)):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
