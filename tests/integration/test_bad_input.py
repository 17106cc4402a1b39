"""What no assistant should send is refused in words, recorded, and harms nobody else."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.fakes.house import (
    CHAT,
    GOOD,
    JSON,
    MESSAGES,
    QUESTION,
    House,
    a_house,
    code_in,
    the_denial,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

on_both_wires = pytest.mark.parametrize("path", [CHAT, MESSAGES])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One gateway for all: what is refused here harms nobody who comes after."""
    async with a_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def house(running: House) -> AsyncIterator[House]:
    await running.begins_anew()
    yield running
    await running.still_serves()


@pytest_asyncio.fixture(loop_scope="module")
async def new_house(tmp_path: Path) -> AsyncIterator[House]:
    """A gateway that has turned nobody away yet: it records once who comes again."""
    async with a_house(tmp_path) as house:
        yield house
        await house.still_serves()


UNREADABLE = {
    "no JSON": b"{nope",
    "nothing": b"",
    "no object": b"[1]",
    "two values": GOOD + GOOD,
    "no model": b"{" + QUESTION.encode() + b"}",
    "a model that is no name": b'{"model":{"a":1},' + QUESTION.encode() + b"}",
    "a key twice": b'{"model":"coder","model":"gpt-9",' + QUESTION.encode() + b"}",
    "a key twice, once escaped": b'{"model":"coder","\\u006dodel":"gpt-9",'
    + QUESTION.encode()
    + b"}",
    "a tool's name twice": GOOD[:-1]
    + b',"tools":[{"type":"function","name":"a","name":"b","function":{"name":"a","name":"b"}}]}',
    "NaN": GOOD[:-1] + b',"temperature":NaN}',
    "Infinity": GOOD[:-1] + b',"temperature":-Infinity}',
    "invalid UTF-8": GOOD.replace(b"hello", b"\xff\xfe"),
    "a lone surrogate": GOOD.replace(b"hello", b"\\ud800"),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "deep nesting": GOOD[:-1] + b',"metadata":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep nesting, never closed": GOOD[:-1] + b',"metadata":' + b'{"a":' * 100_000,
}


@on_both_wires
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_an_unreadable_body_is_refused_and_recorded(
    house: House, path: str, body: bytes
) -> None:
    answer = await house.post(path, body)
    assert answer.status_code == 400
    assert code_in(answer, path) in {"malformed_request", "invalid_request_error"}
    record = the_denial(house, answer)
    assert (record["rule"], record["code"]) == ("readable_request", "malformed_request")
    assert house.vendor.calls == []


async def forty_megabytes() -> AsyncGenerator[bytes]:
    for _ in range(40):
        yield b" " * 1_000_000


@on_both_wires
async def test_a_body_of_40_mb_is_answered_not_reset(house: House, path: str) -> None:
    answer = await house.post(path, b" " * 40_000_000)
    assert answer.status_code == (400 if path == CHAT else 451)
    assert code_in(answer, path) in {"request_too_large", "permission_error"}
    assert the_denial(house, answer)["rule"] == "request_size"


@on_both_wires
async def test_a_chunked_body_of_40_mb_is_answered_not_reset(house: House, path: str) -> None:
    answer = await house.post(path, forty_megabytes())
    assert answer.status_code == (400 if path == CHAT else 451)
    assert the_denial(house, answer)["rule"] == "request_size"


@on_both_wires
async def test_a_body_over_the_teams_own_limit_is_refused(house: House, path: str) -> None:
    answer = await house.post(path, GOOD.replace(b"hello", b"a" * 1_000_001))
    assert answer.status_code == (400 if path == CHAT else 451)
    assert the_denial(house, answer)["rule"] == "request_size"
    assert house.vendor.calls == []


async def test_a_body_of_exactly_the_teams_limit_passes(tmp_path: Path) -> None:
    async with a_house(tmp_path, most_bytes=len(GOOD)) as house:
        assert (await house.post(CHAT, GOOD)).status_code == 200
        assert (await house.post(CHAT, GOOD + b" ")).status_code == 400


@on_both_wires
async def test_an_unknown_model_is_denied(house: House, path: str) -> None:
    answer = await house.post(path, GOOD.replace(b"coder", b"gpt-9"))
    assert answer.status_code == (400 if path == CHAT else 451)
    assert "gpt-9" in answer.json()["error"]["message"]
    assert the_denial(house, answer)["rule"] == "model_access"


STRANGERS = {
    "no key": {},
    "an empty key": {"x-api-key": ""},
    "another scheme": {"authorization": "Basic abcdef"},
    "an unknown key": {"authorization": "Bearer gh-unknown"},
    "a key of 1,000 letters": {"x-api-key": "k" * 1_000},
    "spaces": {"x-api-key": "a b"},
}


@on_both_wires
@pytest.mark.parametrize("key", STRANGERS.values(), ids=STRANGERS.keys())
async def test_a_stranger_is_told_how_to_send_a_key_and_nothing_else(
    house: House, path: str, key: dict[str, str]
) -> None:
    answer = await house.post_as(path, key)
    assert answer.status_code == 401
    assert code_in(answer, path) in {"not_authenticated", "authentication_error"}
    assert answer.headers["x-gatehouse-audit-id"].startswith("gh-")
    assert house.gateway.records() == []


@on_both_wires
async def test_a_mistyped_key_is_a_strangers_key(house: House, path: str) -> None:
    key = house.gateway.developer_key
    mistyped = key[:-1] + ("a" if key[-1] != "a" else "b")
    answer = await house.post_as(path, {"x-api-key": mistyped})
    assert answer.status_code == 401
    assert house.gateway.records() == []


@on_both_wires
async def test_a_stranger_with_a_large_body_is_answered_not_reset(house: House, path: str) -> None:
    async with httpx.AsyncClient(
        base_url=house.gateway.base_url, trust_env=False, timeout=60.0
    ) as client:
        answer = await client.post(path, content=b" " * 40_000_000)
    assert answer.status_code == 401


@on_both_wires
async def test_an_administrators_key_reaches_no_model(new_house: House, path: str) -> None:
    answer = await new_house.post_as(path, {"x-api-key": new_house.gateway.admin_key})
    assert answer.status_code == 401
    (record,) = new_house.gateway.records_of(answer.headers["x-gatehouse-audit-id"])
    assert (record["kind"], record["rule"]) == ("denied", "authentication")
    assert new_house.vendor.calls == []


@on_both_wires
async def test_two_different_keys_are_refused(house: House, path: str) -> None:
    two = {"authorization": house.bearer, "x-api-key": house.gateway.admin_key}
    answer = await house.post_as(path, two)
    assert answer.status_code == 400
    assert "different keys" in answer.json()["error"]["message"]
    assert house.vendor.calls == []


@on_both_wires
async def test_the_same_key_in_two_headers_is_one_key(house: House, path: str) -> None:
    twice = {"authorization": house.bearer, "x-api-key": house.gateway.developer_key}
    assert (await house.post_as(path, twice)).status_code == 200


@on_both_wires
@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", ""])
async def test_another_content_type_is_refused(house: House, path: str, content_type: str) -> None:
    answer = await house.post(path, GOOD, content_type=content_type)
    assert answer.status_code == 415
    assert JSON in answer.json()["error"]["message"]
    assert the_denial(house, answer)["code"] == "unsupported_media_type"


@on_both_wires
async def test_a_compressed_body_is_refused(house: House, path: str) -> None:
    answer = await house.post(path, b"\x1f\x8b" + b"\0" * 100, content_encoding="gzip")
    assert answer.status_code == 415
    assert "content-encoding" in answer.json()["error"]["message"]
    assert the_denial(house, answer)["code"] == "unsupported_media_type"


@on_both_wires
async def test_a_header_of_100_kb_is_refused_in_the_wires_form(house: House, path: str) -> None:
    answer = await house.post(path, GOOD, x_long="a" * 100_000)
    assert answer.status_code == 431
    code_in(answer, path)
    assert the_denial(house, answer)["code"] == "headers_too_large"


@pytest.mark.parametrize("path", [CHAT, MESSAGES, "/v1/messages/count_tokens"])
async def test_another_method_is_not_allowed(house: House, path: str) -> None:
    async with house.gateway.client() as client:
        answer = await client.get(path)
    assert answer.status_code == 405
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "path",
    ["/v1/nowhere", "/v1/chat/completions/", "/v1//messages", "/V1/messages", "/v1/messages%00"],
)
async def test_an_unknown_path_is_not_found(house: House, path: str) -> None:
    answer = await house.post(path, GOOD)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_path"
    assert house.vendor.calls == []


async def test_the_query_string_is_no_part_of_the_path(house: House) -> None:
    assert (await house.post(f"{MESSAGES}?beta=true", GOOD)).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/hello", "/healthz", "/readyz"])
async def test_a_knock_is_answered_and_leaves_no_record(house: House, path: str) -> None:
    async with httpx.AsyncClient(
        base_url=house.gateway.base_url, trust_env=False, timeout=60.0
    ) as client:
        answer = await client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert house.gateway.records() == []


async def test_health_answers_while_a_megabyte_is_counted(house: House) -> None:
    house.vendor.fails(404)
    large = GOOD.replace(b"hello", b"fn main() {} " * 70_000)
    async with httpx.AsyncClient(
        base_url=house.gateway.base_url, trust_env=False, timeout=60.0
    ) as client:
        await client.get("/healthz")
        counting = asyncio.create_task(house.post("/v1/messages/count_tokens", large))
        await house.vendor.until_called()
        answered = 0
        while not counting.done():
            assert (await client.get("/healthz")).status_code == 200
            answered += 1
    answer = counting.result()
    assert answer.headers["x-gatehouse-token-count"] == "estimate"
    assert answer.json()["input_tokens"] > 100_000
    assert answered > 5
