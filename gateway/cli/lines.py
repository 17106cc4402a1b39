"""A ledger record as one line: when, which exchange, what kind, and the gist of it."""

from collections.abc import Mapping
from typing import Any

from gateway.cli.changes_told import change_told, who
from gateway.cli.times import format_duration_us, format_unix_us, format_usd

HEADING = f"{'TIME':20}  {'EXCHANGE':29}  {'KIND':20}  WHAT"


def line_of(body: Mapping[str, Any]) -> str:
    """The record, its columns where `HEADING` has them. Texts are as the ledger holds them."""
    time = format_unix_us(body["time_unix_us"])
    return f"{time:20}  {_about(body):29}  {body['kind']:20}  {_gist(body)}"


def _about(body: Mapping[str, Any]) -> str:
    """The exchange, the key, or what else was changed, that the record tells of."""
    return str(body.get("exchange_id") or body.get("key_id") or body.get("about_id", "?"))


def _gist(body: Mapping[str, Any]) -> str:
    match body["kind"]:
        case "admitted":
            streamed = ", streamed" if body.get("streaming") else ""
            return f"{who(body)} asks {body.get('model', '?')}{streamed}: {_class(body)}"
        case "attempted":
            return f"{body.get('target', '?')}, {body.get('route_reason', '?')}"
        case "denied":
            return f"{who(body)}, {body.get('rule', '?')}: {body.get('reason', '?')}"
        case "repeated":
            return f"{who(body)}, {body.get('rule', '?')}: asked again {how_often(body)}"
        case "completed":
            return _ended(body)
        case "late":
            return f"after another end: {_ended(body)}"
        case _:
            return change_told(body) or str(body.get("reason", ""))


def how_often(body: Mapping[str, Any]) -> str:
    """How often a denied turn was asked again, in words."""
    repeats = body.get("repeats", 0)
    return "once" if repeats == 1 else f"{repeats:,} times"


def _class(body: Mapping[str, Any]) -> str:
    targets = body.get("targets", ())
    return f"{body.get('data_class', '?')}, to {len(targets)} target{'s' * (len(targets) != 1)}"


def _ended(body: Mapping[str, Any]) -> str:
    usage = body.get("usage", {})
    read = sum(
        usage.get(each, 0)
        for each in (
            "input_tokens",
            "cache_read_tokens",
            "cache_write_5m_tokens",
            "cache_write_1h_tokens",
        )
    )
    parts = [
        str(body.get("outcome", "?")) + (f" by {body['target']}" if "target" in body else ""),
        str(body["error"]) if "error" in body else "",
        f"{read:,} in, {usage.get('output_tokens', 0):,} out" if usage else "",
        format_usd(body["cost_nano_usd"]) if body.get("cost_nano_usd") else "",
        format_duration_us(body["duration_us"]) if "duration_us" in body else "",
    ]
    return ", ".join(part for part in parts if part)
