"""A ledger record as one line: when, which exchange, what kind, and the gist of it."""

from collections.abc import Mapping
from typing import Any

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
            return f"{_who(body)} asks {body.get('model', '?')}{streamed}: {_class(body)}"
        case "attempted":
            return f"{body.get('target', '?')}, {body.get('route_reason', '?')}"
        case "denied":
            return f"{_who(body)}, {body.get('rule', '?')}: {body.get('reason', '?')}"
        case "repeated":
            return f"{_who(body)}, {body.get('rule', '?')}: asked again {how_often(body)}"
        case "completed":
            return _ended(body)
        case "key_created" | "key_rotated" | "key_revoked" | "key_lapsed":
            return change_of_key(body)
        case kind if str(kind).startswith("break_glass_"):
            return change_of_exception(body)
        case _:
            return str(body.get("reason", ""))


def how_often(body: Mapping[str, Any]) -> str:
    """How often a denied turn was asked again, in words."""
    repeats = body.get("repeats", 0)
    return "once" if repeats == 1 else f"{repeats:,} times"


def _who(body: Mapping[str, Any]) -> str:
    if "subject" not in body:
        return "somebody"
    return f"{body['subject']} of {body.get('team', '?')}"


def change_of_key(body: Mapping[str, Any]) -> str:
    """Who did what to a key, in one sentence."""
    key = f"the key of {_who(body)}"
    if body.get("identity_kind") == "service":
        key = f"the key of service {_who(body)}"
    until = body.get("expires_unix_us")
    end = f", until {format_unix_us(until)}" if until is not None else ""
    match body["kind"]:
        case "key_created":
            made = f" in place of {body['predecessor_id']}" if "predecessor_id" in body else ""
            return f"{_actor(body)} made {key}{made}{end}"
        case "key_rotated":
            return f"{_actor(body)} replaced {key} by {body.get('successor_id', '?')}{end}"
        case "key_revoked":
            return f"{_actor(body)} revoked {key}"
        case _:
            return f"{key}, replaced by {body.get('successor_id', '?')}, has lapsed"


def change_of_exception(body: Mapping[str, Any]) -> str:
    """Who did what to an exception from policy, in one sentence."""
    reason = body.get("reason", "?")
    until = body.get("until_unix_us")
    end = f" until {format_unix_us(until)}" if until is not None else ""
    lifted = f"what lifts {_lifted(body.get('lifts', {}))} for {_whom(body.get('scope', {}))}"
    match body["kind"]:
        case "break_glass_proposed":
            return f"{_actor(body)} proposed {lifted}: {reason}"
        case "break_glass_approved":
            return f"{_actor(body)} approved {lifted}: {reason}"
        case "break_glass_opened":
            return f"{_actor(body)} opened {lifted}{end}: {reason}"
        case "break_glass_refused":
            attempt = f"{_actor(body)} may not {body.get('attempt', '?')}"
            return f"{attempt} {lifted}: {body.get('refusal', '?')}"
        case "break_glass_closed":
            return f"{_actor(body)} closed {lifted}"
        case _:
            return f"{lifted} has come to its end"


def _lifted(lifts: Mapping[str, Any]) -> str:
    named = [f"rule {name}" for name in lifts.get("rules", ())]
    for kind in ("vendors", "assistants"):
        named += [f"the lapsed review of {kind[:-1]} {name}" for name in lifts.get(kind, ())]
    if lifts.get("extra_nano_usd"):
        named.append(f"the budget by {format_usd(lifts['extra_nano_usd'])}")
    return ", ".join(named) or "nothing"


def _whom(scope: Mapping[str, Any]) -> str:
    named = [f"{field[:-1]} {', '.join(values)}" for field, values in scope.items()]
    return ", ".join(named) or "everybody"


def _actor(body: Mapping[str, Any]) -> str:
    actor = body.get("actor", {})
    return str(actor.get("name") or "the gateway")


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
