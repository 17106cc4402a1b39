"""What people changed, in one sentence each: keys, people, sessions, configuration, exceptions."""

from collections.abc import Mapping
from typing import Any

from gateway.cli.session_lines import change_of_session
from gateway.cli.subject_lines import change_of_subject
from gateway.cli.times import format_unix_us, format_usd

_PATHS_SHOWN = 3
_ORIGINS = {
    "files": "the files",
    "pin": "the store (a pin)",
    "last_good": "the store (last good)",
    "approved": "the store (the files await approval)",
    "embedded": "the embedded default",
}


def change_told(body: Mapping[str, Any]) -> str | None:
    """The sentence, for a record of a change; None for any other record."""
    match str(body["kind"]).partition("_")[0]:
        case "key":
            return change_of_key(body)
        case "config":
            return change_of_configuration(body)
        case "session":
            return change_of_session(body)
        case "user" | "role":
            return change_of_subject(body)
        case "break" if str(body["kind"]).startswith("break_glass_"):
            return change_of_exception(body)
        case _:
            return None


def who(body: Mapping[str, Any]) -> str:
    """The user and the team that a record is about."""
    if "subject" not in body:
        return "somebody"
    return f"{body['subject']} of {body.get('team', '?')}"


def change_of_key(body: Mapping[str, Any]) -> str:
    """Who did what to a key, in one sentence."""
    key = f"the key of {who(body)}"
    if body.get("identity_kind") == "service":
        key = f"the key of service {who(body)}"
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
        case "config_proposed":
            told = body.get("reason") or changes_in_short(body)
            return f"{_actor(body)} proposed version {version}" + (f": {told}" if told else "")
        case "config_approved":
            missing = body.get("missing", 0)
            more = f", {missing} more to approve it" if missing else ""
            return f"{_actor(body)} approved version {version}{more}: {body.get('reason', '?')}"
        case "config_dismissed":
            why = f": {body['reason']}" if "reason" in body else ""
            ended = body.get("as", "?")
            by = f" by {_actor(body)}" if ended == "refused" else ""
            return f"the proposal of version {version} is {ended}{by}{why}"
        case "config_approval_refused":
            attempt = body.get("attempt", "?")
            return f"{_actor(body)} may not {attempt} version {version}: {body.get('refusal', '?')}"
        case "config_refused":
            what = _ORIGINS.get(str(body.get("origin")), "?")
            return f"{what} refused: {body.get('problem', '?')}"
        case _:
            origin = _ORIGINS.get(str(body.get("origin")), "?")
            told = changes_in_short(body)
            people = " and ".join(
                str(each.get("name", "?")) for each in body.get("approved_by", ())
            )
            by = f", by word of {people}" if people else ""
            told = f": {told}" if told else ""
            return f"version {version} is in force, from {origin}{by}{told}"


def changes_in_short(body: Mapping[str, Any]) -> str:
    """The paths of what changed, a few of them."""
    paths = [str(each.get("path", "?")) for each in body.get("changes", ())]
    more = len(paths) - _PATHS_SHOWN + int(body.get("changes_omitted", 0))
    shown = ", ".join(paths[:_PATHS_SHOWN]) + (f" and {more} more" if more > 0 else "")
    files = [str(each) for each in body.get("files_changed", ())]
    return shown or (f"nothing but the text of {', '.join(files)}" if files else "")


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
