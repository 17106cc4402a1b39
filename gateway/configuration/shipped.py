"""What ships with the gateway and a configuration builds on: vendor records and known prices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.assistant import ASSISTANTS
from providers.base import VendorRecord
from providers.catalogue import UNKNOWN, Limits


def _no_limits(kind: str, model: str) -> Limits:
    return UNKNOWN


@dataclass(frozen=True, slots=True)
class Shipped:
    """`records` by kind; what the price book knows of a (kind, upstream model).

    `has_price` says whether it has a price; `limits` how much the model takes. `assistants` are
    those that the gateway can tell.
    """

    records: Mapping[str, VendorRecord]
    has_price: Callable[[str, str], bool]
    limits: Callable[[str, str], Limits] = _no_limits
    assistants: frozenset[str] = ASSISTANTS
