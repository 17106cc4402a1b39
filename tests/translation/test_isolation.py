"""LiteLLM in a process that reaches nothing but loopback: quiet, and its proxy is not run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = r"""
import asyncio, json, socket, sys

dialled = []


def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        host = str(arguments[1][0] if event != "socket.getaddrinfo" else arguments[0])
        if event == "socket.connect" and isinstance(arguments[1], str):
            return
        if host not in ("127.0.0.1", "localhost", "None"):
            dialled.append(f"{event} {host}")
            raise OSError("this process reaches nothing but loopback")


sys.addaudithook(refuse)

from providers.http.client import HttpClient
from providers.translated import TranslatedSender
from providers.base import UpstreamCall, WireName
from tests.fakes.translation import CHAT, MESSAGES, ask, call, read_all, target
from tests.fakes.vendor import FakeVendor


async def main():
    client = HttpClient()
    sender = TranslatedSender(client)
    await sender.warm_up()
    async with FakeVendor() as vendor:
        for kind in ("qwen", "deepseek", "moonshot", "zhipu", "openai", "anthropic"):
            for wire in (CHAT, MESSAGES):
                for streaming in (False, True):
                    await ask(sender, call(wire, target(kind, vendor.url), streaming=streaming))
        for kind, wire in (
            ("deepseek", WireName.OPENAI_COMPLETIONS),
            ("qwen", WireName.MISTRAL_FIM),
            ("qwen", WireName.OPENAI_EMBEDDINGS),
        ):
            name = b"input" if wire is WireName.OPENAI_EMBEDDINGS else b"prompt"
            plain = UpstreamCall(wire, target(kind, vendor.url), b'{"%s":"a"}' % name, (), False)
            await read_all(await sender.send(plain))
    await client.aclose()
    import litellm

    proxy = sorted(name for name in sys.modules if name.startswith("litellm.proxy"))
    callbacks = [litellm.callbacks, litellm.success_callback, litellm.failure_callback]
    print(json.dumps({
        "dialled": dialled,
        "proxy": proxy,
        "callbacks": [str(each) for group in callbacks for each in group],
        "drop_params": litellm.drop_params,
        "num_retries": litellm.num_retries,
        "telemetry": litellm.telemetry,
    }))


asyncio.run(main())
"""
# Ten come with its import, the others with a first call that brings tools.
PROXY_MODULES = {
    ".": [
        "_experimental",
        "_types",
        "common_utils",
        "guardrails",
        "openai_files_endpoints",
        "pass_through_endpoints",
        "spend_tracking",
        "types_utils",
    ],
    "._experimental.": ["mcp_server"],
    "._experimental.mcp_server.": [
        "catalog",
        "result_conversion",
        "stdio_gate",
        "tool_outcome",
        "utils",
    ],
    ".common_utils.": ["config_sync_pubsub", "encrypt_decrypt_utils"],
    ".guardrails.": ["exception_utils"],
    ".openai_files_endpoints.": ["common_utils"],
    ".pass_through_endpoints.": ["llm_provider_handlers"],
    ".pass_through_endpoints.llm_provider_handlers.": ["typesafe_passthrough_logging_handler"],
    ".spend_tracking.": ["cold_storage_handler", "savings"],
    ".types_utils.": ["utils"],
}


def known_proxy_modules() -> list[str]:
    names = ["litellm.proxy"]
    for folder, inside in PROXY_MODULES.items():
        names += [f"litellm.proxy{folder}{each}" for each in inside]
    return sorted(names)


@pytest.fixture(scope="module")
def found() -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return json.loads(done.stdout.decode().splitlines()[-1])


def test_importing_and_calling_litellm_dials_nobody_but_the_vendor(found):
    assert found["dialled"] == []


def test_the_proxy_modules_that_litellm_itself_loads_are_those_we_know(found):
    assert found["proxy"] == known_proxy_modules()
    assert not any("proxy_server" in name for name in found["proxy"])


def test_litellm_has_no_callbacks_retries_or_telemetry(found):
    assert found["callbacks"] == []
    assert found["num_retries"] == 0
    assert found["telemetry"] is False
    assert found["drop_params"] is False
