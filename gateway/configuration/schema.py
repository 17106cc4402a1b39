"""The JSON Schemas of gatehouse.yaml and of its files of rules: editors complete and check by them.

`python -m gateway.configuration.schema` writes them to `docs/`. An editor with a YAML language
server uses one when the first line of the file is
`# yaml-language-server: $schema=<path or address of the schema>`.
"""

import json
from pathlib import Path
from typing import Any

from gateway.assistant import ASSISTANTS
from gateway.configuration.document import GatehouseDocument
from policy.document import Section
from policy.rulebook.document import RulebookDocument
from providers.vendors import VENDORS

_DOCS = Path(__file__).parents[2] / "docs"
COMMITTED = _DOCS / "gatehouse.schema.json"
POLICY_COMMITTED = _DOCS / "gatehouse-policy.schema.json"


def schema() -> dict[str, Any]:
    """The schema of gatehouse.yaml, with the vendor kinds there are."""
    made = _schema(GatehouseDocument, "gatehouse.yaml", COMMITTED)
    made["$defs"]["VendorDocument"]["properties"]["kind"]["examples"] = [
        record.kind for record in VENDORS
    ]
    return made


def policy_schema() -> dict[str, Any]:
    """The schema of a file of rules, with the assistants that can be told."""
    made = _schema(RulebookDocument, "a file of rules", POLICY_COMMITTED)
    assistants = made["$defs"]["MatchDocument"]["properties"]["assistants"]
    assistants["examples"] = [[each] for each in sorted(ASSISTANTS)]
    return made


def text(made: dict[str, Any]) -> str:
    """A committed file's content."""
    return json.dumps(made, indent=2) + "\n"


def _schema(kind: type[Section], title: str, committed: Path) -> dict[str, Any]:
    made = kind.model_json_schema()
    _close(made)
    use = (
        f"Put this in the first line of {title} and the editor completes it: "
        f"# yaml-language-server: $schema=docs/{committed.name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": use,
        **made,
        "title": title,
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
    COMMITTED.write_text(text(schema()), encoding="utf-8")
    POLICY_COMMITTED.write_text(text(policy_schema()), encoding="utf-8")
