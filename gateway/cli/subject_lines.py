"""A change of what was decided about somebody, as one sentence."""

from collections.abc import Mapping
from typing import Any


def change_of_subject(body: Mapping[str, Any]) -> str:
    """Who decided what about whom."""
    actor = str(body.get("actor", {}).get("name") or "the gateway")
    kind = "service " if body.get("identity_kind") == "service" else ""
    whom, role = f"{kind}{body.get('subject', '?')}", body.get("role", "?")
    match body["kind"]:
        case "user_blocked":
            return f"{actor} blocked {whom}"
        case "user_unblocked":
            return f"{actor} ended the block of {whom}"
        case "role_granted":
            return f"{actor} gave {whom} the role {role}"
        case _:
            return f"{actor} took the role {role} from {whom}"
