"""What became of somebody's session, as one sentence."""

from collections.abc import Mapping
from typing import Any

_ENDS = {
    "signed_out": "signed out",
    "ended_by_provider": "the identity provider knows its holder no more",
    "signed_out_at_provider": "its holder signed out at the identity provider",
    "token_reused": "one of its tokens came a second time, so somebody stole it",
    "holder_blocked": "its holder was blocked",
}


def change_of_session(body: Mapping[str, Any]) -> str:
    """Who signed in, was refused, or is not signed in any more, from which machine and why."""
    whose, machine = body.get("subject", "?"), body.get("machine", "?")
    reason = str(body.get("reason", "?"))
    match body["kind"]:
        case "session_started":
            team = f" for team {body['team']}" if "team" in body else ""
            return f"{whose} signed in from {machine}{team}"
        case "session_refused":
            return f"{whose} may not sign in from {machine}: {reason}"
        case _:
            actor = str(body.get("actor", {}).get("name") or "the gateway")
            return (
                f"{actor} ended the session of {whose} from {machine}: {_ENDS.get(reason, reason)}"
            )
