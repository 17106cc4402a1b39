"""The kinds of vendors there are: a vendor is data, one record a file."""

from collections.abc import Mapping

from providers.base import VendorRecord
from providers.vendors.anthropic import ANTHROPIC
from providers.vendors.deepseek import DEEPSEEK
from providers.vendors.gemini import GEMINI
from providers.vendors.in_house import IN_HOUSE
from providers.vendors.moonshot import MOONSHOT
from providers.vendors.openai import OPENAI
from providers.vendors.qwen import QWEN
from providers.vendors.rehearsal import REHEARSAL
from providers.vendors.zhipu import ZHIPU

VENDORS: tuple[VendorRecord, ...] = (
    IN_HOUSE,
    REHEARSAL,
    OPENAI,
    ANTHROPIC,
    GEMINI,
    QWEN,
    DEEPSEEK,
    MOONSHOT,
    ZHIPU,
)
"""Every kind, in the order people are shown them."""

RECORDS: Mapping[str, VendorRecord] = {each.kind: each for each in VENDORS}
"""The same by kind."""


class UnknownVendorKindError(KeyError):
    """No record of this kind. The message names those there are."""

    def __str__(self) -> str:
        return str(self.args[0])


def record(kind: str) -> VendorRecord:
    """The record of a kind. Raises `UnknownVendorKindError` naming the known ones."""
    try:
        return RECORDS[kind]
    except KeyError:
        known = ", ".join(RECORDS)
        raise UnknownVendorKindError(f"unknown vendor kind {kind!r}; one of: {known}") from None
