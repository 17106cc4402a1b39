"""A ledger record as one line: when, which exchange, what kind, and the gist of it."""

from collections.abc import Mapping
from typing import Any

from gateway.cli.subject_lines import KINDS as SUBJECT_KINDS
from gateway.cli.subject_lines import change_of_subject
from gateway.cli.times import format_duration_us, format_unix_us, format_usd

_PATHS_SHOWN = 3
_ORIGINS = {
    "files": "the files",
    "pin": "the store (a pin)",
    "last_good": "the store (last good)",
    "embedded": "the embedded default",
}

HEADING = f"{'TIME':20}  {'EXCHANGE':29}  {'KIND':11}  WHAT"


def line_of(body: Mapping[str, Any]) -> str:
    """The record, its columns where `HEADING` has them. Texts are as the ledger holds them."""
    time = format_unix_us(body["time_unix_us"])
    return f"{time:20}  {_about(body):29}  {body['kind']:11}  {_gist(body)}"


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
        case _:
            return _change(body)


def _change(body: Mapping[str, Any]) -> str:
    """What people changed by the gateway, or what is not known better."""
    kind = str(body["kind"])
    if kind in SUBJECT_KINDS:
        return change_of_subject(body)
    if kind.startswith("key_"):
        return change_of_key(body)
    if kind.startswith("config_"):
        return change_of_configuration(body)
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


def change_of_configuration(body: Mapping[str, Any]) -> str:
    """What became of the configuration, in one sentence."""
    version = str(body.get("digest", "?"))[:12]
    match body["kind"]:
        case "config_pinned":
            return f"{_actor(body)} pinned version {version}: {body.get('reason', '?')}"
        case "config_resumed":
            return f"{_actor(body)} ended the pin of version {version}: {body.get('reason', '?')}"
        case "config_refused":
            what = _ORIGINS.get(str(body.get("origin")), "?")
            return f"{what} refused: {body.get('problem', '?')}"
        case _:
            origin = _ORIGINS.get(str(body.get("origin")), "?")
            told = changes_in_short(body)
            return f"version {version} is in force, from {origin}" + (f": {told}" if told else "")


def changes_in_short(body: Mapping[str, Any]) -> str:
    """The paths of what changed, a few of them."""
    paths = [str(each.get("path", "?")) for each in body.get("changes", ())]
    more = len(paths) - _PATHS_SHOWN + int(body.get("changes_omitted", 0))
    shown = ", ".join(paths[:_PATHS_SHOWN]) + (f" and {more} more" if more > 0 else "")
    files = [str(each) for each in body.get("files_changed", ())]
    return shown or (f"nothing but the text of {', '.join(files)}" if files else "")


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
