"""Record bodies hold what the contract names, and nothing that would not hash the same anywhere."""

import json
import re
import uuid
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.audit.bounds import MAX_INTEGER, MAX_TEXT
from gateway.audit.chain import canonical
from gateway.audit.lost import LostExchange, PastAttempt
from gateway.audit.record import MAX_TOOL_NAMES, RecordBody, Records, UnreadRequest
from gateway.exchange import Assistant, Expected, ReplyEdit, Usage
from policy.types import Deny, Identity
from providers.base import WireName
from tests.fakes.ledger import (
    ALLOW,
    Story,
    a_story,
    an_exchange,
    attempt_of,
    complete,
    some_records,
)

ANY_TEXT = st.text(st.characters(codec=None), max_size=40)  # lone surrogates too


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield key
            yield from leaves(child)
    elif isinstance(value, list):
        for child in value:
            yield from leaves(child)
    else:
        yield value


def is_fit(leaf: object) -> bool:
    return isinstance(leaf, str) or (isinstance(leaf, int) and abs(leaf) <= MAX_INTEGER)


def test_an_audit_id_is_a_ulid_that_sorts_by_time():
    early = Records(lambda: 1_000_000_000, lambda count: b"\xff" * count)
    late = Records(lambda: 2_000_000_000, lambda count: b"\x00" * count)
    assert early.new_audit_id() == "gh-00000000Z8ZZZZZZZZZZZZZZZZ"
    assert late.new_audit_id() == "gh-00000001YG0000000000000000"
    assert early.new_audit_id() < late.new_audit_id()


def test_a_record_id_is_a_random_uuid():
    body = a_story(some_records()).admitted()
    record_id = uuid.UUID(hex=str(body["record_id"]))
    assert (record_id.version, record_id.variant) == (4, uuid.RFC_4122)


def test_admitted_tells_the_request_and_the_decision():
    body = a_story(some_records()).admitted()
    assert body["subject"] == "ann"
    assert body["roles"] == ["developer"]
    assert body["credential_id"] == "key_aaaaaaaaaaaa"
    assert body["wire"] == "openai_chat"
    assert body["assistant"] == {
        "name": "codex",
        "version": "1.2",
        "recognised": True,
        "session_id": "session-1",
        "user_agent": "codex/1.2",
    }
    assert body["targets"] == ["house/qwen3-coder", "deepseek/deepseek-chat"]
    assert body["data_class"] == "internal"
    assert body["caps"] == [
        {"account": "team:web", "unit": "requests", "amount": 600, "window": "minute"}
    ]


def test_admitted_tells_which_targets_a_cap_took_out():
    records, exchange = some_records(), an_exchange("gh-1")
    taken = records.admitted(exchange, ALLOW, frozenset({"b/two", "a/one"}))
    assert taken["left_out"] == ["a/one", "b/two"]
    assert "left_out" not in records.admitted(exchange, ALLOW)


def test_admitted_names_the_break_glasses_without_which_it_would_not_have_passed():
    body = some_records().admitted(an_exchange("gh-1"), replace(ALLOW, exceptions=("bg_a",)))
    assert body["exceptions"] == ["bg_a"]
    assert "exceptions" not in some_records().admitted(an_exchange("gh-1"), ALLOW)


def test_admitted_tells_what_policy_warned_of_and_what_shadow_rules_would_have_denied():
    allow = replace(ALLOW, warnings=("it leaves in July",), shadow=("no-db-tools",))
    body = some_records().admitted(an_exchange("gh-1"), allow)
    assert (body["warnings"], body["shadow"]) == (["it leaves in July"], ["no-db-tools"])
    assert "shadow" not in some_records().admitted(an_exchange("gh-1"), ALLOW)


def test_attempted_tells_where_the_bytes_would_go_and_how_they_were_changed():
    body = a_story(some_records()).attempted()
    assert body["target"] == "house/qwen3-coder"
    assert body["in_house"] is True
    assert body["region"] == "on-premises"
    assert "retention" not in body
    assert "provider" not in body
    assert body["edits"] == [
        {"path": "model", "kind": "model_name", "bytes_before": 7, "bytes_after": 13}
    ]


def test_completed_tells_outcome_usage_cost_and_times():
    story = a_story(some_records())
    attempt_of(story.exchange)
    body = story.completed()
    assert body["outcome"] == "complete"
    assert body["target"] == "house/qwen3-coder"
    assert body["usage"] == {
        "input_tokens": 100,
        "cache_read_tokens": 20,
        "cache_write_5m_tokens": 3,
        "cache_write_1h_tokens": 2,
        "output_tokens": 50,
        "reasoning_tokens": 10,
    }
    assert body["cost_nano_usd"] == 12_345
    assert body["duration_us"] == 8_000
    assert body["attempts"] == [
        {"attempt": 1, "target": "house/qwen3-coder", "status": 200, "duration_us": 6_000}
    ]
    assert (body["team"], body["model"]) == ("web", "coder")


def test_completed_tells_a_cost_that_nobody_knows_from_none():
    story = a_story(some_records())
    attempt_of(story.exchange)
    assert "price_known" not in story.completed()
    story.exchange.price_known = False
    assert story.completed()["price_known"] is False


def test_completed_tells_what_was_put_into_the_answer():
    story = a_story(some_records())
    attempt_of(story.exchange)
    assert "reply_edits" not in story.completed()
    story.exchange.reply_edits = (ReplyEdit("warning", "codex-leaves", 140),)
    assert story.completed()["reply_edits"] == [
        {"kind": "warning", "rule": "codex-leaves", "bytes": 140}
    ]


def test_completed_tells_the_tier_and_the_tools_of_the_vendor_within_bounds():
    story = a_story(some_records())
    attempt_of(story.exchange)
    assert {"service_tier", "vendor_tools"} & set(story.completed()) == set()
    story.exchange.service_tier = "x" * 10_000
    story.exchange.vendor_tools = {"web_search": 2**70}
    body = story.completed()
    assert len(str(body["service_tier"])) == MAX_TEXT
    assert body["vendor_tools"] == {"web_search": MAX_INTEGER}


def test_fields_that_translation_dropped_are_recorded_with_their_attempt():
    story = a_story(some_records())
    attempt_of(story.exchange).dropped = ("logit_bias",)
    attempts = story.completed()["attempts"]
    assert isinstance(attempts, list)
    assert attempts[0]["dropped"] == ["logit_bias"]


def test_an_exchange_that_no_target_answered_names_none():
    records = some_records()
    exchange = an_exchange("gh-1")
    attempt_of(exchange).error = "busy"
    body = records.completed(exchange, None)
    assert "target" not in body
    assert body["outcome"] == "failed"
    assert "price_book" not in body


def test_denied_tells_rule_reason_and_alternative():
    deny = Deny("data_class", "too secret", "ask the in-house model")
    body = some_records().denied(an_exchange("gh-1"), deny, 403)
    assert body["rule"] == "data_class"
    assert body["reason"] == "too secret"
    assert body["alternative"] == "ask the in-house model"
    assert (body["code"], body["status"]) == ("policy_denied", 403)
    assert body["model"] == "coder"


def test_admitted_and_denied_name_the_turn():
    story = a_story(some_records())
    assert story.admitted()["turn_id"] == story.denied()["turn_id"] == story.exchange.turn_id


def test_admitted_and_denied_tell_where_the_request_came_from_where_that_is_known():
    exchange = an_exchange("gh-1")
    assert "address" not in some_records().admitted(exchange, ALLOW)
    exchange.address = "203.0.113.5"
    assert some_records().admitted(exchange, ALLOW)["address"] == "203.0.113.5"
    assert some_records().denied(exchange, Deny("r", "x"), 400)["address"] == "203.0.113.5"


def test_repeated_tells_which_denial_was_asked_for_again_and_how_often():
    story = a_story(some_records())
    deny, exchange = Deny("model_access", "no"), story.exchange
    body = some_records().repeated(exchange.id, exchange.turn_id, exchange.identity, deny, 5)
    assert (body["kind"], body["exchange_id"]) == ("repeated", exchange.id)
    assert (body["turn_id"], body["rule"], body["repeats"]) == (exchange.turn_id, "model_access", 5)
    assert (body["subject"], body["team"]) == ("ann", "web")


def test_a_refusal_before_the_body_was_read_tells_what_is_known():
    request = UnreadRequest(
        "gh-1", WireName.OPENAI_CHAT, "/v1/chat/completions", Assistant(), "cd", 77, None, "key_x"
    )
    body = some_records().denied_unread(request, Deny("authentication", "the key is revoked"), 401)
    assert body["credential_id"] == "key_x"
    assert body["body_bytes"] == 77
    assert "team" not in body
    assert "model" not in body


def test_a_known_caller_is_named_though_the_body_could_not_be_read():
    identity = Identity("ann", "web", frozenset({"developer"}), "key_a")
    request = UnreadRequest(
        "gh-1", WireName.OPENAI_CHAT, "/v1", Assistant(), "cd", 0, identity, None
    )
    body = some_records().denied_unread(request, Deny("readable_request", "not JSON"), 400)
    assert (body["subject"], body["team"], body["credential_id"]) == ("ann", "web", "key_a")


def test_unknown_names_the_attempts_that_were_made():
    lost = LostExchange("gh-1", "web", "coder", (PastAttempt(1, "a/b"), PastAttempt(2, "c/d")))
    body = some_records().unknown(lost)
    assert body["attempts"] == [{"attempt": 1, "target": "a/b"}, {"attempt": 2, "target": "c/d"}]
    assert body["reason"] == "process ended"


EXPECTED = Expected(300, 1_024, 2_348_000, ("user:ada (team web)",))


def test_an_attempt_tells_what_caps_expect_of_it_and_whom_it_is_charged_to():
    story = a_story(some_records())
    assert {"expected", "charged"} & set(story.attempted()) == set()
    attempt = attempt_of(story.exchange)
    attempt.expected = EXPECTED
    body = some_records().attempted(story.exchange, attempt)
    assert body["expected"] == {
        "input_tokens": 300,
        "output_tokens": 1_024,
        "cost_nano_usd": 2_348_000,
    }
    assert body["charged"] == ["user:ada (team web)"]
    assert story.completed()["charged"] == ["user:ada (team web)"]


def test_a_lost_exchange_used_what_its_last_attempt_was_expected_to():
    attempts = (PastAttempt(1, "a/b", Expected(1, 1, 1)), PastAttempt(2, "c/d", EXPECTED))
    body = some_records().unknown(LostExchange("gh-1", "web", "coder", attempts))
    assert body["usage_source"] == "estimated"
    assert (body["cost_nano_usd"], body["charged"]) == (2_348_000, ["user:ada (team web)"])
    usage = body["usage"]
    assert isinstance(usage, dict)
    assert (usage["input_tokens"], usage["output_tokens"]) == (300, 1_024)


def test_nobody_knows_what_a_lost_exchange_used_that_no_cap_counted():
    body = some_records().unknown(LostExchange("gh-1", "web", "coder", (PastAttempt(1, "a/b"),)))
    assert {"usage", "cost_nano_usd", "charged"} & set(body) == set()


def test_a_query_string_is_not_recorded():
    story = a_story(some_records())
    story.exchange.path = "/v1/messages?beta=true&key=gth_secret"
    assert story.admitted()["path"] == "/v1/messages"


def test_a_long_text_is_cut():
    story = a_story(some_records(), model="m" * 5000)
    model = story.admitted()["model"]
    assert model == "m" * (MAX_TEXT - 1) + "…"


def test_tool_names_beyond_the_limit_are_counted():
    story = a_story(some_records())
    names = tuple(f"tool{number}" for number in range(MAX_TOOL_NAMES + 5))
    story.exchange.facts = replace(story.exchange.facts, tool_names=names)
    body = story.admitted()
    assert body["tool_names"] == list(names[:MAX_TOOL_NAMES])
    assert body["tool_names_omitted"] == 5


def every_body(story: Story) -> list[RecordBody]:
    exchange, records = story.exchange, story.records
    deny = Deny("rule", exchange.facts.model, exchange.facts.model)
    bodies = [story.admitted(), story.attempted(), records.denied(exchange, deny, 403)]
    return [*bodies, records.completed(exchange, "prices-1")]


@given(text=ANY_TEXT, number=st.integers(-(2**70), 2**70))
def test_whatever_a_client_or_vendor_says_a_body_stays_within_the_contract(text: str, number: int):
    story = a_story(some_records())
    exchange = complete(story.exchange)
    exchange.facts = replace(
        exchange.facts,
        model=text,
        tool_names=(text,),
        output_tokens_limit=number,
        answers=number,
        input_tokens_estimate=number,
    )
    exchange.assistant = Assistant("unrecognised", text, text, text)
    exchange.usage = Usage(number, number, number, number, number, number)
    exchange.cost_nano_usd = exchange.reply_bytes = number
    exchange.finish_reason = exchange.response_id = exchange.response_model = text
    exchange.error = exchange.path = text
    bodies = every_body(story)
    assert [leaf for body in bodies for leaf in leaves(body) if not is_fit(leaf)] == []
    assert all(re.fullmatch(r"[ -~]+", key) for body in bodies for key in body)
    plain = [
        json.dumps(b, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for b in bodies
    ]
    assert [canonical(body) for body in bodies] == [each.encode() for each in plain]


def test_an_audit_id_takes_80_random_bits_and_a_record_id_128():
    asked: list[int] = []

    def random_bytes(count: int) -> bytes:
        asked.append(count)
        return bytes(count)

    records = Records(lambda: 0, random_bytes)
    records.new_audit_id()
    records.admitted(an_exchange("gh-1"), ALLOW)
    assert asked == [16, 16]  # an audit id keeps five bits of each byte
