"""`gatehouse caps`: every account that caps are counted for, and what is left of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import AsJson, Data, Server
from gateway.cli.output import note, print_json, print_table
from gateway.cli.state import state_at
from gateway.cli.times import format_unix_us, format_usd_rounded, unix_us

if TYPE_CHECKING:
    from gateway.caps.port import AccountState

_MONEY = "nano_usd"


def caps(
    team: Annotated[str | None, typer.Option(help="Of this team, its users and its keys.")] = None,
    unit: Annotated[
        str | None, typer.Option(help="Only requests, tokens, nano_usd or parallel.")
    ] = None,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Print what is used of each cap, as the running gateway counts it. It takes a key."""
    found = state_at(server, data).caps.list(team, unit)
    if as_json:
        print_json(map(_facts, found))
        return
    if not found:
        note("Nothing is capped.")
        return
    print_table(
        ("ACCOUNT", "OF", "OVER", "#LIMIT", "#USED", "#HELD", "#LEFT", "RESETS"),
        map(_row, found),
    )


def _facts(state: "AccountState") -> Mapping[str, object]:
    return {
        "account": state.account,
        "unit": state.unit.value,
        "window": state.window,
        "limit": state.limit,
        "used": state.used,
        "held": state.held,
        "at_risk": state.at_risk,
        "overspent": state.overspent,
        "resets": None if state.resets_at is None else format_unix_us(unix_us(state.resets_at)),
    }


def _row(state: "AccountState") -> tuple[str, ...]:
    left = max(0, state.limit - state.used - state.held)
    is_money = state.unit.value == _MONEY
    amounts = (state.limit, state.used, state.held, left)
    return (
        state.account,
        "USD" if is_money else state.unit.value,
        state.window,
        *(format_usd_rounded(each) if is_money else f"{each:,}" for each in amounts),
        "" if state.resets_at is None else format_unix_us(unix_us(state.resets_at)),
    )
