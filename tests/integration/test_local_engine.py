"""A model file is served by a real llama.cpp on this machine."""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from providers.base import WireName
from providers.discovery import EngineFinder, FoundEngine
from providers.local import WIRES, LocalEngine, LocalEngineError, check_installed
from tests.fakes.tiny_model import CONTEXT_TOKENS, write_tiny_model

TOOL_SCHEMA = {
    "type": "object",
    "properties": {"city": {"enum": ["Oslo", "Rome"]}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture
def damaged_file(model_file: Path, tmp_path: Path) -> Path:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(model_file.read_bytes()[:100_000])
    return damaged


@pytest.fixture
async def engine(model_file: Path) -> AsyncIterator[LocalEngine]:
    engine = LocalEngine(model_file, threads=1, context=4096, ready_seconds=60)
    yield engine
    await engine.stop()


def post(url: str, body: Mapping[str, Any], key: str) -> Any:
    request = urllib.request.Request(
        url,
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json", "authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


async def ask(served: FoundEngine, path: str, **body: Any) -> Any:
    assert served.api_key is not None
    body = {"model": served.models[0], "max_tokens": 200, **body}
    return await asyncio.to_thread(post, served.base_url + path, body, served.api_key.reveal())


MESSAGES = [{"role": "user", "content": "hi"}]


async def test_it_answers_on_chat_with_real_usage(engine: LocalEngine) -> None:
    served = await engine.start()
    assert served.context_windows == {"tiny": 4_096}
    reply = await ask(served, "/v1/chat/completions", messages=MESSAGES, max_tokens=7)
    text = reply["choices"][0]["message"]["content"]
    assert reply["model"] == "tiny"
    assert reply["usage"]["completion_tokens"] == len(text) == 7
    assert text.isascii()


async def test_it_answers_on_messages_with_a_forced_tool_call(engine: LocalEngine) -> None:
    served = await engine.start()
    reply = await ask(
        served,
        "/v1/messages",
        messages=MESSAGES,
        tool_choice={"type": "any"},
        tools=[{"name": "weather", "input_schema": TOOL_SCHEMA}],
    )
    assert reply["stop_reason"] == "tool_use"
    assert reply["content"][0]["input"]["city"] in {"Oslo", "Rome"}


async def test_one_token_of_the_tiny_model_is_one_byte(engine: LocalEngine) -> None:
    served = await engine.start()
    short = await ask(served, "/v1/messages/count_tokens", messages=MESSAGES)
    longer = await ask(
        served,
        "/v1/messages/count_tokens",
        messages=[{"role": "user", "content": "hi, gate"}],
    )
    assert longer["input_tokens"] - short["input_tokens"] == len(", gate")


async def test_only_the_holder_of_its_key_is_answered(engine: LocalEngine) -> None:
    served = await engine.start()
    with pytest.raises(urllib.error.HTTPError, match="401"):
        await asyncio.to_thread(post, served.base_url + "/v1/messages", {}, "another key")


async def test_the_key_is_not_in_the_list_of_processes(engine: LocalEngine) -> None:
    await engine.start()
    listed = await asyncio.to_thread(subprocess.run, ["ps", "axwwe"], capture_output=True)
    assert b"providers.local" in listed.stdout
    assert engine.api_key.reveal().encode() not in listed.stdout


async def test_it_listens_on_loopback_and_says_what_it_is(engine: LocalEngine) -> None:
    served = await engine.start()
    assert engine.is_running
    assert served.base_url.startswith("http://127.0.0.1:")
    assert (served.name, served.models) == ("local", ("tiny",))
    assert {WireName.OPENAI_CHAT, WireName.ANTHROPIC_MESSAGES} <= served.wires


async def test_stop_ends_the_child_and_may_be_called_twice(engine: LocalEngine) -> None:
    served = await engine.start()
    await engine.stop()
    await engine.stop()
    assert not engine.is_running
    with pytest.raises(urllib.error.URLError):
        await asyncio.to_thread(urllib.request.urlopen, served.base_url + "/health", timeout=5)


async def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalEngineError, match=r"absent\.gguf: No such file"):
        await LocalEngine(tmp_path / "absent.gguf").start()


async def test_a_file_that_is_no_gguf_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"PK\x03\x04" + b"\0" * 100)
    with pytest.raises(LocalEngineError, match="is not a GGUF file"):
        await LocalEngine(tmp_path / "model.bin").start()


async def test_a_damaged_file_is_refused_with_the_engines_own_reason(damaged_file: Path) -> None:
    with pytest.raises(LocalEngineError, match="corrupted or incomplete"):
        await LocalEngine(damaged_file, ready_seconds=60).start()


async def test_loading_is_bounded_in_time(model_file: Path) -> None:
    engine = LocalEngine(model_file, ready_seconds=0.01)
    with pytest.raises(LocalEngineError, match="was not loaded within"):
        await engine.start()
    assert not engine.is_running


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Qwen3-Coder.Q4_K_M.gguf", "Qwen3-Coder.Q4_K_M"),
        ("My model (2).gguf", "My-model-2"),
        ("模型.gguf", "local"),
    ],
)
def test_the_model_is_named_after_its_file_as_any_client_can_type_it(file: str, name: str) -> None:
    assert LocalEngine(Path(file)).model_name == name


def test_without_llama_cpp_the_extra_to_install_is_named() -> None:
    with pytest.raises(LocalEngineError, match=r"gatehouse\[local\]"):
        check_installed("no_such_engine")


PARENT = """
import asyncio, sys
from pathlib import Path
from providers.local import LocalEngine

async def main():
    engine = LocalEngine(Path(sys.argv[1]), threads=1, context=1024)
    print((await engine.start()).base_url, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_the_engine_dies_with_a_parent_that_is_killed(model_file: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(model_file)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    base_url = parent.stdout.readline().strip()
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    child = select.poll()
    child.register(os.pidfd_open(int(children[0])), select.POLLIN)
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    assert child.poll(30_000), "the engine outlived its parent by half a minute"
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(base_url + "/health", timeout=5)


def test_started_by_hand_it_prints_its_url_and_is_found_with_all_its_wires(
    model_file: Path,
) -> None:
    command = [sys.executable, "-m", "providers.local", "--model", str(model_file), "--threads=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as by_hand:
        assert by_hand.stdout is not None
        base_url = json.loads(by_hand.stdout.readline())["base_url"]
        port = int(base_url.rpartition(":")[2])
        found = asyncio.run(EngineFinder((port,), limit_seconds=20).find())
        by_hand.terminate()
    windows = {"tiny": CONTEXT_TOKENS}  # the model's own: it is given more
    assert found == (FoundEngine("llamacpp", base_url, WIRES, ("tiny",), context_windows=windows),)
