"""The shortest road: one request through a whole gateway to a stand-in engine, on both wires."""

from pathlib import Path

import pytest

from tests.fakes.gatehouse import running_gateway
from tests.fakes.vendor import FakeVendor

HOUSE = """
vendors:
  house: {{ kind: in_house, base_url: "{url}", wires: [openai_chat, anthropic_messages] }}
models:
  coder: {{ targets: [house/qwen3-coder] }}
teams:
  default: {{ models: [coder], data_class: internal }}
"""


async def test_an_answer_reaches_the_client_and_the_ledger(tmp_path: Path) -> None:
    async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        vendor.says("good morning")
        async with running_gateway(tmp_path, HOUSE.format(url=vendor.url)) as gateway:
            answer = await gateway.chat()
            assert answer.status_code == 200
            assert answer.json()["choices"][0]["message"]["content"] == "good morning"
            assert gateway.kinds() == ["admitted", "attempted", "completed"]
            assert gateway.records()[-1]["outcome"] == "complete"


async def test_messages_reach_the_client_and_the_ledger(tmp_path: Path) -> None:
    async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        vendor.says("good morning")
        async with running_gateway(tmp_path, HOUSE.format(url=vendor.url)) as gateway:
            answer = await gateway.messages()
            assert answer.status_code == 200
            assert answer.json()["content"][0]["text"] == "good morning"
            assert gateway.kinds() == ["admitted", "attempted", "completed"]


@pytest.mark.parametrize("front_is_on", [True, False])
async def test_a_denial_is_the_same_with_and_without_the_front(
    tmp_path: Path, front_is_on: bool
) -> None:
    async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        configuration = HOUSE.format(url=vendor.url)
        async with running_gateway(tmp_path, configuration, front_is_on=front_is_on) as gateway:
            answer = await gateway.chat(model="gpt-9")
            assert answer.status_code == 400
            assert answer.json()["error"]["code"] == "model_not_found"
            assert gateway.kinds() == ["denied"]
