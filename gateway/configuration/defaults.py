"""The configuration when there is no file: what runs on this machine, else the rehearsal model."""

from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter, ValidationError

from gateway.configuration.build import Configuration, build
from gateway.configuration.document import GatehouseDocument
from gateway.configuration.notices import DEFAULT_TEAM
from gateway.configuration.problems import Path
from gateway.configuration.reading import digest_of
from gateway.configuration.shipped import Shipped
from policy.document import ModelName
from providers.base import Secret
from providers.discovery import FoundEngine

REHEARSAL = "rehearsal"
"""The built-in model's vendor, kind and name."""

_MODEL_NAME: TypeAdapter[str] = TypeAdapter(ModelName)


def default_configuration(found: Sequence[FoundEngine], shipped: Shipped) -> Configuration:
    """One team, `default`, that may use every model found, for internal code.

    A model that two engines serve has both as targets, in the order found. A model whose name is
    not fit for a configuration is left out, and a notice says so.
    """
    targets: dict[str, list[str]] = {}
    notices: list[str] = []
    for engine in found:
        for model in dict.fromkeys(engine.models):
            if _is_fit(model):
                targets.setdefault(model, []).append(f"{engine.name}/{model}")
            else:
                notices.append(
                    f"{engine.name} serves {ascii(model)[:80]}: unfit for a name, left out"
                )
    engines = {engine.name: engine for engine in found}
    document = _document(engines, targets) if targets else _rehearsal()
    digest = digest_of(document.model_dump_json(exclude_none=True).encode())
    keys: dict[Path, Secret] = {
        ("vendors", engine.name, "api_key"): engine.api_key
        for engine in found
        if engine.api_key is not None
    }
    return build(document, keys, shipped, digest=digest, notices=tuple(notices))


def _document(engines: dict[str, FoundEngine], targets: dict[str, list[str]]) -> GatehouseDocument:
    vendors = {
        name: {
            "kind": "in_house",
            "base_url": engine.base_url,
            "wires": tuple(sorted(wire.value for wire in engine.wires)),
        }
        for name, engine in engines.items()
    }
    windows: dict[str, int] = {}
    for model, answering in targets.items():
        window = engines[answering[0].partition("/")[0]].context_windows.get(model)
        if window is not None:
            windows[model] = window
    return _with_default_team(vendors, targets, windows)


def _rehearsal() -> GatehouseDocument:
    return _with_default_team(
        {REHEARSAL: {"kind": REHEARSAL}}, {REHEARSAL: [f"{REHEARSAL}/{REHEARSAL}"]}, {}
    )


def _with_default_team(
    vendors: Mapping[str, object], targets: dict[str, list[str]], windows: Mapping[str, int]
) -> GatehouseDocument:
    lowered: dict[str, str] = {}
    for model in targets:  # names that differ only in case: the first one keeps its place
        lowered.setdefault(model.lower(), model)
    models = {
        model: {"targets": tuple(targets[model]), "context_window": windows.get(model)}
        for model in lowered.values()
    }
    team = {"models": tuple(models), "data_class": "internal"}
    return GatehouseDocument.model_validate(
        {"vendors": vendors, "models": models, "teams": {DEFAULT_TEAM: team}}
    )


def _is_fit(model: str) -> bool:
    try:
        _MODEL_NAME.validate_python(model)
    except ValidationError:
        return False
    return True
