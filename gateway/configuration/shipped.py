"""What ships with the gateway and a configuration builds on: vendor records and known prices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from providers.base import VendorRecord


@dataclass(frozen=True, slots=True)
class Shipped:
    """`records` by kind; `has_price` says whether the price book knows (kind, upstream model)."""

    records: Mapping[str, VendorRecord]
    has_price: Callable[[str, str], bool]
