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

VENDORS = """\
vendors:
  deepseek:
    clearance: internal
    jurisdiction: CN
    region: cn-hangzhou
    retention: 30 days
    training_use: opted_out
    sub_processors: [Example Hosting]
    contract: C-2026-117
    reviewer: Ada Lovelace
    reviewed: 2026-01-10
    valid_until: 2026-07-10
    evidence: https://reviews.example/deepseek
"""

ASSISTANTS = """\
assistants:
  claude-code:
    approved_versions: ">= 2.1.200, < 3"
    required_settings: { env.CLAUDE_CODE_ATTRIBUTION_HEADER: "0" }
    owner: tools@example.com
    reviewed: 2026-01-10
    valid_until: 2026-07-10
  codex:
    approved_versions: any
    owner: tools@example.com
    reviewed: 2026-01-10
    valid_until: 2026-12-31
"""

WITH_REGISTERS = GOOD.replace("    clearance: internal\n", "").replace(
    "prices: {}", "registers: { vendors: registers/vendors.yaml, assistants: assistants.yaml }"
)
"""`GOOD`, but what it says of deepseek, and who may ask with what, stands in registers."""


def write(folder: Path, text: str | bytes, name: str = "gatehouse.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def configured(folder: Path, text: str = GOOD) -> Configuration:
    return load(write(folder, text), ENVIRON, SHIPPED)


def write_registered(
    folder: Path,
    text: str = WITH_REGISTERS,
    vendors: str = VENDORS,
    assistants: str = ASSISTANTS,
) -> Path:
    """A configuration with both registers; the path of gatehouse.yaml."""
    write(folder, vendors, "registers/vendors.yaml")
    write(folder, assistants, "assistants.yaml")
    return write(folder, text)
