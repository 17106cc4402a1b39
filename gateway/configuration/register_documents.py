"""The registers as people write them: vendors and assistants, who reviewed them, until when."""

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from gateway.assistant import ASSISTANTS
from gateway.configuration.document import Day
from gateway.configuration.field_types import Words
from gateway.configuration.problems import suggestion
from policy.document import DataClassLabel, Name, Section
from policy.registers import Review
from policy.versions import NotARange, parse_range


def _link(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_sound = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_sound = False
    if not is_sound or not value.isprintable() or " " in value:
        raise ValueError("a link is http:// or https:// and where to find it")
    return value


def _assistant(value: str) -> str:
    if value not in ASSISTANTS:
        hint = suggestion(value, sorted(ASSISTANTS))
        raise ValueError(f"`{value[:60]}` is no assistant the gateway can tell{hint}")
    return value


def _setting(value: object) -> str | int | bool:
    if not isinstance(value, str | int):
        raise ValueError("a setting's value is text, a whole number, true or false")
    return value


def _versions(value: str) -> str:
    try:
        parse_range(value)
    except NotARange as error:
        raise ValueError(str(error)) from None
    return value


Link = Annotated[
    str,
    Field(min_length=1, max_length=500),
    AfterValidator(_link),
    WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https?://"}),
]

AssistantName = Annotated[
    str, AfterValidator(_assistant), WithJsonSchema({"type": "string", "enum": sorted(ASSISTANTS)})
]

Versions = Annotated[
    str,
    AfterValidator(_versions),
    WithJsonSchema({"type": "string", "examples": [">= 2.1.200, < 3", "any"]}),
]

SettingValue = Annotated[
    str | int | bool,
    PlainValidator(_setting),
    WithJsonSchema({"type": ["string", "integer", "boolean"]}),
]


class ReviewedVendorDocument(Section):
    """A vendor as it was reviewed. What it says of the vendor is what policy goes by."""

    clearance: DataClassLabel
    """The highest data class it may see."""
    jurisdiction: Words
    """Whose law it is under."""
    region: Words
    """Where it computes."""
    retention: Words
    """How long it keeps what it is sent."""
    training_use: Literal["never", "opted_out", "allowed"]
    """Whether it trains on what it is sent."""
    sub_processors: tuple[Words, ...] | None = None
    """Who else gets to see it: an empty list means nobody. Left out: not known."""
    contract: Words | None = None
    """By which the contract is found."""
    reviewer: Words
    """Who reviewed it, and answers for this entry."""
    reviewed: Day
    """When it was reviewed."""
    valid_until: Day
    """The last day, in UTC, on which it may be used."""
    evidence: Link | None = None
    """Where the review's documents are."""

    @property
    def review(self) -> Review:
        """What policy goes by."""
        return Review(self.reviewer, self.reviewed, self.valid_until)

    @property
    def summary(self) -> str:
        """What it may see and where, on one line."""
        return f"{self.clearance}, {self.jurisdiction}, {self.region}, keeps: {self.retention}"


class ReviewedAssistantDocument(Section):
    """An assistant as it was reviewed."""

    approved_versions: Versions
    """Bounds, all of which must hold, such as ">= 2.1.200, < 3"; or any, told or not."""
    required_settings: Mapping[Words, SettingValue] = Field(default_factory=dict)
    """Its settings, by the names that `gatehouse connect --print` shows, and their values."""
    owner: Words
    """Who answers for this entry."""
    reviewed: Day
    """When it was reviewed."""
    valid_until: Day
    """The last day, in UTC, on which it may be used."""
    evidence: Link | None = None
    """Where the review's documents are."""

    @property
    def review(self) -> Review:
        """What policy goes by."""
        return Review(self.owner, self.reviewed, self.valid_until)

    @property
    def summary(self) -> str:
        """What is approved, on one line."""
        return f"versions: {self.approved_versions}"


class VendorRegisterDocument(Section):
    """The register of vendors."""

    vendors: dict[Name, ReviewedVendorDocument]
    """By their names in gatehouse.yaml. An engine in the house needs no entry."""


class AssistantRegisterDocument(Section):
    """The register of assistants."""

    assistants: dict[AssistantName, ReviewedAssistantDocument]
    """By the names the gateway tells them by; `unrecognised` stands for all others."""
