"""Behind a trusted proxy rules and keys go by where the caller is, on real sockets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.rough_client import rough_client
from tests.fakes.vendor import FakeVendor
from tests.fakes.waiting import until

CONFIGURATION = """
vendors: {{ house: {{ kind: in_house, base_url: "{url}", wires: [openai_chat] }} }}
models: {{ coder: {{ targets: [house/qwen3-coder] }}, far: {{ targets: [house/qwen3-coder] }} }}
teams: {{ default: {{ models: [coder, far], data_class: internal }} }}
policy: [rules.yaml]
"""
BEHIND = CONFIGURATION + "server: {{ trusted_proxies: [127.0.0.0/8] }}\n"
RULES = """
rules:
  - id: not-from-there
    effect: deny
    match: { models: [far], networks: [203.0.113.0/24] }
    reason: Not from there.
"""
THERE, HERE = "203.0.113.5", "192.0.2.1"


@pytest.fixture
async def vendor(tmp_path: Path) -> AsyncIterator[FakeVendor]:
    (tmp_path / "rules.yaml").write_text(RULES)
    async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        yield vendor


async def asked_through(gateway: RunningGateway, *forwarded: str) -> tuple[int, list[str]]:
    """What becomes of a request with these lines of `x-forwarded-for`, and the list it gets."""
    body = {"model": "far", "messages": [{"role": "user", "content": "hi"}]}
    headers = [("x-forwarded-for", each) for each in forwarded]
    async with gateway.client() as client:
        answer = await client.post("/v1/chat/completions", json=body, headers=headers)
        listed = (await client.get("/v1/models", headers=headers)).json()["data"]
    return answer.status_code, [each["id"] for each in listed]


async def test_a_rule_on_networks_goes_by_the_caller_whom_the_proxy_names(
    tmp_path: Path, vendor: FakeVendor
) -> None:
    async with running_gateway(tmp_path, BEHIND.format(url=vendor.url)) as gateway:
        denied, let_through = (400, ["coder"]), (200, ["coder", "far"])
        assert await asked_through(gateway, f"{HERE}, {THERE}") == denied
        assert await asked_through(gateway, HERE, THERE) == denied
        assert await asked_through(gateway, f"{THERE}, {HERE}, 127.0.0.9") == let_through
        assert await asked_through(gateway) == let_through
        records = gateway.records()
        assert records[0]["rule"] == "not-from-there"
        told = [each["address"] for each in records if each["kind"] in ("denied", "admitted")]
        assert told == [THERE, THERE, HERE, "127.0.0.1"]


async def test_a_proxy_is_trusted_from_the_moment_it_is_named(
    tmp_path: Path, vendor: FakeVendor
) -> None:
    async with running_gateway(tmp_path, CONFIGURATION.format(url=vendor.url)) as gateway:
        assert (await asked_through(gateway, THERE))[0] == 200
        before = gateway.inside.in_force.configuration
        gateway.configuration_file.write_text(BEHIND.format(url=vendor.url))
        await until(lambda: gateway.inside.in_force.configuration is not before)
        assert (await asked_through(gateway, THERE, "127.0.0.2"))[0] == 400


async def test_metrics_are_not_told_to_whom_a_trusted_proxy_on_this_machine_speaks_for(
    tmp_path: Path, vendor: FakeVendor
) -> None:
    async with (
        running_gateway(tmp_path, BEHIND.format(url=vendor.url)) as gateway,
        rough_client(gateway.port) as client,
    ):
        await client.sends(b"GET /metrics HTTP/1.1\r\nhost: gate\r\n\r\n")
        assert (await client.head())[0] == 401
