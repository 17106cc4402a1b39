"""The trace and the log records that ended exchanges become."""

import random

import orjson
import pytest

from gateway.exchange import Outcome
from gateway.telemetry import names
from gateway.telemetry.model import Projection, Record, Severity, Span, SpanKind
from gateway.telemetry.names import ATTRIBUTES, Kind, Signal
from gateway.telemetry.spans import project, trace_id
from tests.fakes.ledger_stories import CANARY, HOUSE, Stories, a_target, chained

TABLE = {attribute.name: attribute for attribute in ATTRIBUTES}
TYPES = {Kind.STR: str, Kind.INT: int, Kind.BOOL: bool, Kind.DOUBLE: float, Kind.STRS: tuple}
SIGNALS = {
    SpanKind.SERVER: Signal.SERVER,
    SpanKind.INTERNAL: Signal.POLICY,
    SpanKind.CLIENT: Signal.CLIENT,
}
STORIES = {
    "complete": lambda: Stories().answered(),
    "cut": lambda: Stories().answered(Outcome.CUT),
    "client_left": lambda: Stories().answered(Outcome.CLIENT_LEFT),
    "denied": lambda: Stories().denied(),
    "failed": lambda: Stories().failed(),
    "unknown": lambda: Stories().lost(),
    "fallback": lambda: Stories().fell_back(),
}


def told(story: str) -> Projection:
    return project(chained(STORIES[story]()), pseudonym)


def pseudonym(subject: str) -> str:
    return f"p{len(subject)}"


def told_of_repeats() -> Projection:
    """What becomes of the count of a denied turn's repeats, beside its denial."""
    return project(chained(Stories().repeated())[1:], pseudonym)


def server(projection: Projection) -> Span:
    return next(span for span in projection.spans if span.kind is SpanKind.SERVER)


def clients(projection: Projection) -> list[Span]:
    return [span for span in projection.spans if span.kind is SpanKind.CLIENT]


@pytest.mark.parametrize("story", STORIES)
def test_every_attribute_stands_in_the_table_for_its_signal_and_has_its_type(story):
    projection = told(story)
    placed = [(SIGNALS[span.kind], span.attributes) for span in projection.spans]
    placed += [(Signal.LOG, log.attributes) for log in projection.logs]
    wrong = [
        (signal, name, value)
        for signal, attributes in placed
        for name, value in attributes.items()
        if signal not in TABLE[name].on or type(value) is not TYPES[TABLE[name].kind]
    ]
    assert placed
    assert wrong == []


def test_every_row_of_the_table_is_used_on_every_signal_it_names():
    several = Stories().answered()
    several[0] |= {"answers": 2, "asked_model": "small"}
    projections = [project(chained(several), pseudonym), *map(told, STORIES), told_of_repeats()]
    placed = {
        (SIGNALS[span.kind], name)
        for projection in projections
        for span in projection.spans
        for name in span.attributes
    } | {
        (Signal.LOG, name)
        for projection in projections
        for log in projection.logs
        for name in log.attributes
    }
    table = {(signal, each.name) for each in ATTRIBUTES for signal in each.on}
    assert {row for row in table if row[0] is not Signal.RESOURCE} == placed


@pytest.mark.parametrize("story", STORIES)
def test_no_name_no_reason_and_no_path_ever_leaves(story):
    assert CANARY in orjson.dumps(STORIES[story]()).decode()
    assert CANARY not in repr(told(story))


@pytest.mark.parametrize("story", STORIES)
def test_nothing_is_said_twice_on_one_span(story):
    projection = told(story)
    for each in (*projection.spans, *projection.logs):
        assert each.own.keys().isdisjoint(each.common.values)


@pytest.mark.parametrize("story", STORIES)
def test_each_record_has_one_log_record_in_the_trace(story):
    records = chained(STORIES[story]())
    projection = project(records, pseudonym)
    exchange_id = records[0].text("exchange_id")
    assert [log.attributes["audit.record.id"] for log in projection.logs] == [
        record.body["record_id"] for record in records
    ]
    assert {log.trace_id for log in projection.logs} == {trace_id(exchange_id)}
    assert {log.span_id for log in projection.logs} <= {span.span_id for span in projection.spans}


@pytest.mark.parametrize("story", STORIES)
def test_the_same_records_give_the_same_telemetry(story):
    assert told(story) == told(story)


@pytest.mark.parametrize("story", STORIES)
def test_the_order_in_which_records_are_read_changes_no_span(story):
    records = chained(STORIES[story]())
    shuffled = random.Random(4).sample(records, len(records))
    assert project(shuffled, pseudonym).spans == project(records, pseudonym).spans


@pytest.mark.parametrize("story", STORIES)
def test_children_lie_within_the_span_of_the_exchange(story):
    projection = told(story)
    root = server(projection)
    for span in projection.spans:
        assert span is root or span.parent_id == root.span_id
        assert root.start_us <= span.start_us <= span.end_us <= root.end_us


def test_an_answer_is_told_with_times_tokens_and_cost():
    projection = told("complete")
    root, call = server(projection), clients(projection)[0]
    assert [span.name for span in projection.spans] == [
        "POST /v1/messages",
        names.POLICY_SPAN,
        "chat qwen3-coder",
    ]
    assert (root.end_us - root.start_us, call.end_us - call.start_us) == (102_000, 100_000)
    assert call.attributes["gen_ai.response.time_to_first_chunk"] == 0.03
    assert call.attributes["gen_ai.usage.input_tokens"] == 154
    assert call.attributes["gen_ai.usage.cache_write.input_tokens"] == 34
    assert call.attributes["gen_ai.usage.cache_creation.input_tokens"] == 34
    assert call.attributes["gatehouse.cost.usd_nanos"] == 1_234_567
    assert root.attributes["gatehouse.outcome"] == "complete"
    assert root.attributes["enduser.pseudo.id"] == pseudonym(f"{CANARY}@example.com")
    assert root.error is None
    assert "error.type" not in root.attributes


def test_a_denied_exchange_carries_what_an_allowed_one_carries_of_its_request():
    allowed, denied = server(told("complete")).attributes, server(told("denied")).attributes
    answer_only = {
        "http.response.body.size",
        "gatehouse.data.class",
        "gatehouse.exception.ids",
        "gatehouse.latency.gateway_us",
        "gatehouse.latency.total_us",
        "gatehouse.latency.ttft_us",
        "gatehouse.latency.upstream_us",
        "gatehouse.reply.edit.kinds",
        "gatehouse.reply.edit.rule.ids",
        "gatehouse.route.reason",
        "gatehouse.target.id",
    }
    assert set(allowed) - set(denied) == answer_only
    assert denied["gatehouse.policy.decision"] == "deny"
    assert denied["gatehouse.policy.reason"] == "model_not_found"
    assert denied["gatehouse.policy.rule.ids"] == ("model_access",)
    assert denied["http.response.status_code"] == 403


def test_a_denial_is_an_answer_and_no_failure():
    projection = told("denied")
    assert [span.kind for span in projection.spans] == [SpanKind.SERVER, SpanKind.INTERNAL]
    assert [span.error for span in projection.spans] == [None, None]
    assert projection.logs[0].severity is Severity.WARN
    assert projection.logs[0].attributes["audit.outcome"] == "failure"


def test_a_failure_marks_the_exchange_and_the_attempt_with_their_own_codes():
    projection = told("failed")
    root, call = server(projection), clients(projection)[0]
    assert (root.error, root.attributes["error.type"]) == ("upstream_failed", "upstream_failed")
    assert (call.error, call.attributes["error.type"]) == ("unavailable", "unavailable")
    assert projection.logs[-1].severity is Severity.ERROR


def test_a_cut_answer_is_a_failure_that_still_has_its_tokens():
    projection = told("cut")
    call = clients(projection)[0]
    assert server(projection).error == call.error == "reply_cut"
    assert call.attributes["gen_ai.usage.output_tokens"] == 50


def test_a_client_that_left_is_told_but_is_no_error():
    projection = told("client_left")
    assert server(projection).attributes["error.type"] == "client_left"
    assert {span.error for span in projection.spans} == {None}
    assert projection.logs[-1].severity is Severity.WARN


def test_a_fallback_shows_both_attempts_and_only_the_second_has_the_answer():
    projection = told("fallback")
    first, second = clients(projection)
    assert (first.name, second.name) == ("chat qwen3-coder", "chat deepseek-chat")
    assert (first.error, second.error) == ("busy", None)
    assert first.attributes["http.response.status_code"] == 429
    assert "gen_ai.usage.output_tokens" not in first.attributes
    assert second.attributes["gen_ai.usage.output_tokens"] == 50
    assert "http.request.resend_count" not in first.attributes
    assert second.attributes["http.request.resend_count"] == 1
    assert second.attributes["gatehouse.route.reason"] == "fallback:busy"
    assert "gatehouse.dropped.fields" not in first.attributes
    assert second.attributes["gatehouse.dropped.fields"] == ("logit_bias", "cache_control")
    assert server(projection).attributes["gatehouse.route.attempts"] == 2
    assert len({span.span_id for span in projection.spans}) == 4


def test_a_vendor_that_opentelemetry_knows_goes_by_that_name_and_others_by_ours():
    stories = Stories()
    exchange = stories.exchange()
    gemini = a_target("google", "gemini-3", in_house=False, provider="gcp.gemini")
    bodies = [stories.admitted(exchange), stories.attempt(exchange, HOUSE)]
    bodies += [stories.attempt(exchange, gemini), stories.ended(exchange, Outcome.COMPLETE)]
    projection = project(chained(bodies), pseudonym)
    calls = [span.attributes for span in clients(projection)]
    calls += [log.attributes for log in projection.logs if log.event.endswith("attempted")]
    assert [call["gen_ai.provider.name"] for call in calls] == ["house", "gcp.gemini"] * 2
    assert [call["gatehouse.vendor.id"] for call in calls] == ["house", "google"] * 2


def test_an_exchange_nobody_saw_end_ends_with_the_last_that_is_known():
    projection = told("unknown")
    root = server(projection)
    assert root.end_us - root.start_us == 10_000
    assert root.error == "process_ended"
    assert root.attributes["gatehouse.outcome"] == "unknown"
    assert projection.logs[-1].attributes["audit.outcome"] == "unknown"


def test_a_stranger_whose_key_was_revoked_is_told_without_a_pseudonym():
    bodies = Stories().denied()
    del bodies[0]["subject"], bodies[0]["team"], bodies[0]["model"]
    log = project(chained(bodies), pseudonym).logs[0]
    assert "audit.actor.id" not in log.attributes
    assert log.attributes["audit.actor.type"] == "user"
    assert log.attributes["gatehouse.key.id"] == "key01"


def test_a_record_of_no_exchange_becomes_a_log_record_alone():
    body = {"kind": "vendor_approved", "record_id": "r1", "time_unix_us": 5, "note": CANARY}
    projection = project([Record.read("01LANE", 9, "ab", body)], pseudonym)
    assert projection.spans == ()
    assert projection.logs[0].event == "gatehouse.audit.vendor_approved"
    assert projection.logs[0].attributes["audit.sequence.number"] == 9
    assert CANARY not in repr(projection)


def test_a_record_that_cannot_be_read_still_arrives_with_place_and_hash():
    projection = project([Record.read("01LANE", 9, "ab", {})], pseudonym)
    assert projection.logs[0].severity is Severity.ERROR
    assert projection.logs[0].attributes["audit.integrity.value"] == "ab"


def test_an_end_whose_request_was_pruned_is_told_as_far_as_it_is_known():
    end = chained(Stories().answered())[-1]
    projection = project([end], pseudonym)
    assert [span.kind for span in projection.spans] == [SpanKind.SERVER]
    assert projection.spans[0].attributes["gatehouse.team.id"] == "web"


def test_fields_of_another_type_are_left_out_and_long_ones_cut():
    bodies = Stories().answered()
    bodies[0]["team"] = ["web"]
    bodies[0]["model"] = "m" * 5000
    bodies[0]["targets"] = ["t"] * 5000
    bodies[1]["attempt"] = "first"
    bodies[2]["team"] = 7
    bodies[2]["usage"] = {"input_tokens": -1, "output_tokens": 2**60}
    bodies[2]["attempts"] = [None, {"attempt": "first", "status": "200"}]
    projection = project(chained(bodies), pseudonym)
    policy, call = projection.spans[1], clients(projection)[0]
    assert "gatehouse.team.id" not in server(projection).attributes
    assert len(policy.attributes["gatehouse.request.model"]) == 256
    assert len(policy.attributes["gatehouse.policy.targets"]) == 32
    assert call.attributes["gen_ai.usage.input_tokens"] == 154 - 154
    assert "gen_ai.usage.output_tokens" not in call.attributes


@pytest.mark.parametrize("session", ["someone@example.com", "a b", "", "x" * 129, "-x", "ä"])
def test_a_session_id_that_is_no_id_does_not_leave(session):
    bodies = Stories().denied()
    bodies[0]["assistant"]["session_id"] = session
    assert "gen_ai.conversation.id" not in server(project(chained(bodies), pseudonym)).attributes


def test_repeats_of_a_denied_turn_are_told_in_its_trace_as_the_callers_own():
    (log,) = told_of_repeats().logs
    denied = project(chained(Stories().repeated())[:1], pseudonym)
    assert (log.trace_id, log.span_id) == (denied.logs[0].trace_id, denied.logs[0].span_id)
    assert (log.event, log.severity) == ("gatehouse.audit.repeated", Severity.WARN)
    said = log.attributes
    assert said["gatehouse.policy.repeats"] == 5
    assert (said["audit.outcome"], said["audit.actor.type"]) == ("failure", "user")
    assert said["audit.actor.id"] == denied.logs[0].attributes["audit.actor.id"]
    assert said["gatehouse.turn.id"] == denied.logs[0].attributes["gatehouse.turn.id"]
    assert said["gatehouse.policy.rule.ids"] == ("model_access",)
    assert CANARY not in repr(log)
