"""An engine that speaks one protocol answers a client of another, unasked and unprepared."""

from pathlib import Path

from tests.fakes.gatehouse import running_gateway
from tests.fakes.vendor import FakeVendor

CHAT_ONLY = """
vendors:
  house: {{ kind: in_house, base_url: "{url}", wires: [openai_chat] }}
models:
  coder: {{ targets: [house/qwen3-coder] }}
teams:
  default: {{ models: [coder], data_class: internal }}
"""


async def test_a_messages_client_is_answered_by_an_engine_that_speaks_chat_only(
    tmp_path: Path,
) -> None:
    async with FakeVendor(key=None, models=("qwen3-coder",)) as vendor:
        vendor.calls_tool("read_file", {"path": "a.py"}, text="Let me look.")
        async with running_gateway(tmp_path, CHAT_ONLY.format(url=vendor.url)) as gateway:
            answer = await gateway.messages(
                tools=[{"name": "read_file", "input_schema": {"type": "object"}}]
            )
            end = await gateway.until_closed()

    assert answer.status_code == 200, answer.text
    said, called = answer.json()["content"]
    assert said["text"] == "Let me look."
    assert (called["name"], called["input"]) == ("read_file", {"path": "a.py"})
    assert answer.json()["stop_reason"] == "tool_use"
    assert vendor.calls[-1].path.endswith("/chat/completions")
    assert end["outcome"] == "complete"
