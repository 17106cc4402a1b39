"""What people write about the counters of caps: where they are, and what goes on without them."""

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from gateway.configuration.field_types import SecretText
from policy.document import Name, Section, Usd


def _on_failure(value: object) -> object:
    if value == "deny":
        return {}
    if isinstance(value, str):
        raise ValueError("is deny, or { allow_up_to_usd: 5 }")
    return value


_ON_FAILURE_SCHEMA = {
    "anyOf": [
        {"const": "deny"},
        {
            "type": "object",
            "properties": {
                "allow_up_to_usd": {
                    "type": "number",
                    "minimum": 0,
                    "description": "US dollars that each account may use until it is back.",
                }
            },
            "additionalProperties": False,
        },
    ]
}


class OnFailureDocument(Section):
    """What may be spent while the counters' store is away."""

    allow_up_to_usd: Usd = Decimal(0)
    """US dollars that each account may use until it is back, over all replicas."""


class CountersDocument(Section):
    """Where caps are counted. Default: in the process, for one replica."""

    url: SecretText
    """A Valkey or Redis: "${GATEHOUSE_COUNTERS_URL}" or file:/path. Never printed."""
    on_failure: Annotated[
        OnFailureDocument,
        BeforeValidator(_on_failure),
        WithJsonSchema(_ON_FAILURE_SCHEMA),
    ] = OnFailureDocument()
    """`deny`, or how much may be spent while it is away."""
    replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    """How many gateways share it: while it is away, each keeps to its part."""
    timeout_ms: Annotated[int, Field(ge=5, le=10_000)] = 50
    """How long it may take to answer."""
    lease_seconds: Annotated[int, Field(ge=3, le=600)] = 30
    """How long what a replica holds is kept without word of it."""
    namespace: Name = "gatehouse"
    """What its keys begin with, so that installations can share a store."""
