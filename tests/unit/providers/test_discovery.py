"""Engines are told apart by what they say of themselves, in little time; nothing is generated."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from providers.base import Secret, WireName
from providers.discovery import EngineFinder, FoundEngine, windows_at

PATIENT = 20.0  # seconds; only a test of the limit itself runs into it

Answers = Mapping[str, bytes]
"""`METHOD path` -> the raw answer; anything else is a 404."""


def answer(body: Any, status: int = 200, server: str = "stand-in") -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nserver: {server}\r\ncontent-length: {len(raw)}\r\n\r\n"
    return head.encode() + raw


def model_list(*names: str, owner: str) -> Any:
    return {"object": "list", "data": [{"id": name, "owned_by": owner} for name in names]}


class Machine:
    """Servers on loopback that answer as told and remember what they were asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.keys: list[str] = []
        self._servers: list[asyncio.Server] = []

    async def runs(self, answers: Answers, *, silent: bool = False) -> int:
        """Start one; gives its port. A silent one accepts and never answers."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, path, _ = head.split(" ", 2)
            if "authorization: " in head:
                self.keys.append(head.partition("authorization: ")[2].partition("\r")[0])
            length = int(head.lower().partition("content-length: ")[2].partition("\r")[0])
            body = await reader.readexactly(length)
            self.asked.append(f"{method} {path} {body.decode()}".strip())
            if silent:
                await reader.read()
            else:
                writer.write(answers.get(f"{method} {path}", answer({}, 404)))
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        for server in self._servers:
            server.close()


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    machine = Machine()
    yield machine
    await machine.stop()


async def found_at(*ports: int, limit_seconds: float = PATIENT) -> tuple[FoundEngine, ...]:
    return await EngineFinder(ports, limit_seconds).find()


VLLM = {
    "GET /v1/models": answer(model_list("Qwen/Qwen3-Coder", owner="vllm"), server="uvicorn"),
    "POST /v1/messages": answer({"error": "not an object"}, 400),
    "POST /v1/responses": answer({"error": "not an object"}, 422),
}
OLLAMA = {
    "GET /v1/models": answer(model_list("qwen3:8b", "big:480b-cloud", owner="library")),
    "GET /api/version": answer({"version": "0.40.1"}),
    "GET /api/tags": answer({"models": [{"name": "qwen3:8b"}]}),
}


async def test_vllm_is_found_with_its_models_and_wires(machine: Machine) -> None:
    port = await machine.runs(VLLM)
    assert await found_at(port) == (
        FoundEngine(
            name="vllm",
            base_url=f"http://127.0.0.1:{port}",
            wires=frozenset(
                {WireName.OPENAI_CHAT, WireName.OPENAI_RESPONSES, WireName.ANTHROPIC_MESSAGES}
            ),
            models=("Qwen/Qwen3-Coder",),
        ),
    )


async def test_vllms_window_is_the_one_in_its_list(machine: Machine) -> None:
    listed = model_list("a", "b", "c", "d", owner="vllm")
    for entry, window in zip(listed["data"], (32_768, None, "large", -1), strict=True):
        entry["max_model_len"] = window
    port = await machine.runs({"GET /v1/models": answer(listed)})
    (engine,) = await found_at(port)
    assert engine.context_windows == {"a": 32_768}
    assert engine.models == ("a", "b", "c", "d")


async def test_llama_cpps_window_is_that_of_one_conversation(machine: Machine) -> None:
    listed = model_list("any.gguf", owner="llamacpp")
    listed["data"][0]["meta"] = {"n_ctx": 8_192, "n_ctx_train": 262_144, "n_params": 115_392}
    port = await machine.runs({"GET /v1/models": answer(listed)})
    (engine,) = await found_at(port)
    assert engine.context_windows == {"any.gguf": 8_192}


@pytest.mark.parametrize("meta", [None, {}, {"n_ctx": "8192"}, {"n_ctx": True}, {"n_ctx": 0}])
async def test_an_engine_that_tells_no_window_is_found_all_the_same(
    machine: Machine, meta: object
) -> None:
    listed = model_list("m", owner="llamacpp")
    listed["data"][0]["meta"] = meta
    port = await machine.runs({"GET /v1/models": answer(listed)})
    (engine,) = await found_at(port)
    assert (engine.models, engine.context_windows) == (("m",), {})


@pytest.mark.parametrize("status", [200, 401])
async def test_an_engine_of_our_own_is_asked_with_its_key(machine: Machine, status: int) -> None:
    listed = model_list("m", owner="llamacpp")
    listed["data"][0]["meta"] = {"n_ctx": 8_192}
    port = await machine.runs({"GET /v1/models": answer(listed, status)})
    windows = await windows_at(port, Secret("only-we-know"))
    assert windows == ({"m": 8_192} if status == 200 else {})
    assert machine.keys == ["Bearer only-we-know"]


async def test_llama_cpp_is_told_by_its_server_header(machine: Machine) -> None:
    names = model_list("any.gguf", owner="somebody")
    port = await machine.runs({"GET /v1/models": answer(names, server="llama.cpp")})
    assert [each.name for each in await found_at(port)] == ["llamacpp"]


async def test_llama_cpps_500_at_a_known_path_counts_as_a_wire(machine: Machine) -> None:
    port = await machine.runs(
        {
            "GET /v1/models": answer(model_list("m", owner="llamacpp")),
            "POST /v1/messages": answer({"error": {"code": 500}}, 500),
        }
    )
    (engine,) = await found_at(port)
    assert WireName.ANTHROPIC_MESSAGES in engine.wires


async def test_lm_studios_200_at_an_unknown_path_is_no_wire(machine: Machine) -> None:
    port = await machine.runs(
        {
            "GET /v1/models": answer(model_list("gemma", owner="organization_owner")),
            "POST /v1/messages": answer({"error": "Unexpected endpoint or method."}, 200),
        }
    )
    (engine,) = await found_at(port)
    assert engine.name == "lmstudio"
    assert engine.wires == {WireName.OPENAI_CHAT}


async def test_ollama_is_told_by_its_version(machine: Machine) -> None:
    port = await machine.runs(OLLAMA)
    (engine,) = await found_at(port)
    assert (engine.name, engine.models) == ("ollama", ("qwen3:8b",))


@pytest.mark.parametrize(
    "tag",
    [
        {"name": "gpt-oss:120b-cloud"},
        {"name": "gemma4:cloud"},
        {"name": "mine", "remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b"},
    ],
)
async def test_a_cloud_model_of_ollama_is_not_offered_as_in_house(
    machine: Machine, tag: Mapping[str, str]
) -> None:
    tags = {"models": [tag, {"name": "qwen3:8b"}]}
    port = await machine.runs({**OLLAMA, "GET /api/tags": answer(tags)})
    (engine,) = await found_at(port)
    assert engine.models == ("qwen3:8b",)


async def test_a_proxy_that_names_no_engine_is_not_offered(machine: Machine) -> None:
    port = await machine.runs({"GET /v1/models": answer(model_list("gpt-5", owner="openai"))})
    assert await found_at(port) == ()


async def test_a_list_with_models_of_two_owners_is_not_offered(machine: Machine) -> None:
    mixed = {"data": [{"id": "a", "owned_by": "vllm"}, {"id": "b", "owned_by": "openai"}]}
    port = await machine.runs({"GET /v1/models": answer(mixed)})
    assert await found_at(port) == ()


async def test_an_engine_that_wants_a_key_is_left_to_the_configuration(machine: Machine) -> None:
    port = await machine.runs({"GET /v1/models": answer({"error": "who are you"}, 401)})
    assert await found_at(port) == ()


async def test_two_engines_of_one_kind_get_two_names(machine: Machine) -> None:
    first, second = await machine.runs(VLLM), await machine.runs(VLLM)
    assert [each.name for each in await found_at(first, second)] == ["vllm", f"vllm-{second}"]


async def test_no_request_that_a_model_could_answer_is_ever_sent(machine: Machine) -> None:
    await found_at(await machine.runs(VLLM), await machine.runs(OLLAMA))
    posted = {each for each in machine.asked if each.startswith("POST")}
    assert posted == {f"POST /v1/{path} []" for path in ("messages", "responses", "completions")}


async def test_nobody_there_is_no_engine(machine: Machine) -> None:
    port = await machine.runs({})
    await machine.stop()
    assert await found_at(port) == ()


async def test_a_silent_server_costs_no_more_than_the_limit_and_hides_no_other(
    machine: Machine,
) -> None:
    silent = await machine.runs({}, silent=True)
    speaking = await machine.runs(VLLM)
    assert [each.name for each in await found_at(silent, speaking, limit_seconds=3)] == ["vllm"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffff\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000,
        answer(b"<html>"),
        answer(b"[" * 500_000),
        answer(b"\xff\xfe"),
        answer({"data": "none"}),
        answer({"data": [{"id": 7}]}),
        answer({"data": []}),
    ],
)
async def test_an_answer_of_another_kind_is_no_engine(machine: Machine, raw: bytes) -> None:
    assert await found_at(await machine.runs({"GET /v1/models": raw})) == ()


async def test_names_are_cleaned_and_bounded(machine: Machine) -> None:
    hostile = (
        "good",
        "good",
        "",
        "x" * 201,
        "\x1b[31mred",
        "evil\nname",
        "nomic-embed-text",
        "\u202e",
    )
    many = tuple(f"m{number}" for number in range(300))
    listed = answer(model_list(*hostile, *many, owner="vllm"))
    (engine,) = await found_at(await machine.runs({"GET /v1/models": listed}))
    assert engine.models[:3] == ("good", "m0", "m1")
    assert len(engine.models) == 200
