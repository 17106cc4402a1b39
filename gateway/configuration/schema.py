"""The JSON Schema of gatehouse.yaml: editors complete and check a file by it.

`python -m gateway.configuration.schema` writes `docs/gatehouse.schema.json`. An editor with a YAML
language server uses it when the first line of the file is
`# yaml-language-server: $schema=<path or address of gatehouse.schema.json>`.
"""

import json
from pathlib import Path
from typing import Any

from gateway.configuration.document import GatehouseDocument
from providers.vendors import VENDORS

COMMITTED = Path(__file__).parents[2] / "docs" / "gatehouse.schema.json"

_USE = (
    "Put this in the first line of gatehouse.yaml and the editor completes it: "
    "# yaml-language-server: $schema=docs/gatehouse.schema.json"
)


def schema() -> dict[str, Any]:
    """The schema, with the vendor kinds there are."""
    made = GatehouseDocument.model_json_schema()
    made["$defs"]["VendorDocument"]["properties"]["kind"]["examples"] = [
        record.kind for record in VENDORS
    ]
    _close(made)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": _USE,
        **made,
        "title": "gatehouse.yaml",
    }


def text() -> str:
    """The committed file's content."""
    return json.dumps(schema(), indent=2) + "\n"


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
    COMMITTED.write_text(text(), encoding="utf-8")
