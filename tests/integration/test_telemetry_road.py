"""A request through a whole gateway arrives at a collector as a trace, without its content."""

import asyncio
from pathlib import Path

import pytest

from tests.fakes.gatehouse import running_gateway
from tests.fakes.otlp_receiver import OtlpReceiver
from tests.fakes.vendor import FakeVendor

CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{vendor}", wires: [openai_chat, anthropic_messages] }}
models:
  coder: {{ targets: [house/qwen3-coder] }}
teams:
  default: {{ models: [coder], data_class: internal }}
telemetry: {{ otlp_endpoint: "{collector}" }}
"""
CANARY = "canary-7f3a91c"


@pytest.mark.parametrize("address", ["grpc_url", "http_url"])
async def test_an_answered_request_arrives_as_a_trace(tmp_path: Path, address: str) -> None:
    with OtlpReceiver() as collector:
        async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
            vendor.says(CANARY)
            configuration = CONFIGURATION.format(
                vendor=vendor.url, collector=getattr(collector, address)
            )
            async with running_gateway(tmp_path, configuration) as gateway:
                answer = await gateway.chat(text=CANARY)
                records = {record["record_id"] for record in gateway.records()}
                await asyncio.to_thread(
                    collector.wait_until, lambda seen: records <= set(seen.record_ids())
                )

    assert answer.status_code == 200
    assert sorted(span.name for span in collector.spans) == [
        "POST /v1/chat/completions",
        "chat qwen3-coder",
        "gatehouse.policy request",
    ]
    assert len({span.trace_id for span in collector.spans}) == 1
    assert CANARY not in str(collector.spans) + str(collector.logs)


async def test_metrics_count_what_was_answered(tmp_path: Path) -> None:
    async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        configuration = CONFIGURATION.format(vendor=vendor.url, collector="http://127.0.0.1:9")
        async with running_gateway(tmp_path, configuration) as gateway:
            await gateway.chat(text=CANARY)
            await gateway.chat(model="absent")
            async with gateway.client() as client:
                page = (await client.get("/metrics")).text

    assert 'decision="allow",rule="none",team="default"} 1.0' in page
    assert 'decision="deny",rule="model_access",team="default"} 1.0' in page
    assert CANARY not in page
