"""Wires, rules and vendors are registered by hand: what has a file is in its tuple."""

import importlib
import inspect
from pathlib import Path
from types import ModuleType

from gateway.cli.assistants import ASSISTANTS
from gateway.cli.assistants.base import Assistant
from gateway.wire import FAMILIES, WIRES
from policy.rules import RULES
from providers.base import VendorRecord
from providers.vendors import VENDORS
from tests.house.reading import ROOT, listing


def modules_of(package: str) -> list[ModuleType]:
    """The modules of a package, whether or not anybody registered them."""
    folder = ROOT / Path(*package.split("."))
    names = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    return [importlib.import_module(f"{package}.{name}") for name in names]


def classes_with(module: ModuleType, *members: str) -> list[type]:
    """Classes a module defines itself that have all these members, protocols left out."""
    return [
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if each.__module__ == module.__name__
        and all(hasattr(each, member) for member in members)
        and not getattr(each, "_is_protocol", False)
    ]


def test_every_rule_is_registered() -> None:
    found = {
        rule for module in modules_of("policy.rules") for rule in classes_with(module, "decide")
    }
    reason = "A rule that is not in policy.rules.RULES decides nothing, and nobody notices."
    assert found == set(RULES), listing(found ^ set(RULES), reason)


def test_every_wire_is_registered() -> None:
    members = ("read", "edit", "observer", "phrase_denial", "phrase_error")
    found = {
        wire for module in modules_of("gateway.wire") for wire in classes_with(module, *members)
    }
    reason = "A wire that is not in gateway.wire.WIRES, nor made by a family, is never served."
    registered = {*WIRES, *_made_by_families()}
    assert found == registered, listing(found ^ registered, reason)


def _made_by_families() -> set[type]:
    """The wires that families make for the paths they say they serve."""
    made = [family(lambda model, size: size) for family in FAMILIES]
    paths = [(family, path) for family in made for path in family.summaries]
    return {type(family.wire_at(path, b"")) for family, path in paths}


def test_every_family_of_wires_is_registered() -> None:
    found = {
        family
        for module in modules_of("gateway.wire")
        for family in classes_with(module, "summaries", "wire_at")
    }
    reason = "A family that is not in gateway.wire.FAMILIES is never asked for a wire."
    assert found == set(FAMILIES), listing(found ^ set(FAMILIES), reason)


def test_every_vendor_record_is_registered() -> None:
    found = {
        record.kind
        for module in modules_of("providers.vendors")
        for _, record in inspect.getmembers(module, lambda x: isinstance(x, VendorRecord))
    }
    registered = {record.kind for record in VENDORS}
    reason = "A vendor that is not in providers.vendors.VENDORS cannot be configured."
    assert found == registered, listing(found ^ registered, reason)


def test_every_assistant_is_registered() -> None:
    found = {
        assistant.name
        for module in modules_of("gateway.cli.assistants")
        for _, assistant in inspect.getmembers(module, lambda x: isinstance(x, Assistant))
    }
    registered = {assistant.name for assistant in ASSISTANTS}
    reason = "An assistant that is not in gateway.cli.assistants.ASSISTANTS cannot be connected."
    assert found == registered, listing(found ^ registered, reason)


def test_no_name_is_registered_twice() -> None:
    kinds = [record.kind for record in VENDORS]
    rules = [rule.name for rule in RULES]
    paths = [getattr(wire, "path", wire.__name__) for wire in WIRES]
    assistants = [assistant.name for assistant in ASSISTANTS]
    for names in (kinds, rules, paths, assistants):
        assert len(names) == len(set(names)), (
            f"the second of two equal names is never found: {names}"
        )
