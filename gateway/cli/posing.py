"""A request as policy is asked about it from the command line: by options, or from the ledger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from gateway.cli.exits import CommandFailed, Exit
from policy.rulebook.cases import Posed
from policy.types import Circumstances, DataClass, Identity, Operation, RequestFacts


@dataclass(frozen=True, slots=True)
class Given:
    """What options say of a request; None is not said. Times are UTC seconds."""

    team: str | None = None
    user: str | None = None
    roles: tuple[str, ...] = ()
    key: str | None = None
    assistant: str | None = None
    model: str | None = None
    label: str | None = None
    tools: tuple[str, ...] = ()
    operation: str | None = None
    body_bytes: int | None = None
    input_tokens: int | None = None
    address: str | None = None
    at_unix_seconds: int | None = None


def plain(now_unix_seconds: int) -> Posed:
    """An ordinary chat, by nobody in particular."""
    facts = RequestFacts("", False, Operation.CHAT, 1000, 300, None, 1, (), tuple)
    identity = Identity("somebody", "", frozenset({"developer"}), "some-key")
    return Posed(identity, facts, Circumstances(now_unix_seconds), None)


def recorded(body: Mapping[str, Any]) -> Posed:
    """The request of an `admitted` or `denied` record.

    Raises `CommandFailed` for one that was refused before it could be read.
    """
    if "model" not in body or "team" not in body:
        raise CommandFailed(
            f"this request was refused before its body was read, by {body.get('rule', '?')}: "
            f"no rule of the policy was asked",
            Exit.NOT_FOUND,
        )
    assistant = body.get("assistant", {})
    facts = RequestFacts(
        model=body["model"],
        streaming=body.get("streaming", False),
        operation=Operation(body["operation"]),
        body_bytes=body.get("body_bytes", 0),
        input_tokens_estimate=body.get("input_tokens_estimate", 0),
        output_tokens_limit=body.get("output_tokens_limit"),
        answers=body.get("answers", 1),
        tool_names=tuple(body.get("tool_names", ())),
        read_segments=tuple,
    )
    label = body.get("data_class")
    return Posed(
        Identity(
            body["subject"],
            body["team"],
            frozenset(body["roles"]),
            body["credential_id"],
            is_service=body.get("identity_kind") == "service",
            signs_in=body.get("auth_method", "virtual_key") != "virtual_key",
        ),
        facts,
        Circumstances(
            body["time_unix_us"] // 1_000_000,
            assistant.get("name", "unrecognised"),
            assistant.get("version"),
            body.get("address"),
        ),
        None if label is None else DataClass.parse(label),
    )


def altered(posed: Posed, given: Given, canonical: Callable[[str], str]) -> Posed:
    """The request with all that options say of it. `canonical` leads from an alias to its model.

    Raises `CommandFailed` (usage) for an operation or a data class that there is none of.
    """
    identity = {
        "team": given.team,
        "subject": given.user,
        "roles": frozenset(given.roles) or None,
        "credential_id": given.key,
    }
    facts = {
        "model": None if given.model is None else canonical(given.model),
        "operation": _operation(given.operation),
        "body_bytes": given.body_bytes,
        "input_tokens_estimate": given.input_tokens,
        "tool_names": given.tools or None,
    }
    circumstances: dict[str, Any] = {
        "unix_seconds": given.at_unix_seconds,
        "address": given.address,
    }
    if given.assistant is not None:
        name, _, version = given.assistant.partition(" ")
        circumstances |= {"assistant": name, "assistant_version": version}
    return Posed(
        replace(posed.identity, **_said(identity)),
        replace(posed.facts, **_said(facts)),
        replace(posed.circumstances, **_said(circumstances)),
        posed.label if given.label is None else _label(given.label),
    )


def _said(values: Mapping[str, object]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _operation(label: str | None) -> Operation | None:
    try:
        return None if label is None else Operation(label)
    except ValueError:
        known = ", ".join(Operation)
        raise CommandFailed(f"no operation is {label!r}; one of: {known}", Exit.USAGE) from None


def _label(label: str) -> DataClass:
    try:
        return DataClass.parse(label)
    except ValueError as error:
        raise CommandFailed(str(error), Exit.USAGE) from None
