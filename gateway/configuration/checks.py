"""What must hold between the parts of a configuration: everything named exists and can be used."""

from collections.abc import Iterator, Mapping

from gateway.configuration.document import GatehouseDocument, ModelDocument, VendorDocument
from gateway.configuration.identity_checks import check_identity
from gateway.configuration.problems import Path, suggestion
from gateway.configuration.shipped import Shipped
from gateway.key_wish import ADMINISTRATORS
from policy.caps import Amounts
from policy.document import AmountsDocument, LimitsDocument
from policy.types import DataClass, Unit
from providers.base import Auth, VendorRecord, Via

Found = Iterator[tuple[Path, str]]


def check(document: GatehouseDocument, shipped: Shipped) -> Found:
    """Every problem: the path of what to change, and what to change it to."""
    for name, vendor in document.vendors.items():
        yield from _check_vendor(("vendors", name), vendor, shipped.records)
    yield from _check_models(document)
    for target in document.prices:
        if target.partition("/")[0] not in document.vendors:
            hint = suggestion(target.partition("/")[0], list(document.vendors))
            yield ("prices", target), f"names no vendor of this file{hint}"
    yield from _check_teams(document, shipped)
    yield from check_identity(document.identity, tuple(document.teams))
    if document.telemetry.exporter == "otlp" and document.telemetry.otlp_endpoint is None:
        yield ("telemetry", "exporter"), "otlp needs to know where to: add otlp_endpoint"


def clearance(vendor: VendorDocument, record: VendorRecord) -> DataClass:
    """What a vendor may see: as written, else everything in the house and public elsewhere."""
    if vendor.clearance is not None:
        return DataClass.parse(vendor.clearance)
    return DataClass.RESTRICTED if record.in_house else DataClass.PUBLIC


def via(vendor: VendorDocument, record: VendorRecord) -> Via:
    """How a vendor is reached: as written, else as its record says."""
    return Via(vendor.via) if vendor.via else record.via


def _check_vendor(path: Path, vendor: VendorDocument, records: Mapping[str, VendorRecord]) -> Found:
    record = records.get(vendor.kind)
    if record is None:
        hint = suggestion(vendor.kind, list(records))
        yield (*path, "kind"), f"unknown kind `{vendor.kind}`{hint}"
        return
    if record.via is Via.BUILT_IN:
        for field in ("base_url", "api_key", "wires", "via"):
            if getattr(vendor, field) is not None:
                yield (*path, field), f"kind {vendor.kind} is built in and takes no {field}"
        return
    if vendor.base_url is None and record.base_url is None:
        yield path, f"base_url is required for kind {vendor.kind}; add base_url: http://..."
    yield from _check_way(path, vendor, record)
    needs_key = any(auth is not Auth.NONE for auth in record.auth.values())
    if vendor.api_key is None and needs_key and not record.in_house:
        yield path, f'api_key is required for kind {vendor.kind}; add api_key: "${{NAME}}"'


def _check_way(path: Path, vendor: VendorDocument, record: VendorRecord) -> Found:
    chosen = via(vendor, record)
    if chosen is Via.LITELLM and record.litellm_prefix is None:
        yield (*path, "via"), f"kind {vendor.kind} cannot be reached through litellm; leave via out"
    if vendor.wires is None:
        if record.in_house and chosen is Via.DIRECT:
            yield (
                path,
                f"wires is required for kind {vendor.kind}; add wires: [openai_chat], "
                f"or more of: {', '.join(record.paths)}",
            )
        return
    if chosen is Via.LITELLM:
        yield (*path, "wires"), "means nothing with via: litellm; leave wires out"
    for at, wire in enumerate(vendor.wires):
        if wire not in record.paths:
            hint = suggestion(wire, list(record.paths))
            yield (*path, "wires", at), f"kind {vendor.kind} does not speak {wire}{hint}"
        if wire in vendor.wires[:at]:
            yield (*path, "wires", at), f"{wire} is here twice; keep one"


def _check_models(document: GatehouseDocument) -> Found:
    seen: dict[str, str] = {}
    for model in document.models:
        twin = seen.setdefault(model.lower(), model)
        if twin != model:
            yield ("models", model), f"differs from {twin} only in upper and lower case; rename one"
    yield from _check_aliases(document, seen)
    for model, each in document.models.items():
        yield from _check_limits(("models", model), each)
        for at, target in enumerate(each.targets):
            path: Path = ("models", model, "targets", at)
            vendor = target.partition("/")[0]
            if vendor not in document.vendors:
                hint = suggestion(vendor, list(document.vendors))
                yield path, f"names a vendor that is not under vendors: {vendor}{hint}"
            if target in each.targets[:at]:
                yield path, f"{target} is here twice; keep one"


def _check_aliases(document: GatehouseDocument, taken: dict[str, str]) -> Found:
    """One name leads to one model. `taken` leads from every name, in lower case, to its model."""
    for model, each in document.models.items():
        for at, alias in enumerate(each.aliases):
            owner = taken.setdefault(alias.lower(), "")
            if owner:
                told = f"{alias} is a name of model {owner} already (case aside); keep one"
                yield ("models", model, "aliases", at), told
            else:
                taken[alias.lower()] = model


def _check_limits(path: Path, model: ModelDocument) -> Found:
    window, output = model.context_window, model.output_limit
    if window is not None and output is not None and output > window:
        yield (*path, "output_limit"), f"is more than the context_window of {window:,} tokens"


def _check_teams(document: GatehouseDocument, shipped: Shipped) -> Found:
    for name, team in document.teams.items():
        if name == ADMINISTRATORS:
            told = f"{name} are those who belong to no team of this file; give it another name"
            yield ("teams", name), told
        yield from _check_team_limits(("teams", name, "limits"), team.limits)
        for at, model in enumerate(team.models):
            path: Path = ("teams", name, "models", at)
            if model not in document.models:
                yield path, _unknown_model(model, document)
                continue
            cleared = _clearances(document, shipped, model)
            if cleared and max(cleared.values()) < team.clearance_needed:
                found = ", ".join(f"{k} is cleared for {v.label}" for k, v in cleared.items())
                yield (
                    path,
                    f"team {name} could never use model {model}: the team is {team.data_class}, "
                    f"{found}; raise a clearance or take the model away",
                )


def _check_team_limits(path: Path, limits: LimitsDocument) -> Found:
    """The team itself may go without amounts; what is written for each user or key may not."""
    if Amounts.of(limits, "UTC"):
        yield from check_amounts(path, limits)
    for name, written in (("per_user", limits.per_user), ("per_key", limits.per_key)):
        if written is not None:
            yield from check_amounts((*path, name), written)


def check_amounts(path: Path, written: AmountsDocument) -> Found:
    """That it limits something, and that its words mean something for what it limits."""
    units = [unit for unit, _, _ in Amounts.of(written, "UTC").amounts]
    if not units:
        yield path, "limits nothing; add requests_per_minute, usd_per_month, parallel or another"
    elif set(units) == {Unit.PARALLEL} and written.window is not None:
        yield (*path, "window"), "means nothing for parallel alone; leave it out"
    if units and written.strict and not {Unit.TOKENS, Unit.NANO_USD} & set(units):
        yield (*path, "strict"), "means something for tokens and money only; leave it out"


def _unknown_model(name: str, document: GatehouseDocument) -> str:
    for model, each in document.models.items():
        if name in each.aliases:
            return f"{name} is an alias; name its model, {model}, and the team may use both"
    hint = suggestion(name, list(document.models))
    return f"names a model that is not under models: {name}{hint}"


def _clearances(
    document: GatehouseDocument, shipped: Shipped, model: str
) -> Mapping[str, DataClass]:
    """The clearance of each vendor of a model; nothing while one of them is itself wrong."""
    found: dict[str, DataClass] = {}
    for target in document.models[model].targets:
        name = target.partition("/")[0]
        vendor = document.vendors.get(name)
        record = shipped.records.get(vendor.kind) if vendor else None
        if vendor is None or record is None:
            return {}
        found[name] = clearance(vendor, record)
    return found
