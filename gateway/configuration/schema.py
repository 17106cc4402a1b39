"""The JSON Schemas of gatehouse.yaml and its registers: editors complete and check files by them.

`python -m gateway.configuration.schema` writes them to `docs/`. An editor with a YAML language
server uses one when the first line of the file is
`# yaml-language-server: $schema=<path or address of gatehouse.schema.json>`.
"""

import json
from pathlib import Path
from typing import Any

from gateway.configuration.document import GatehouseDocument
from gateway.configuration.register_documents import (
    AssistantRegisterDocument,
    VendorRegisterDocument,
)
from providers.vendors import VENDORS

DOCS = Path(__file__).parents[2] / "docs"
COMMITTED = DOCS / "gatehouse.schema.json"


def schema() -> dict[str, Any]:
    """The schema of gatehouse.yaml, with the vendor kinds there are."""
    made = GatehouseDocument.model_json_schema()
    made["$defs"]["VendorDocument"]["properties"]["kind"]["examples"] = [
        record.kind for record in VENDORS
    ]
    return _published(made, "gatehouse")


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema, by the file that `docs/` has it in."""
    vendors = VendorRegisterDocument.model_json_schema()
    assistants = AssistantRegisterDocument.model_json_schema()
    return {
        COMMITTED.name: schema(),
        "vendors.schema.json": _published(vendors, "vendors"),
        "assistants.schema.json": _published(assistants, "assistants"),
    }


def text(made: dict[str, Any]) -> str:
    """A committed file's content."""
    return json.dumps(made, indent=2) + "\n"


def _published(made: dict[str, Any], name: str) -> dict[str, Any]:
    _close(made)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": (
            f"Put this in the first line of {name}.yaml and the editor completes it: "
            f"# yaml-language-server: $schema=docs/{name}.schema.json"
        ),
        **made,
        "title": f"{name}.yaml",
    }


def _close(node: object) -> None:
    """Names that match no pattern are refused, as the gateway refuses them; titles say nothing."""
    if isinstance(node, list):
        for each in node:
            _close(each)
    if isinstance(node, dict):
        if "patternProperties" in node:
            node["additionalProperties"] = False
        if isinstance(node.get("title"), str):
            del node["title"]
        for each in node.values():
            _close(each)


if __name__ == "__main__":
    for file, made in schemas().items():
        (DOCS / file).write_text(text(made), encoding="utf-8")
