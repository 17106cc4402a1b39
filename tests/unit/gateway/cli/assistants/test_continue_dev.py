"""Continue gets one more model; its key stands in the file of its secrets."""

from gateway.cli.assistants.continue_dev import CONTINUE
from gateway.cli.offered import Sizes
from tests.unit.gateway.cli.assistants.conftest import KEY, Desk, by_hand

FILE = ".continue/config.yaml"
BEFORE = """name: Mine
version: 0.0.1
schema: v1
models:
  - name: local   # at home
    provider: ollama
    model: qwen3
rules:
  - be brief
"""
ADDED = """  - name: Gatehouse
    provider: openai
    model: coder
    apiBase: "http://127.0.0.1:7070/v1"
    apiKey: "${{ secrets.GATEHOUSE_KEY }}"
    roles:
      - chat
      - edit
      - apply
    requestOptions:
      headers:
        X-Title: Continue
"""


def test_its_settings_are_written_beside_what_was_there(desk: Desk) -> None:
    desk.holds(FILE, BEFORE)
    desk.connect(CONTINUE)
    assert desk.says(FILE) == BEFORE.replace("qwen3\n", "qwen3\n" + ADDED)
    assert desk.says(".continue/.env") == f"GATEHOUSE_KEY={KEY}\n"


def test_a_new_file_begins_as_its_kind_must_also_the_second_time(desk: Desk) -> None:
    desk.connect(CONTINUE)
    desk.connect(CONTINUE, model="small")
    opening = 'name: "Local Config"\nversion: "1.0.0"\nschema: "v1"\nmodels:\n'
    assert desk.says(FILE) == opening + ADDED.replace("coder", "small")


def test_it_says_what_its_file_cannot() -> None:
    assert "CONTINUE_TELEMETRY_ENABLED" in by_hand(CONTINUE)


def test_the_window_is_told_where_the_gateway_knows_it(desk: Desk) -> None:
    desk.connect(CONTINUE, sizes=Sizes(200_000, 16_000))
    options = "    defaultCompletionOptions:\n      contextLength: 200000\n"
    assert desk.says(FILE).endswith(ADDED + options)
