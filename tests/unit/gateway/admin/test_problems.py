"""Every answer that says no has one form, and says where what is wrong."""

import pytest
from sqlalchemy.exc import OperationalError

from gateway.admin.problems import Flaw, Problem, of_gateway, say_broken, say_database_error
from gateway.errors import ShuttingDown
from tests.fakes.admin import AdminApi, problem_of


def test_a_problem_has_the_form_of_its_standard() -> None:
    answer = Problem(409, "taken", "somebody has it", [Flaw(where="body", message="x")]).response()
    assert answer.status_code == 409
    assert answer.media_type == "application/problem+json"
    assert bytes(answer.body) == (
        b'{"type":"about:blank","title":"Conflict","status":409,"code":"taken",'
        b'"detail":"somebody has it","errors":[{"where":"body","message":"x"}]}'
    )


def test_a_gateways_error_says_when_to_come_again() -> None:
    answer = of_gateway(ShuttingDown("draining")).response()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_what_breaks_tells_nothing_of_its_inside() -> None:
    secret = ValueError("secret")
    broken = await say_broken(None, secret)  # type: ignore[arg-type]  # it is not looked at
    away = await say_database_error(None, OperationalError("SELECT secret", {}, secret))  # type: ignore[arg-type]
    assert (broken.status_code, away.status_code) == (500, 503)
    assert b"secret" not in bytes(broken.body) + bytes(away.body)


async def test_an_unknown_path_and_method_are_told(api: AdminApi) -> None:
    assert problem_of(await api.get("/nowhere"), 404)["code"] == "unknown_path"
    answer = await api.ask("DELETE", "/keys")
    assert problem_of(answer, 405)["code"] == "method_not_allowed"
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("body", "where"),
    [(b"{", "body"), (b"[]", "body"), (b'{"user":"a","team":7}', "body.team"), (b"", "body")],
)
async def test_a_body_that_is_wrong_says_where(api: AdminApi, body: bytes, where: str) -> None:
    headers = {"content-type": "application/json"}
    answer = await api.ask("POST", "/keys", content=body, headers=headers)
    assert problem_of(answer, 422)["errors"][0]["where"] == where


async def test_a_wrong_value_is_not_repeated(api: AdminApi) -> None:
    answer = await api.post("/keys", {"team": "web", "user": ["gth_canary"]})
    assert "canary" not in problem_of(answer, 422)["detail"]
