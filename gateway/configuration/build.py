"""Build the running configuration from what people wrote: frozen values, ready to be asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from gateway.configuration import checks
from gateway.configuration.admin import DEFAULT_ADMIN, AdminSettings
from gateway.configuration.cards import ModelCard, names_of
from gateway.configuration.counters import SharedCounting, read_counting
from gateway.configuration.document import (
    GatehouseDocument,
    PriceDocument,
    TelemetryDocument,
    VendorDocument,
)
from gateway.configuration.files import ON_DISK, Files
from gateway.configuration.identity_settings import (
    NOBODY_ELSE,
    IdentitySettings,
    identity_settings,
)
from gateway.configuration.listing import Pattern
from gateway.configuration.notices import DEFAULT_TEAM, doubled_paths, notices_of, unpriced
from gateway.configuration.policy_files import digest_with, read_policy_files
from gateway.configuration.problems import ConfigurationError
from gateway.configuration.problems import Path as FieldPath
from gateway.configuration.reading import Written, content_of, read_content
from gateway.configuration.registers import (
    NO_REGISTERS,
    ReadRegisters,
    check_registers,
    read_registers,
    register_notices,
)
from gateway.configuration.rule_checks import check_rules
from gateway.configuration.rule_lint import lint
from gateway.configuration.secrets import (
    Unlock,
    resolve,
    secret_files,
    unlock_all,
)
from gateway.configuration.shipped import Shipped
from gateway.configuration.storage import NO_STORAGE, Storage, read_storage
from gateway.configuration.stored import Origin, StoredConfiguration
from gateway.proxies import TrustedProxies
from gateway.settings import OfferedModel
from policy.break_glass import USUAL_TERMS, BreakGlassTerms
from policy.document import TeamDocument, nano_usd
from policy.engine import Policy
from policy.rulebook.cases import PlacedCase
from policy.rulebook.rule import Placed
from policy.types import RequestFacts, TargetFacts
from providers.base import Secret, Target, Vendor, Via, WireName
from providers.catalogue import Limits

_UNSEEN = "takes files that can be kept and shown to people; these are too large together"

Read = dict[Path | Pattern, str | tuple[str, ...]]
"""What a configuration was read from: of a file its digest, of a pattern the files it found."""


@dataclass(frozen=True, slots=True)
class PriceOverride:
    """A target's price as configured, in nano-USD per million tokens; None as in `Rates`."""

    input: int
    output: int
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Where traces go. Exporter `none`: they are built and thrown away, to see what that costs."""

    exporter: Literal["otlp", "none"] = "none"
    otlp_endpoint: str | None = None
    otlp_protocol: Literal["grpc", "http"] = "grpc"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything the gateway runs by. Replaced as a whole; a request keeps the one it began with.

    `digest` is the SHA-256 of the file's bytes, and of its registers' and rules' where there are
    any. `watched` are the files whose change makes a new one, `patterns` those by which more may
    come; `read` is what was found: each file's SHA-256, each pattern's files. `notices` is what the
    operator should read at start. `aliases` leads to the models, `stored` is what is kept of all.
    """

    source: Path | None
    digest: str
    vendors: Mapping[str, Vendor]
    models: Mapping[str, tuple[Target, ...]]
    cards: Mapping[str, ModelCard]
    aliases: Mapping[str, str]
    target_facts: Mapping[str, TargetFacts]
    policy: Policy
    prices: Mapping[str, PriceOverride]
    telemetry: Telemetry | None
    teams: tuple[str, ...]
    developer_team: str
    watched: tuple[Path, ...] = ()
    notices: tuple[str, ...] = ()
    registers: ReadRegisters = NO_REGISTERS
    patterns: tuple[Pattern, ...] = ()
    read: Mapping[Path | Pattern, str | tuple[str, ...]] = field(default_factory=dict)
    policy_tests: tuple[PlacedCase, ...] = ()
    team_documents: Mapping[str, TeamDocument] = field(default_factory=dict)
    admin: AdminSettings = DEFAULT_ADMIN
    identity: IdentitySettings = NOBODY_ELSE
    origin: Origin = Origin.EMBEDDED
    stored: StoredConfiguration | None = None
    proxies: TrustedProxies | None = None
    storage: Storage = NO_STORAGE
    break_glass: BreakGlassTerms = USUAL_TERMS
    counting: SharedCounting | None = None
    policy_approvers: int = 1

    def offered(self, model: str) -> OfferedModel:
        """A model as commands tell it: by the target that answers first."""
        card, targets = self.cards[model], tuple(each.name for each in self.models[model])
        limits = card.limits[targets[0]]
        return OfferedModel(
            card.name,
            targets,
            card.display_name,
            card.aliases,
            limits.context_tokens,
            limits.output_tokens,
        )

    def canonical(self, name: str) -> str:
        """The model that a name stands for, if it is an alias."""
        return self.aliases.get(name, name)

    def under_its_model(self, facts: RequestFacts) -> RequestFacts:
        """The facts as policy and the books see them: an alias counts as its model.

        Exactly as spelt in the configuration: any other spelling stays an unknown model.
        """
        model = self.aliases.get(facts.model)
        return facts if model is None else facts.under(model)


def load(
    path: Path,
    environ: Mapping[str, str],
    shipped: Shipped,
    *,
    unlock: Unlock | None = resolve,
    files: Files = ON_DISK,
    more_rules: Sequence[Path] = (),
) -> Configuration:
    """Read, check and build. Raises `ConfigurationError` with every problem found.

    `more_rules` are files of rules that count as if `policy` named them last.
    `unlock` turns what stands for a secret (in a folder) into it, or raises `UnusableSecret`.
    Without it secrets are left out, and with them where state is kept and caps are counted.
    """
    written = read_content(content_of(path, files.configuration), path, environ)
    registers = read_registers(written, files, environ)
    document = registers.joined_to(written.document)
    policy, unfound, wrong = read_policy_files(written, files, environ, more_rules)
    found = [*checks.check(document, shipped), *unfound]
    opened, storage, counting = _opened(written, unlock, found)
    problems = [*wrong, *check_registers(written, registers), *written.problems(found)]
    # Rules are checked against the names of a configuration that is right.
    if problems := problems or [*check_rules(policy.files, document, shipped.assistants)]:
        raise ConfigurationError(str(path), problems)
    all_files = (written, *registers.files, *(each.written for each in policy.files))
    read: Read = {each.source: each.digest for each in all_files}
    digest = digest_with(registers.digest_with(written.digest), policy.files)
    built = build(
        document,
        opened,
        shipped,
        digest=digest,
        notices=_notices(written, registers, shipped),
        rules=policy.rules(),
        registers=registers,
    )
    return replace(
        built,
        source=path,
        storage=storage,
        counting=counting,
        watched=(*(each.source for each in all_files), *secret_files(document, path.parent)),
        patterns=tuple(policy.listings),
        read=read | dict(policy.listings.items()),
        policy_tests=policy.cases(),
        origin=Origin.FILES,
        stored=_kept(written, StoredConfiguration.of(digest, written, registers, policy.files)),
    )


def _notices(
    written: Written[GatehouseDocument], registers: ReadRegisters, shipped: Shipped
) -> tuple[str, ...]:
    document = written.document
    told = (doubled_paths(document, shipped), register_notices(document, registers, shipped))
    return (*notices_of(written), *chain(*told))


def _kept(written: Written[GatehouseDocument], stored: StoredConfiguration) -> StoredConfiguration:
    """What may be kept, which people have to see where they approve it."""
    if written.document.policy_changes.approvers > 1 and not stored.files:
        found = [(("policy_changes", "approvers"), _UNSEEN)]
        raise ConfigurationError(str(written.source), [*written.problems(found)])
    return stored


def _opened(
    written: Written[GatehouseDocument], unlock: Unlock | None, found: list[tuple[FieldPath, str]]
) -> tuple[Mapping[FieldPath, Secret], Storage, SharedCounting | None]:
    """The secrets, and what is reached by some: where state is kept, and where caps are counted."""
    if unlock is None:
        return {}, NO_STORAGE, None
    return (
        unlock_all(written, unlock, found),
        read_storage(written, unlock, found),
        read_counting(written, unlock, found),
    )


def build(
    document: GatehouseDocument,
    opened: Mapping[FieldPath, Secret],
    shipped: Shipped,
    *,
    digest: str,
    notices: tuple[str, ...] = (),
    rules: Sequence[Placed] = (),
    registers: ReadRegisters = NO_REGISTERS,
) -> Configuration:
    """Build from a document that has passed `checks.check`, and its secrets by where they stand.
    Its rules have passed `check_rules`; what registers say of vendors is in the document already.
    """
    vendors = {
        name: _vendor(name, each, opened.get(("vendors", name, "api_key")), shipped)
        for name, each in document.vendors.items()
    }
    models = _models(document, vendors)
    prices = {name: _price(each) for name, each in document.prices.items()}
    facts = {
        target.name: _facts(target, document, prices, shipped)
        for targets in models.values()
        for target in targets
    }
    by_model = {name: tuple(facts[each.name] for each in models[name]) for name in models}
    cards = _cards(document, models, shipped)
    teams = tuple(document.teams)
    compiled = Policy.compile(document.teams, by_model, rules, registers.for_policy())
    return Configuration(
        source=None,
        digest=digest,
        vendors=vendors,
        models=models,
        cards=cards,
        aliases=names_of(cards),
        target_facts=facts,
        policy=compiled,
        prices=prices,
        telemetry=_telemetry(document.telemetry),
        teams=teams,
        developer_team=DEFAULT_TEAM if DEFAULT_TEAM in teams else teams[0],
        registers=registers,
        team_documents=document.teams,
        admin=document.admin.settings(),
        proxies=TrustedProxies.of(document.server.trusted_proxies),
        break_glass=document.break_glass.terms,
        identity=identity_settings(document.identity, opened),
        policy_approvers=document.policy_changes.approvers,
        notices=(*notices, *unpriced(document, by_model), *lint(compiled, by_model)),
    )


def _vendor(name: str, written: VendorDocument, key: Secret | None, shipped: Shipped) -> Vendor:
    record = shipped.records[written.kind]
    via = checks.via(written, record)
    spoken = record.paths if written.wires is None else written.wires
    return Vendor(
        name=name,
        record=record,
        base_url=written.base_url or record.base_url or "",
        api_key=key,
        wires=frozenset() if via is Via.LITELLM else frozenset(WireName(each) for each in spoken),
        via=via,
        clearance=checks.clearance(written, record).label,
        region=written.region or record.region,
        jurisdiction=written.jurisdiction or record.jurisdiction,
        retention=written.retention or record.retention,
        review_date=written.review_date,
        may_drop_tools=frozenset(written.may_drop_tools),
    )


def _models(
    document: GatehouseDocument, vendors: Mapping[str, Vendor]
) -> Mapping[str, tuple[Target, ...]]:
    return {
        name: tuple(_target(each, vendors) for each in model.targets)
        for name, model in document.models.items()
    }


def _target(name: str, vendors: Mapping[str, Vendor]) -> Target:
    vendor, _, model = name.partition("/")
    return Target(vendors[vendor], model)


def _cards(
    document: GatehouseDocument, models: Mapping[str, tuple[Target, ...]], shipped: Shipped
) -> Mapping[str, ModelCard]:
    return {
        name: ModelCard.of(name, model, _limits(models[name], shipped))
        for name, model in document.models.items()
    }


def _limits(targets: tuple[Target, ...], shipped: Shipped) -> Mapping[str, Limits]:
    return {
        each.name: shipped.limits(each.vendor.record.kind, each.upstream_model) for each in targets
    }


def _facts(
    target: Target,
    document: GatehouseDocument,
    prices: Mapping[str, PriceOverride],
    shipped: Shipped,
) -> TargetFacts:
    vendor = target.vendor
    return TargetFacts(
        name=target.name,
        in_house=vendor.record.in_house,
        clearance=checks.clearance(document.vendors[vendor.name], vendor.record),
        region=vendor.region,
        jurisdiction=vendor.jurisdiction,
        retention=vendor.retention,
        review_date=vendor.review_date,
        price_known=vendor.record.in_house
        or target.name in prices
        or shipped.has_price(vendor.record.kind, target.upstream_model),
    )


def _price(written: PriceDocument) -> PriceOverride:
    def known(usd: Decimal | None) -> int | None:
        return None if usd is None else nano_usd(usd)

    return PriceOverride(
        nano_usd(written.input),
        nano_usd(written.output),
        known(written.cache_read),
        known(written.cache_write_5m),
        known(written.cache_write_1h),
    )


def _telemetry(written: TelemetryDocument) -> Telemetry | None:
    endpoint = written.otlp_endpoint
    if written.exporter == "none":
        return Telemetry()
    if endpoint is None:
        return None
    return Telemetry("otlp", endpoint, written.otlp_protocol or _usual_protocol(endpoint))


def _usual_protocol(endpoint: str) -> Literal["grpc", "http"]:
    """OpenTelemetry's registered ports: 4317 speaks gRPC, 4318 HTTP; a path means HTTP too."""
    parts = urlsplit(endpoint)
    return "http" if parts.port == 4318 or (parts.path and parts.port != 4317) else "grpc"
