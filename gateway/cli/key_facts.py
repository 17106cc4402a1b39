"""What the command line tells of keys: as a table, and as `--json` prints it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from gateway.cli.output import print_table
from gateway.cli.times import format_unix_us

if TYPE_CHECKING:
    from gateway.store.stored_key import StoredKey

Facts = Mapping[str, object]
"""What may be told of one key, as `--json` prints it."""

_COLUMNS = ("ID", "TEAM", "USER", "KIND", "ROLES", "LIMITED TO", "KEY", "CREATED", "EXPIRES")


def facts_of(keys: "Sequence[StoredKey]", now_unix_us: int) -> list[Facts]:
    """What may be told of each key, as `--json` prints it."""
    replaced = {key.successor_id: key.id for key in keys if key.successor_id is not None}
    return [_facts(key, replaced.get(key.id), now_unix_us) for key in keys]


def print_keys(facts: Iterable[Facts]) -> None:
    """A table, one key a line."""
    print_table((*_COLUMNS, "STATE"), map(_row, facts))


def _facts(key: "StoredKey", predecessor: str | None, now_unix_us: int) -> Facts:
    return {
        "id": key.id,
        "team": key.team,
        "user": key.subject,
        "kind": key.identity.kind,
        "roles": sorted(key.roles),
        "models": [] if key.scope is None else list(key.scope.models),
        "networks": [] if key.scope is None else list(key.scope.networks),
        "key_hint": f"gth_…{key.last_four}",
        "created": format_unix_us(key.created_unix_us),
        "expires": format_unix_us(key.expires_unix_us) or None,
        "revoked": format_unix_us(key.revoked_unix_us) or None,
        "predecessor": predecessor,
        "successor": key.successor_id,
        "state": key.state(now_unix_us).value,
    }


def _row(facts: Facts) -> Sequence[object]:
    def listed(*names: str) -> str:
        return ", ".join(each for name in names for each in cast(list[str], facts[name]))

    state = str(facts["state"])
    if facts["successor"] is not None:
        state += f", replaced by {facts['successor']}"
    return (
        *(facts[name] for name in ("id", "team", "user", "kind")),
        listed("roles"),
        listed("models", "networks"),
        *(facts[name] or "" for name in ("key_hint", "created", "expires")),
        state,
    )
