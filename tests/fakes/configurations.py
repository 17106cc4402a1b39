"""An environment, what ships, and small files to build configurations from."""

from pathlib import Path

from gateway.configuration.build import Configuration, load
from gateway.configuration.shipped import Shipped
from providers.vendors import RECORDS

SHIPPED = Shipped(RECORDS, lambda kind, model: model != "unheard-of")

ENVIRON = {"DEEPSEEK_API_KEY": "sk-canary-5e1f", "EMPTY": "", "WORD": "wibble-canary"}

CANARIES = ("sk-canary", "wibble-canary")

GOOD = """\
vendors:
  house:
    kind: in_house
    base_url: http://127.0.0.1:8000
    wires: [openai_chat, anthropic_messages]
    clearance: restricted
  deepseek:
    kind: deepseek
    api_key: ${DEEPSEEK_API_KEY}
    clearance: internal
models:
  coder: { targets: [house/qwen3-coder, deepseek/deepseek-chat] }
teams:
  payments: { models: [coder], data_class: confidential }
  web:
    models: [coder]
    data_class: internal
    limits: { requests_per_minute: 600, tokens_per_minute: 2000000, parallel: 40,
              usd_per_month: 5000, max_request_bytes: 33554432 }
prices: {}
telemetry: { otlp_endpoint: http://127.0.0.1:4317 }
"""


def write(folder: Path, text: str | bytes, name: str = "gatehouse.yaml") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def configured(folder: Path, text: str = GOOD) -> Configuration:
    return load(write(folder, text), ENVIRON, SHIPPED)
