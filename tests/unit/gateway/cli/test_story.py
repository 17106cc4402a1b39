"""An exchange reads as a story: who, what, decision, attempts, end, cost, hashes."""

import io
from typing import Any

from rich.console import Console

from gateway.cli.story import StoryRecord, tell

ID = "gh-01KAJ0T6M0ABCDEFGHJKMNPQRS"
TIME = 1_795_252_500_000_000
REQUEST: dict[str, Any] = {
    "subject": "anna",
    "team": "payments",
    "roles": ["developer"],
    "credential_id": "k1",
    "auth_method": "virtual_key",
    "assistant": {
        "name": "claude-code",
        "version": "2.1.329",
        "recognised": True,
        "session_id": "s-9",
        "user_agent": "claude-cli/2.1.329 (external, cli)",
    },
    "wire": "anthropic_messages",
    "path": "/v1/messages",
    "operation": "chat",
    "model": "coder",
    "streaming": True,
    "body_bytes": 18_231,
    "input_tokens_estimate": 4558,
    "output_tokens_limit": 32_000,
    "answers": 1,
    "tool_names": [f"tool{number}" for number in range(14)],
    "config_digest": "c0ffee",
}


def record(kind: str, seq: int, **body: Any) -> StoryRecord:
    head = {"v": 1, "exchange_id": ID, "kind": kind, "time_unix_us": TIME, "lane": "L", "seq": seq}
    return StoryRecord({**head, **body}, record_hash=f"{seq:064x}")


ADMITTED = record(
    "admitted",
    1,
    **REQUEST,
    data_class="confidential",
    targets=["house/qwen", "vendor/big"],
    caps=[{"account": "team:payments", "unit": "requests", "amount": 600, "window": "minute"}],
    warnings=["reviewed until July"],
)
ATTEMPTED = record(
    "attempted",
    2,
    attempt=1,
    target="house/qwen",
    vendor="house",
    upstream_model="qwen",
    in_house=True,
    route_reason="primary",
    edits=[{"path": "model", "kind": "model_name", "bytes_before": 7, "bytes_after": 6}],
)
SECOND = record(
    "attempted",
    3,
    attempt=2,
    target="vendor/big",
    in_house=False,
    region="eu",
    jurisdiction="DE",
    route_reason="fallback:busy",
    edits=[],
)
COMPLETED = record(
    "completed",
    4,
    outcome="complete",
    status=200,
    attempts=[
        {"attempt": 1, "target": "house/qwen", "status": 429, "error": "busy", "duration_us": 900},
        {"attempt": 2, "target": "vendor/big", "status": 200, "duration_us": 4_200_000},
    ],
    target="vendor/big",
    usage={
        "input_tokens": 314,
        "cache_read_tokens": 4096,
        "cache_write_5m_tokens": 0,
        "cache_write_1h_tokens": 0,
        "output_tokens": 812,
        "reasoning_tokens": 500,
    },
    usage_source="vendor",
    cost_nano_usd=12_300_000,
    price_book="2026-11-01",
    finish_reason="end_turn",
    duration_us=4_300_000,
    first_byte_us=320_000,
    reply_bytes=12_001,
    team="payments",
    model="coder",
)
DENIED = record(
    "denied",
    1,
    **REQUEST,
    rule="model_access",
    code="policy_denied",
    reason="team payments may not use coder",
    alternative="use small",
    status=451,
)


def told(*records: StoryRecord) -> str:
    out = io.StringIO()
    console = Console(file=out, width=200, highlight=False, markup=False, emoji=False)
    for each in tell(records):
        console.print(each)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_it_tells_who_asked_what() -> None:
    text = told(ADMITTED, ATTEMPTED, SECOND, COMPLETED)
    assert text.startswith(ID)
    assert "anna of team payments, key k1" in text
    assert "with claude-code 2.1.329, session s-9" in text
    assert "at 2026-11-21T09:15:00Z, /v1/messages (anthropic_messages), 18,231 bytes" in text
    assert "model coder, streamed" in text
    assert "about 4,558 tokens in, room for 32,000 out" in text
    assert "tool11 and 2 more" in text


def test_it_tells_the_alias_that_was_asked_for() -> None:
    aliased = record("admitted", 1, **REQUEST, asked_model="claude-haiku-4-5")
    assert "model coder, asked for as claude-haiku-4-5, streamed" in told(aliased)


def test_it_tells_where_a_request_came_from() -> None:
    assert "from 203.0.113.5" in told(record("admitted", 1, **REQUEST, address="203.0.113.5"))
    assert "from " not in told(ADMITTED)


def test_it_tells_what_was_decided() -> None:
    text = told(ADMITTED)
    assert "as confidential, to house/qwen, vendor/big" in text
    assert "within 600 requests (minute) of team:payments" in text
    assert "warned: reviewed until July" in text
    assert "under configuration c0ffee" in text


def test_it_tells_each_attempt_with_its_edits_and_its_end() -> None:
    text = told(ADMITTED, ATTEMPTED, SECOND, COMPLETED)
    assert "house/qwen (in house), primary" in text
    assert "edited model (model_name): 7 bytes became 6" in text
    assert "answered 429, busy after 900 µs" in text
    assert "vendor/big (vendor, eu, DE), fallback:busy" in text
    assert "answered 200 after 4.20 s" in text


def test_it_tells_the_end_with_usage_and_cost() -> None:
    text = told(ADMITTED, ATTEMPTED, SECOND, COMPLETED)
    assert "complete by vendor/big, status 200" in text
    assert "stop reason end_turn" in text
    assert "first byte after 320.0 ms, end after 4.30 s, 12,001 bytes of reply" in text
    assert "tokens in: 314 fresh, 4,096 read from a cache" in text
    assert "tokens out: 812 (500 of them reasoning); counted by the vendor" in text
    assert "$0.0123 by price book 2026-11-01" in text


def test_it_tells_what_was_put_into_the_answer() -> None:
    edit = {"kind": "warning", "rule": "codex-leaves", "bytes": 1140}
    text = told(ADMITTED, record("completed", 2, outcome="complete", reply_edits=[edit]))
    assert "told inside it: warning of rule codex-leaves, 1,140 bytes" in text


def test_a_cost_that_nobody_knows_is_not_told_as_nothing() -> None:
    ended = record("completed", 4, outcome="complete", cost_nano_usd=0, price_known=False)
    text = told(ADMITTED, ATTEMPTED, ended)
    assert "unknown: nobody has told a price for this target" in text
    assert "USD" not in text


def test_a_cost_that_leaves_something_out_says_what() -> None:
    known = {"outcome": "complete", "cost_nano_usd": 12_300_000, "price_known": False}
    ended = record("completed", 4, **known, service_tier="flex", vendor_tools={"web_search": 2})
    text = told(ADMITTED, ATTEMPTED, ended)
    assert (
        "$0.0123, the tokens alone at the standard price (service tier flex, 2 web_search)" in text
    )


def test_it_ends_with_every_record_and_its_hash() -> None:
    lines = told(ADMITTED, ATTEMPTED, SECOND, COMPLETED).splitlines()
    assert "completed 2026-11-21T09:15:00Z L 4" in lines[-2]
    assert lines[-1].strip() == f"{4:064x}"


def test_a_denial_tells_rule_reason_and_alternative() -> None:
    text = told(DENIED)
    assert "by model_access: team payments may not use coder" in text
    assert "instead: use small" in text
    assert "answered 451 (policy_denied)" in text


def test_a_denied_turn_tells_how_often_it_was_asked_again() -> None:
    text = told(record("denied", 1, **REQUEST, turn_id="5e" * 16), record("repeated", 2, repeats=5))
    assert f"turn {'5e' * 16}" in text
    assert "asked again 5 times, and told the same" in text


def test_a_denial_before_anything_was_read_is_told_too() -> None:
    text = told(record("denied", 1, rule="authentication", code="x", reason="no key", status=401))
    assert "somebody who gave no valid key" in text
    assert "by authentication: no key" in text


def test_a_lost_exchange_names_where_it_had_gone() -> None:
    lost = record(
        "unknown",
        3,
        attempts=[{"attempt": 1, "target": "house/qwen"}],
        reason="process ended",
        team="payments",
        model="coder",
    )
    text = told(ADMITTED, ATTEMPTED, lost)
    assert "unknown: process ended" in text
    assert "attempt 1 had gone to house/qwen" in text


def test_an_end_that_came_late_says_so_and_what_it_cost() -> None:
    lost = record("unknown", 3, attempts=[], reason="process ended")
    late = StoryRecord({**COMPLETED.body, "kind": "late"}, COMPLETED.record_hash)
    text = told(ADMITTED, ATTEMPTED, lost, late)
    assert "unknown: process ended" in text
    assert "recorded when another replica had ended the exchange" in text
    assert "what it used counts, no estimate" in text
    assert "complete by vendor/big" in text
    again = record("late", 4, attempts=[{"attempt": 1, "target": "a/b"}], reason="end not recorded")
    assert "attempt 1 had gone to a/b" in told(ADMITTED, ATTEMPTED, lost, again)


def test_an_unrecognised_assistant_is_quoted() -> None:
    assistant = {"name": "unrecognised", "recognised": False, "user_agent": "curl/9"}
    text = told(record("admitted", 1, **{**REQUEST, "assistant": assistant}))
    assert "with a tool we cannot tell, which calls itself curl/9" in text


def test_nothing_a_client_chose_can_steer_the_terminal() -> None:
    assistant = {"name": "x\x1b[2J", "recognised": False, "user_agent": "\x9b31m"}
    hostile = record("denied", 1, **{**REQUEST, "assistant": assistant}, reason="\x1b]0;x\x07")
    assert told(hostile).replace("\n", "").isprintable()
