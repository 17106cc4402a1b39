"""What is right in a configuration and still worth saying to whoever wrote it."""

from collections.abc import Mapping
from typing import Final

from gateway.configuration.counters import notices as counters_notices
from gateway.configuration.document import GatehouseDocument
from gateway.configuration.identity_checks import identity_notices
from gateway.configuration.problems import dotted
from gateway.configuration.reading import Written
from gateway.configuration.secrets import secret_file, secrets_in
from gateway.configuration.shipped import Shipped
from gateway.configuration.storage import notices as storage_notices
from policy.caps import Amounts
from policy.document import LimitsDocument
from policy.types import TargetFacts
from providers.base import WireName

DEFAULT_TEAM: Final = "default"
"""The team of the first developer key, where the configuration has it."""


def notices_of(written: Written[GatehouseDocument]) -> tuple[str, ...]:
    """Of what the file itself says."""
    teams = tuple(written.document.teams)
    notices = []
    if DEFAULT_TEAM not in teams:
        notices.append(
            f"no team is named {DEFAULT_TEAM}: the developer key belongs to team {teams[0]}"
        )
    for network in written.document.server.trusted_proxies:
        if network.endswith("/0"):
            notices.append(
                f"server.trusted_proxies holds {network}: whoever connects can say it is "
                "elsewhere; name the proxies' own networks"
            )
    for path, secret in secrets_in(written.document):
        if path in written.tree.filled:
            continue
        if secret_file(secret, written.source.parent) is None:
            notices.append(
                f"{dotted(path)} stands in the file itself; "
                f'use "${{NAME}}" or file:/run/secrets/name'
            )
    notices.extend(identity_notices(written.document.identity))
    return (*notices, *storage_notices(written), *counters_notices(written))


def doubled_paths(document: GatehouseDocument, shipped: Shipped) -> list[str]:
    """Addresses that should be an engine's root, and are what its clients are usually told."""
    notices = []
    for name, vendor in document.vendors.items():
        record = shipped.records[vendor.kind]
        path = record.paths[WireName(vendor.wires[0])] if vendor.wires else ""
        base = (vendor.base_url or "").rstrip("/")
        if record.base_url is None and base.endswith("/v1") and path.startswith("/v1/"):
            notices.append(
                f"vendors.{name}.base_url ends with /v1: it is asked at /v1{path}; "
                "leave /v1 out, unless that is where the engine answers"
            )
    return notices


def _limits_money(limits: LimitsDocument) -> bool:
    each = (limits, limits.per_user, limits.per_key)
    return any(Amounts.of(written, "UTC").has_money for written in each if written is not None)


def unpriced(
    document: GatehouseDocument, by_model: Mapping[str, tuple[TargetFacts, ...]]
) -> list[str]:
    """Targets that a team with a budget will be refused, because nobody knows what they cost."""
    found: dict[str, str] = {}
    for team, written in document.teams.items():
        if not _limits_money(written.limits):
            continue
        for model in written.models:
            for target in by_model[model]:
                if not target.price_known:
                    found.setdefault(target.name, team)
    return [
        f"no price is known for {target}: team {team} has a budget, so it is refused there; "
        f"add it under prices"
        for target, team in found.items()
    ]
