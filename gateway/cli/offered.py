"""A gateway's list of models: their names, and the sizes it knows of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many tokens a model takes in and gives out at most; None where the gateway cannot say."""

    window_tokens: int | None = None
    output_tokens: int | None = None


UNKNOWN = Sizes()


def read_offered(body: bytes) -> dict[str, Sizes]:
    """The models of an answer to `GET /v1/models`, in its order. Raises `ValueError`."""
    try:
        return {str(each["id"]): _sizes(each) for each in json.loads(body)["data"]}
    except (KeyError, TypeError) as error:
        raise ValueError("this is not a list of models") from error


def _sizes(entry: Mapping[str, Any]) -> Sizes:
    """By the members that other servers' lists have for them too."""
    provider = entry.get("top_provider")
    output = provider.get("max_completion_tokens") if isinstance(provider, Mapping) else None
    return Sizes(_count(entry.get("context_length")), _count(output))


def _count(value: object) -> int | None:
    return value if type(value) is int and value > 0 else None
