"""Join with one command: connect and doctor against a real gateway with the rehearsal model."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.cli.diagnosis.turns import TURNS
from gateway.cli.exits import Exit
from tests.fakes.gateway_process import GatewayProcess, gateway_process

pytestmark = pytest.mark.asyncio(loop_scope="session")
COMMAND = Path(sys.executable).with_name("gatehouse")
NO_MODELS = """
vendors:
  house: { kind: rehearsal }
models:
  coder: { targets: [house/coder] }
teams:
  default: { models: [], data_class: internal }
"""


@dataclass(frozen=True, slots=True)
class Developer:
    """Somebody with a home folder and a key, beside a gateway of this machine."""

    home: Path
    gateway: GatewayProcess

    async def types(
        self, *words: str, key: str | None = None
    ) -> tuple[int, list[dict[str, Any]], str]:
        """Run one command; its exit code, its objects, its words."""
        ran = await asyncio.create_subprocess_exec(
            str(COMMAND),
            *words,
            *("--data", str(self.gateway.data), "--json"),
            cwd=self.home,
            env={
                "HOME": str(self.home),
                "PATH": "/usr/bin:/bin",
                "GATEHOUSE_KEY": key or self.gateway.developer_key,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await ran.communicate()
        assert ran.returncode is not None
        return ran.returncode, [json.loads(each) for each in out.splitlines()], err.decode()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[GatewayProcess]:
    async with gateway_process(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def developer(tmp_path: Path, gateway: GatewayProcess) -> Developer:
    return Developer(tmp_path, gateway)


def verdicts(findings: list[dict[str, Any]]) -> dict[str, str]:
    return {each["about"]: each["verdict"] for each in findings}


async def test_an_assistant_joins_works_and_leaves(developer: Developer) -> None:
    code, told, _ = await developer.types("connect", "claude-code")
    assert (code, told[0]["model"]) == (Exit.OK, "rehearsal")
    code, findings, _ = await developer.types("doctor", "claude-code")
    assert code == Exit.OK
    well = {"gateway", "key", "models", "anthropic_messages", "settings"}
    assert {each for each, verdict in verdicts(findings).items() if verdict == "ok"} >= well
    turn = next(each for each in findings if each["about"] == "anthropic_messages")
    assert "with a tool call" in turn["text"]
    code, told, _ = await developer.types("connect", "claude-code", "--undo")
    assert (code, told[0]["connected"]) == (Exit.OK, False)
    assert not (developer.home / ".claude").exists()


async def test_the_doctor_takes_a_whole_turn_in_every_protocol_and_the_ledger_has_it(
    developer: Developer,
) -> None:
    before = len(completed(developer.gateway))
    code, findings, _ = await developer.types("doctor")
    turns = [each for each in findings if "with a tool call and its result" in each["text"]]
    assert code == Exit.OK
    assert [each["about"] for each in turns] == [each.wire for each in TURNS]
    ends = completed(developer.gateway)[before:]
    assert [each["outcome"] for each in ends] == ["complete"] * 2 * len(TURNS)


def completed(gateway: GatewayProcess) -> list[dict[str, Any]]:
    return [each for each in gateway.records() if each["kind"] == "completed"]


async def test_a_revoked_key_is_told_in_plain_words(developer: Developer) -> None:
    _, [made], _ = await developer.types("key", "create", "--user", "anna", "--team", "default")
    _, keys, _ = await developer.types("key", "list")
    assert made["id"] in [each["id"] for each in keys]
    await developer.types("key", "revoke", made["id"])
    code, findings, _ = await developer.types("doctor", key=made["key"])
    assert code == Exit.FAILED
    assert verdicts(findings)["key"] == "problem"
    code, _, words = await developer.types("connect", "codex", key=made["key"])
    assert code == Exit.FAILED
    assert "refuses the key" in words
    assert not (developer.home / ".codex").exists()


async def test_a_gateway_that_has_gone_is_told_in_plain_words(tmp_path: Path) -> None:
    async with gateway_process(tmp_path) as gateway:
        developer = Developer(tmp_path, gateway)
        await developer.types("connect", "opencode")
        gateway.terminate()
        await gateway.ended()
    code, findings, _ = await developer.types("doctor", "opencode")
    assert code == Exit.FAILED
    assert verdicts(findings)["gateway"] == "problem"
    assert verdicts(findings)["settings"] == "ok"


async def test_a_gateway_without_models_is_told_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "gatehouse.yaml").write_text(NO_MODELS)
    async with gateway_process(tmp_path) as gateway:
        code, findings, _ = await Developer(tmp_path, gateway).types("doctor")
    assert code == Exit.FAILED
    assert verdicts(findings)["models"] == "problem"
