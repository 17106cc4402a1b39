"""Tell one exchange as a story: who asked what, what was decided, what was tried, how it ended."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gateway.cli.changes_told import change_told
from gateway.cli.lines import how_often
from gateway.cli.output import printable
from gateway.cli.times import format_duration_us, format_unix_us, format_usd

Body = Mapping[str, Any]
"""A record as the ledger holds it (docs/cli.md lists its members)."""

_TOOLS_SHOWN = 12
_CLASSES = {
    "input_tokens": "fresh",
    "cache_read_tokens": "read from a cache",
    "cache_write_5m_tokens": "written to a cache for 5 minutes",
    "cache_write_1h_tokens": "written to a cache for an hour",
}
_COUNTED_BY = {
    "vendor": "counted by the vendor",
    "counted": "counted here",
    "estimated": "estimated here",
    "none": "nothing was generated",
}


@dataclass(frozen=True, slots=True)
class StoryRecord:
    """One record of the exchange and its hash in the chain (hex)."""

    body: Body
    record_hash: str


@dataclass(frozen=True, slots=True)
class _Chapter:
    """A heading and its lines, each already free of control characters."""

    title: str
    lines: tuple[str, ...]


def tell(records: Sequence[StoryRecord]) -> list[RenderableType]:
    """The records of one exchange, in ledger order, as lines to print. `records` is not empty."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for chapter in _chapters(records):
        lines = "\n".join(chapter.lines)
        table.add_row(chapter.title, Text(lines))
    first = records[0].body
    about = first.get("exchange_id") or first.get("key_id") or first["about_id"]
    return [Text(printable(about), style="bold"), table]


def _chapters(records: Sequence[StoryRecord]) -> Iterator[_Chapter]:
    ends = {
        attempt["attempt"]: attempt
        for each in records
        if each.body["kind"] == "completed"
        for attempt in each.body.get("attempts", ())
    }
    for each in records:
        body = each.body
        match body["kind"]:
            case "admitted":
                yield from _request(body)
                yield _Chapter("allowed", tuple(_allowed(body)))
            case "denied":
                yield from _request(body)
                yield _Chapter("denied", tuple(_denied(body)))
            case "repeated":
                yield _Chapter("repeated", (f"asked again {how_often(body)}, and told the same",))
            case "attempted":
                title = f"attempt {body.get('attempt', '?')}"
                yield _Chapter(title, tuple(_attempt(body, ends.get(body.get("attempt"), {}))))
            case "completed":
                yield _Chapter("ended", tuple(_ended(body)))
                yield _Chapter("usage", tuple(_usage(body)))
                yield _Chapter("cost", (_cost(body),))
            case "unknown":
                yield _Chapter("ended", tuple(_lost(body)))
            case "late":
                yield _Chapter("late", tuple(_late(body)))
            case _ if (told := change_told(body)) is not None:
                title = str(body["kind"]).rpartition("_")[2]
                yield _Chapter(title, (_when(body) + printable(told), *_details(body)))
    yield _Chapter("records", tuple(_sealed(each) for each in records))


def _request(body: Body) -> Iterator[_Chapter]:
    who = "somebody who gave no valid key"
    if "subject" in body:
        who = f"{body['subject']} of team {body.get('team', '?')}"
    key = f", key {body['credential_id']}" if "credential_id" in body else ""
    yield _Chapter("who", (printable(who + key), *_assistant(body.get("assistant", {}))))
    yield _Chapter("asked", tuple(_asked(body)))


def _assistant(assistant: Body) -> Iterator[str]:
    session = f", session {assistant['session_id']}" if "session_id" in assistant else ""
    if not assistant.get("recognised", False):
        claim = assistant.get("user_agent", "nothing")
        yield printable(f"with a tool we cannot tell, which calls itself {claim}{session}")
        return
    version = f" {assistant['version']}" if "version" in assistant else ""
    yield printable(f"with {assistant.get('name', '?')}{version}{session}")


def _asked(body: Body) -> Iterator[str]:
    yield f"at {format_unix_us(body['time_unix_us'])}, " + printable(
        f"{body.get('path', '?')} ({body.get('wire', '?')}), {body.get('body_bytes', 0):,} bytes"
    )
    if "address" in body:
        yield printable(f"from {body['address']}")
    if "model" in body:
        streamed = ", streamed" if body.get("streaming") else ""
        alias = f", asked for as {body['asked_model']}" if "asked_model" in body else ""
        yield printable(f"model {body['model']}{alias}{streamed}")
        limit = body.get("output_tokens_limit")
        room = f", room for {limit:,} out" if limit is not None else ""
        yield f"about {body.get('input_tokens_estimate', 0):,} tokens in{room}"
    if "turn_id" in body:
        yield printable(f"turn {body['turn_id']}")
    if tools := body.get("tool_names", ()):
        more = len(tools) - _TOOLS_SHOWN + body.get("tool_names_omitted", 0)
        listed = ", ".join(tools[:_TOOLS_SHOWN])
        yield printable(f"tools {listed}" + (f" and {more} more" if more > 0 else ""))


def _allowed(body: Body) -> Iterator[str]:
    yield printable(f"as {body.get('data_class', '?')}, to {', '.join(body.get('targets', ()))}")
    for cap in body.get("caps", ()):
        yield printable(
            f"within {cap['amount']:,} {cap['unit']} ({cap['window']}) of {cap['account']}"
        )
    for warning in body.get("warnings", ()):
        yield printable(f"warned: {warning}")
    if shadow := body.get("shadow"):
        yield printable(f"would be denied, were they enforced, by {', '.join(shadow)}")
    if exceptions := body.get("exceptions"):
        yield printable(f"because of break-glass {', '.join(exceptions)}")
    if "config_digest" in body:
        yield printable(f"under configuration {body['config_digest']}")


def _denied(body: Body) -> Iterator[str]:
    yield printable(f"by {body.get('rule', '?')}: {body.get('reason', '')}")
    if "alternative" in body:
        yield printable(f"instead: {body['alternative']}")
    yield printable(f"answered {body.get('status', '?')} ({body.get('code', '?')})")


def _attempt(body: Body, end: Body) -> Iterator[str]:
    where = "in house" if body.get("in_house") else "vendor"
    facts = [str(body[each]) for each in ("region", "jurisdiction", "retention") if each in body]
    reason = body.get("route_reason", "?")
    yield printable(f"{body.get('target', '?')} ({', '.join([where, *facts])}), {reason}")
    for edit in body.get("edits", ()):
        sizes = f"{edit['bytes_before']} bytes became {edit['bytes_after']}"
        yield printable(f"edited {edit['path']} ({edit['kind']}): {sizes}")
    if end:
        status = f"answered {end['status']}" if "status" in end else "gave no answer"
        error = f", {end['error']}" if "error" in end else ""
        took = f" after {format_duration_us(end['duration_us'])}" if "duration_us" in end else ""
        yield printable(status + error) + took


def _ended(body: Body) -> Iterator[str]:
    target = f" by {body['target']}" if "target" in body else ""
    status = f", status {body['status']}" if "status" in body else ""
    error = f", {body['error']}" if "error" in body else ""
    yield printable(f"{body.get('outcome', '?')}{target}{status}{error}")
    for edit in body.get("reply_edits", ()):
        yield printable(f"told inside it: {edit['kind']} of rule {edit['rule']}") + (
            f", {edit['bytes']:,} bytes"
        )
    if "finish_reason" in body:
        yield printable(f"stop reason {body['finish_reason']}")
    times = [
        f"{what} after {format_duration_us(body[each])}"
        for each, what in (("first_byte_us", "first byte"), ("duration_us", "end"))
        if each in body
    ]
    yield ", ".join([*times, f"{body.get('reply_bytes', 0):,} bytes of reply"])


def _usage(body: Body) -> Iterator[str]:
    usage = body.get("usage", {})
    counted = _COUNTED_BY.get(body.get("usage_source", "none"), "")
    if not usage:
        yield counted
        return
    parts = [f"{usage[each]:,} {name}" for each, name in _CLASSES.items() if usage.get(each)]
    reasoning = usage.get("reasoning_tokens", 0)
    thought = f" ({reasoning:,} of them reasoning)" if reasoning else ""
    yield f"tokens in: {', '.join(parts) or 0}"
    yield f"tokens out: {usage.get('output_tokens', 0):,}{thought}; {counted}"


def _cost(body: Body) -> str:
    cost, is_known = body.get("cost_nano_usd", 0), body.get("price_known", True)
    if not (cost or is_known):
        return "unknown: nobody has told a price for this target"
    book = f" by price book {body['price_book']}" if "price_book" in body else ""
    return printable(format_usd(cost) + book + ("" if is_known else _not_priced(body)))


def _not_priced(body: Body) -> str:
    """What the figure beside it leaves out."""
    tier = [f"service tier {body['service_tier']}"] if "service_tier" in body else []
    tools = [f"{times} {name}" for name, times in body.get("vendor_tools", {}).items()]
    return f", the tokens alone at the standard price ({', '.join([*tier, *tools])})"


def _lost(body: Body) -> Iterator[str]:
    yield printable(f"unknown: {body.get('reason', '?')}; nobody saw how it ended")
    for attempt in body.get("attempts", ()):
        yield printable(f"attempt {attempt['attempt']} had gone to {attempt['target']}")


def _late(body: Body) -> Iterator[str]:
    yield "recorded when another replica had ended the exchange; what it used counts, no estimate"
    if "outcome" not in body:
        yield from _lost(body)
        return
    yield from _ended(body)
    yield from _usage(body)
    yield _cost(body)


def _when(body: Body) -> str:
    return f"at {format_unix_us(body['time_unix_us'])}: "


def _details(body: Body) -> Iterator[str]:
    """What the sentence about a change leaves out: a key's scope, the values of a configuration."""
    match str(body["kind"]).partition("_")[0]:
        case "key":
            yield from _scope(body.get("scope", {}))
        case "config":
            yield from _configured(body)


def _scope(scope: Body) -> Iterator[str]:
    for each, what in (("models", "for models"), ("networks", "from networks")):
        if scope.get(each):
            yield printable(f"only {what} {', '.join(scope[each])}")


def _configured(body: Body) -> Iterator[str]:
    if "previous_digest" in body:
        yield printable(f"in place of version {body['previous_digest'][:12]}")
    for name in ("added", "removed", "changed"):
        if files := body.get(f"files_{name}"):
            yield printable(f"files {name}: {', '.join(files)}")
    if owners := body.get("file_owners"):
        yield printable(f"files of {', '.join(owners)}")
    for each in body.get("changes", ()):
        old, new = each.get("old", "nothing"), each.get("new", "nothing")
        yield printable(f"{each.get('path', '?')}: {old} before, {new} after")
    if omitted := body.get("changes_omitted"):
        yield f"and {omitted:,} more"


def _sealed(record: StoryRecord) -> str:
    body = record.body
    place = f"{body.get('lane', '?')} {body.get('seq', '?')}"
    return printable(f"{body['kind']} {format_unix_us(body['time_unix_us'])} {place}") + (
        f"\n  {record.record_hash}"
    )
