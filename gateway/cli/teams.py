"""`gatehouse teams`: the teams in force, what each may use, and what it used this month."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.cli.options import AsJson, Data, Server
from gateway.cli.output import print_json, print_table
from gateway.cli.state import state_at
from gateway.cli.times import format_usd_rounded

_PLAIN: Final = (False, "UTC")
"""What is so where nobody says otherwise."""


def teams(data: Data = None, server: Server = None, as_json: AsJson = False) -> None:
    """Print the teams by the running gateway's configuration, with their use. It takes a key."""
    found = state_at(server, data).teams.list()
    if as_json:
        print_json(found)
        return
    print_table(
        ("TEAM", "CLASS", "MODELS", "LIMITS", "#REQUESTS THIS MONTH", "#TOKENS", "#SPEND"),
        map(_row, found),
    )


def _row(told: Mapping[str, Any]) -> tuple[object, ...]:
    used = told["used"]
    return (
        told["name"],
        told["data_class"],
        ", ".join(told["models"]),
        ", ".join(_limits(told["limits"])),
        f"{used['requests']:,}",
        f"{used['total_tokens']:,}",
        format_usd_rounded(used["cost_nano_usd"]),
    )


def _limits(limits: Mapping[str, Any], within: str = "") -> Iterator[str]:
    for name, value in limits.items():
        if isinstance(value, dict):
            yield from _limits(value, f"{within}{name}.")
        elif name.startswith("nano_usd"):
            yield f"{within}{name.removeprefix('nano_')} {format_usd_rounded(value)}"
        elif value not in _PLAIN:
            yield f"{within}{name} {value}"
