"""Targets and calls that point at a stand-in vendor."""

import json
from collections.abc import Mapping
from typing import Any

from providers.base import Headers, Secret, Target, UpstreamCall, Vendor, Via, WireName
from providers.vendors import record

CHAT = WireName.OPENAI_CHAT
MESSAGES = WireName.ANTHROPIC_MESSAGES

QUESTION: Mapping[str, Any] = {"messages": [{"role": "user", "content": "What is in a.py?"}]}


def vendor_at(
    base_url: str,
    *,
    kind: str = "in_house",
    name: str = "house",
    key: str | None = None,
    via: Via | None = None,
) -> Vendor:
    """A configured vendor of a kind, reached at an address of a test's choice."""
    known = record(kind)
    way = via or known.via
    return Vendor(
        name=name,
        record=known,
        base_url=base_url,
        api_key=None if key is None else Secret(key),
        wires=frozenset(known.paths) if way is Via.DIRECT else frozenset(),
        via=way,
    )


def target_at(
    base_url: str, model: str = "standin", *, kind: str = "in_house", key: str | None = None
) -> Target:
    """A model there."""
    return Target(vendor_at(base_url, kind=kind, key=key), model)


def call_to(
    target: Target,
    wire: WireName = CHAT,
    *,
    streaming: bool = False,
    counting: bool = False,
    headers: Headers = (),
    **fields: Any,
) -> UpstreamCall:
    """A proper question on a wire; `fields` are added to its body."""
    body: dict[str, Any] = {"model": target.upstream_model, **QUESTION, **fields}
    if wire is MESSAGES and not counting:
        body["max_tokens"] = 100
    if streaming:
        body["stream"] = True
    return UpstreamCall(
        wire=wire,
        target=target,
        body=json.dumps(body).encode(),
        headers=headers,
        streaming=streaming,
        counting=counting,
    )
