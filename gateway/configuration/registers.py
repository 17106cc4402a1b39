"""Read the registers that gatehouse.yaml names, and join what they say to what it says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from gateway.assistant import UNRECOGNISED
from gateway.configuration.document import GatehouseDocument, VendorDocument
from gateway.configuration.files import Files
from gateway.configuration.problems import ConfigurationError, Path, Problem, suggestion
from gateway.configuration.reading import (
    Document,
    Written,
    digest_of,
    read_document,
    why_unreadable,
)
from gateway.configuration.register_documents import (
    AssistantRegisterDocument,
    ReviewedAssistantDocument,
    ReviewedVendorDocument,
    VendorRegisterDocument,
)
from gateway.configuration.shipped import Shipped
from policy.registers import Registers, ReviewedAssistant
from policy.versions import ANY, parse_range

VendorRegister = Written[VendorRegisterDocument]
AssistantRegister = Written[AssistantRegisterDocument]

SHARED_FACTS: Mapping[str, str] = {
    "clearance": "clearance",
    "region": "region",
    "jurisdiction": "jurisdiction",
    "retention": "retention",
    "review_date": "valid_until",
}
"""What gatehouse.yaml may say of a vendor too, and the register's name for it."""


@dataclass(frozen=True, slots=True)
class ReadRegisters:
    """The registers as they were read; None for one that is not kept."""

    vendors: VendorRegister | None = None
    assistants: AssistantRegister | None = None

    @property
    def files(self) -> tuple[VendorRegister | AssistantRegister, ...]:
        """Those that are kept."""
        return tuple(each for each in (self.vendors, self.assistants) if each is not None)

    @property
    def reviewed_vendors(self) -> Mapping[str, ReviewedVendorDocument]:
        """The entries of the register of vendors."""
        return self.vendors.document.vendors if self.vendors else {}

    @property
    def reviewed_assistants(self) -> Mapping[str, ReviewedAssistantDocument]:
        """The entries of the register of assistants."""
        return self.assistants.document.assistants if self.assistants else {}

    def digest_with(self, digest: str) -> str:
        """The name of a configuration: of its file alone, or of all its files."""
        if not self.files:
            return digest
        return digest_of("\n".join([digest, *(each.digest for each in self.files)]).encode())

    def joined_to(self, document: GatehouseDocument) -> GatehouseDocument:
        """The configuration with what the register says of its vendors."""
        vendors = {
            name: _with_facts(each, self.reviewed_vendors.get(name))
            for name, each in document.vendors.items()
        }
        return document.model_copy(update={"vendors": vendors})

    def for_policy(self) -> Registers:
        """What policy goes by."""
        vendors = {name: each.review for name, each in self.reviewed_vendors.items()}
        assistants = {
            name: ReviewedAssistant(
                each.review, parse_range(each.approved_versions), each.required_settings
            )
            for name, each in self.reviewed_assistants.items()
        }
        return Registers(
            None if self.vendors is None else vendors,
            None if self.assistants is None else assistants,
        )


NO_REGISTERS = ReadRegisters()


def read_registers(
    written: Written[GatehouseDocument], files: Files, environ: Mapping[str, str]
) -> ReadRegisters:
    """Read both. Raises `ConfigurationError` with every problem of either."""
    found: list[Problem] = []

    def read(field: str, name: str | None, kind: type[Document]) -> Written[Document] | None:
        if name is None:
            return None
        path = written.source.parent / name
        try:
            return read_document(files.register(field, path), path, environ, kind)
        except ConfigurationError as error:
            found.extend(error.placed)
        except (OSError, ValueError) as error:
            told = f"the file it names {why_unreadable(error)}"
            found.append(written.problem(("registers", field), told))
        return None

    named = written.document.registers
    registers = ReadRegisters(
        read("vendors", named.vendors, VendorRegisterDocument),
        read("assistants", named.assistants, AssistantRegisterDocument),
    )
    if found:
        raise ConfigurationError(str(written.source), found)
    return registers


def check_registers(
    written: Written[GatehouseDocument], registers: ReadRegisters
) -> Iterator[Problem]:
    """Every problem within the registers, and between them and gatehouse.yaml."""
    if registers.vendors is not None:
        yield from registers.vendors.refuse(_check_vendors(registers, written.document)).placed
        yield from written.refuse(_contradictions(written, registers.vendors)).problems
    if registers.assistants is not None:
        yield from registers.assistants.refuse(_check_assistants(registers)).placed


def register_notices(
    document: GatehouseDocument, registers: ReadRegisters, shipped: Shipped
) -> Iterator[str]:
    """What an operator should know of vendors that one file names and the other does not."""
    if registers.vendors is None:
        return
    file, reviewed = registers.vendors.source, registers.reviewed_vendors
    for name, vendor in document.vendors.items():
        if name not in reviewed and not shipped.records[vendor.kind].in_house:
            yield f"vendor {name} is not in {file}: nothing is sent there until it is"
    for name in reviewed:
        if name not in document.vendors:
            yield f"{file} has an entry for {name}, which is no vendor here"


def _check_vendors(
    registers: ReadRegisters, document: GatehouseDocument
) -> Iterator[tuple[Path, str]]:
    reviewed = registers.reviewed_vendors
    missing = [name for name in document.vendors if name not in reviewed]
    for name, entry in reviewed.items():
        path = ("vendors", name)
        yield from _check_dates(path, entry.reviewed, entry.valid_until)
        meant = suggestion(name, missing) if missing else ""
        if name not in document.vendors and "did you mean" in meant:
            yield path, f"is no vendor of gatehouse.yaml{meant}"


def _check_assistants(registers: ReadRegisters) -> Iterator[tuple[Path, str]]:
    for name, entry in registers.reviewed_assistants.items():
        path = ("assistants", name)
        yield from _check_dates(path, entry.reviewed, entry.valid_until)
        if name == UNRECOGNISED and entry.approved_versions != ANY:
            told = f"what cannot be told has no version; write {ANY}, or take the entry away"
            yield (*path, "approved_versions"), told


def _check_dates(path: Path, reviewed: date, valid_until: date) -> Iterator[tuple[Path, str]]:
    if valid_until < reviewed:
        yield (*path, "valid_until"), f"is before the day it was reviewed, {reviewed}; swap them?"


def _contradictions(
    written: Written[GatehouseDocument], register: VendorRegister
) -> Iterator[tuple[Path, str]]:
    for name, vendor in written.document.vendors.items():
        entry = register.document.vendors.get(name)
        for fact, there in SHARED_FACTS.items() if entry else ():
            ours, theirs = getattr(vendor, fact), getattr(entry, there)
            if ours is not None and ours != theirs:
                where = register.where(("vendors", name, there))
                told = f"is {ours} here and {theirs} in {where}; leave it to the register"
                yield ("vendors", name, fact), register.tree.scrubbed(told)


def _with_facts(vendor: VendorDocument, entry: ReviewedVendorDocument | None) -> VendorDocument:
    if entry is None:
        return vendor
    facts = {fact: getattr(entry, there) for fact, there in SHARED_FACTS.items()}
    return vendor.model_copy(update=facts)
