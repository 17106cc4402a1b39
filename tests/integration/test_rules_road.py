"""Rules on the whole road: a warning beside the answer, a denial inside it, new ones in place."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.vendor import FakeVendor
from tests.fakes.waiting import until

CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{url}", wires: [openai_chat, anthropic_messages] }}
models:
  coder: {{ targets: [house/qwen3-coder] }}
teams:
  default: {{ models: [coder], data_class: internal }}
policy: [rules.yaml]
"""
RULES = """
rules:
  - id: codex-leaves
    effect: deny
    match: {{ assistants: [codex], networks: ["127.0.0.0/8"] }}
    reason: Codex leaves.
    alternative: use Qoder
    warn_from: {yesterday}
    from: {day}
  - id: all-tools
    effect: deny
    mode: shadow
    match: {{ tools: ["mcp__*"] }}
    reason: Tools move.
"""
NOW = datetime.now(UTC)
TODAY, TOMORROW = NOW.date(), (NOW + timedelta(days=2)).date()
YESTERDAY = (NOW - timedelta(days=2)).date()
TOOLS = [{"type": "function", "function": {"name": "mcp__db__query", "parameters": {}}}]


async def asked(gateway: RunningGateway, **more: object):
    body = {"model": "coder", "messages": [{"role": "user", "content": "hi"}], **more}
    async with gateway.client(**{"user-agent": "codex_exec/0.200.0"}) as client:
        return await client.post("/v1/chat/completions", json=body)


async def test_a_rule_warns_then_denies_once_its_day_is_moved(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES.format(yesterday=YESTERDAY, day=TOMORROW))
    async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        vendor.says("good morning")
        async with running_gateway(tmp_path, CONFIGURATION.format(url=vendor.url)) as gateway:
            warned = await asked(gateway, tools=TOOLS)
            assert warned.status_code == 200
            told = f"from {TOMORROW} on this is denied: Codex leaves; use Qoder (rule codex-leaves)"
            assert warned.headers["x-gatehouse-warning"] == told
            (admitted,) = (each for each in gateway.records() if each["kind"] == "admitted")
            assert (admitted["warnings"], admitted["shadow"]) == ([told], ["all-tools"])

            streamed = await asked(gateway, stream=True)
            assert streamed.headers["x-gatehouse-warning"] == told

            rules.write_text(RULES.format(yesterday=YESTERDAY, day=TODAY))
            before = gateway.inside.in_force.configuration
            await until(lambda: gateway.inside.in_force.configuration is not before)
            denied = await asked(gateway, stream=True)
            assert denied.status_code == 400
            message = denied.json()["error"]["message"]
            assert message.startswith("Gatehouse: Codex leaves; use Qoder (rule codex-leaves, ")
            assert gateway.records()[-1]["rule"] == "codex-leaves"
            assert gateway.records()[-1]["config_digest"] != admitted["config_digest"]
            assert (await gateway.chat()).status_code == 200


TOO_OLD = """
rules:
  - id: codex-too-old
    effect: deny
    match: { assistants: [codex < 0.201.0] }
    reason: Update Codex.
"""


async def test_an_old_version_is_denied_once_a_turn_and_the_new_one_at_once_served(
    tmp_path: Path,
) -> None:
    (tmp_path / "rules.yaml").write_text(TOO_OLD)
    async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        vendor.says("good morning")
        async with running_gateway(tmp_path, CONFIGURATION.format(url=vendor.url)) as gateway:
            answers = [await asked(gateway, stream=streaming) for streaming in (True, False, True)]
            assert {answer.status_code for answer in answers} == {400}
            assert gateway.kinds() == ["denied"]
            body = {"model": "coder", "messages": [{"role": "user", "content": "hi"}]}
            async with gateway.client(**{"user-agent": "codex_exec/0.201.0"}) as client:
                updated = await client.post("/v1/chat/completions", json=body)
            assert updated.status_code == 200
