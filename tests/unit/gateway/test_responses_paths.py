"""What is not served around the responses endpoint is said at once, in the protocol's form."""

import httpx
import pytest
from fastapi import FastAPI

from gateway.responses_paths import declare_responses_paths

SOCKET = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "openai-beta": "responses_websockets=2026-02-06",
}


async def ask(method: str, path: str, **headers: str) -> httpx.Response:
    app = FastAPI()
    declare_responses_paths(app)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gate") as asking:
        return await asking.request(method, path, headers=headers)


def error_in(answer: httpx.Response) -> dict[str, str]:
    document = answer.json()
    assert set(document) == {"error"}
    assert set(document["error"]) == {"message", "type", "param", "code"}
    return document["error"]


async def test_a_socket_is_answered_with_426_so_that_the_client_posts() -> None:
    answer = await ask("GET", "/v1/responses", **SOCKET)
    assert answer.status_code == 426
    assert answer.headers["upgrade"] == "HTTP/1.1"
    assert "POST to /v1/responses" in error_in(answer)["message"]


async def test_answers_are_not_listed() -> None:
    answer = await ask("GET", "/v1/responses")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert error_in(answer)["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("GET", "/v1/responses/resp_1/input_items"),
    ],
)
async def test_an_answer_is_not_kept_and_the_error_says_what_to_do(method: str, path: str) -> None:
    answer = await ask(method, path)
    assert (answer.status_code, error_in(answer)["code"]) == (404, "response_not_kept")
    assert "previous_response_id" in error_in(answer)["message"]


@pytest.mark.parametrize("path", ["/v1/responses/compact", "/v1/responses/input_tokens"])
async def test_a_helper_is_no_answers_id(path: str) -> None:
    answer = await ask("POST", path)
    assert (answer.status_code, error_in(answer)["code"]) == (404, "unknown_path")
    assert path in error_in(answer)["message"]
