"""What a scrape shows after exchanges of every kind, and that labels stay few."""

import dataclasses

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.caps.port import CountersHealth
from gateway.exchange import Exchange, Outcome, Usage
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.names import METRICS
from policy.types import Deny, Identity
from providers.base import Target, VendorRecord
from tests.fakes.ledger_stories import HOUSE, VENDOR, Stories, a_target

OPERATION, MODEL = "gen_ai_operation_name", "gen_ai_request_model"


@dataclasses.dataclass
class Configuration:
    origin = "pin"
    digest: str = "d1"
    reloads: int = 2
    refusals: int = 1


def scrape(metrics: Metrics) -> dict[tuple, float]:
    """(sample name, sorted labels that are not empty) -> value, as a Prometheus reads it."""
    return {
        (sample.name, tuple(sorted((k, v) for k, v in sample.labels.items() if v))): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return scrape(metrics).get((name, tuple(sorted(labels.items()))))


def answered(outcome: Outcome = Outcome.COMPLETE, error: str | None = None) -> Exchange:
    """Begun, tried after 10 ms, first byte after 40 ms, over after 1 s."""
    stories = Stories()
    exchange = stories.exchange()
    stories.later(10)
    stories.attempt(exchange, HOUSE)
    stories.later(30)
    exchange.first_byte_ns = exchange.started_ns + 40_000_000
    stories.later(960)
    stories.attempt_ended(exchange, 200)
    exchange.usage = Usage(100, 20, 30, 4, 50, 10)
    exchange.cost_nano_usd = 1_000
    stories.ended(exchange, outcome, error=error)
    return exchange


def denied(team: str = "web", model: str | None = None, rule: str = "model_access") -> Exchange:
    stories = Stories()
    exchange = stories.exchange()
    exchange.identity = Identity("ada", team, frozenset(), "k1")
    exchange.facts = msgspec.structs.replace(exchange.facts, model=model or "coder")
    exchange.decision = Deny(rule, "no", code="model_not_found")
    stories.ended(exchange, Outcome.DENIED, status=404)
    return exchange


def test_an_answer_is_counted_and_timed():
    metrics = Metrics()
    metrics.observe_exchange(answered())
    call = {OPERATION: "chat", "gen_ai_provider_name": "house", MODEL: "qwen3-coder"}
    asked = {OPERATION: "chat", MODEL: "coder"}
    assert value(metrics, "gen_ai_client_operation_duration_seconds_sum", **call) == 0.99
    assert value(metrics, "gen_ai_client_operation_time_to_first_chunk_seconds_sum", **call) == 0.03
    assert value(metrics, "gen_ai_server_request_duration_seconds_sum", **asked) == 1.0
    assert value(metrics, "gen_ai_server_time_to_first_token_seconds_sum", **asked) == 0.04
    assert value(metrics, "gen_ai_client_token_usage_sum", gen_ai_token_type="input", **call) == 154
    assert value(metrics, "gen_ai_client_token_usage_sum", gen_ai_token_type="output", **call) == 50
    assert value(metrics, "gatehouse_cost_usd_nanos_total", team="web", model="coder") == 1000
    assert (
        value(
            metrics, "gatehouse_policy_decisions_total", team="web", decision="allow", rule="none"
        )
        == 1
    )
    assert value(metrics, "gatehouse_upstream_attempts_total", vendor="house", result="ok") == 1


def test_token_classes_are_counted_apart():
    metrics = Metrics()
    metrics.observe_exchange(answered())
    metrics.observe_exchange(answered())
    page = scrape(metrics)
    tokens = {
        dict(labels)["class"]: count
        for (name, labels), count in page.items()
        if name == "gatehouse_tokens_total"
    }
    assert tokens == {
        "input": 200,
        "cache_read": 40,
        "cache_write_5m": 60,
        "cache_write_1h": 8,
        "output": 100,
        "reasoning": 20,
    }


def test_a_denial_is_counted_with_its_rule():
    metrics = Metrics()
    metrics.observe_exchange(denied())
    assert (
        value(
            metrics,
            "gatehouse_policy_decisions_total",
            team="web",
            decision="deny",
            rule="model_access",
        )
        == 1
    )


def test_a_denied_turn_asked_again_is_a_repeat_and_no_decision():
    metrics = Metrics()
    metrics.observe_repeat("web", "model_access")
    metrics.observe_repeat("web", "model_access")
    page = scrape(metrics)
    assert page["gatehouse_policy_repeats_total", (("rule", "model_access"), ("team", "web"))] == 2
    assert not any(name == "gatehouse_policy_decisions_total" for name, _ in page)


def test_models_that_only_denied_requests_named_are_one_series():
    metrics = Metrics()
    for number in range(300):
        metrics.observe_exchange(denied(model=f"made-up-{number}"))
    metrics.observe_exchange(answered())
    metrics.observe_exchange(denied())
    page = metrics.render().decode()
    assert "made-up" not in page
    labels = {OPERATION: "chat", "error_type": "model_not_found"}
    counted = "gen_ai_server_request_duration_seconds_count"
    assert value(metrics, counted, **{MODEL: "other"}, **labels) == 300
    assert value(metrics, counted, **{MODEL: "coder"}, **labels) == 1


def test_teams_beyond_two_hundred_are_other():
    metrics = Metrics()
    for number in range(250):
        metrics.observe_exchange(denied(team=f"team{number}"))
    page = scrape(metrics)
    teams = {dict(labels)["team"] for (name, labels), _ in page.items() if "decisions" in name}
    assert len(teams) == 201
    assert "other" in teams


@pytest.mark.parametrize(
    ("outcome", "error", "word"),
    [
        (Outcome.CUT, "reply_cut", "reply_cut"),
        (Outcome.CLIENT_LEFT, None, "client_left"),
        (Outcome.FAILED, "internal_error", "internal_error"),
        (Outcome.CUT, None, "cut"),
    ],
)
def test_what_ended_badly_is_counted_under_its_word(outcome, error, word):
    metrics = Metrics()
    metrics.observe_exchange(answered(outcome, error))
    call = {OPERATION: "chat", "gen_ai_provider_name": "house", MODEL: "qwen3-coder"}
    counted = "gen_ai_client_operation_duration_seconds_count"
    assert value(metrics, counted, error_type=word, **call) == 1
    assert value(metrics, "gatehouse_upstream_attempts_total", vendor="house", result=word) == 1


def test_a_fallback_counts_both_attempts():
    metrics, stories = Metrics(), Stories()
    exchange = stories.exchange()
    stories.attempt(exchange, HOUSE)
    stories.attempt_ended(exchange, 429, "busy")
    stories.attempt(exchange, VENDOR, "fallback:busy")
    stories.attempt_ended(exchange, 200)
    stories.ended(exchange, Outcome.COMPLETE)
    metrics.observe_exchange(exchange)
    attempts = "gatehouse_upstream_attempts_total"
    assert value(metrics, attempts, vendor="house", result="busy") == 1
    assert value(metrics, attempts, vendor="deepseek", result="ok") == 1


def test_two_vendors_of_one_provider_share_its_times_and_keep_their_own_attempts():
    metrics, stories = Metrics(), Stories()
    first = a_target("eu", "claude", in_house=False, provider="anthropic")
    second = a_target("us", "claude", in_house=False, provider="anthropic")
    exchange = stories.exchange()
    stories.attempt(exchange, first)
    stories.attempt_ended(exchange, 200)
    stories.attempt(exchange, second)
    stories.attempt_ended(exchange, 200)
    stories.ended(exchange, Outcome.COMPLETE)
    metrics.observe_exchange(exchange)
    call = {OPERATION: "chat", "gen_ai_provider_name": "anthropic", MODEL: "claude"}
    assert value(metrics, "gen_ai_client_operation_duration_seconds_count", **call) == 2
    attempts = "gatehouse_upstream_attempts_total"
    assert value(metrics, attempts, vendor="eu", result="ok") == 1
    assert value(metrics, attempts, vendor="us", result="ok") == 1


class WatchedVendor:
    """A vendor that counts how often its record is looked at."""

    name = "house"

    def __init__(self) -> None:
        self.looks = 0

    @property
    def record(self) -> VendorRecord:
        self.looks += 1
        return HOUSE.vendor.record


def test_the_series_of_a_target_are_looked_up_once():
    metrics, vendor, exchange = Metrics(), WatchedVendor(), answered()
    exchange.attempts[-1].target = Target(vendor, "qwen3-coder")
    metrics.observe_exchange(exchange)
    first, vendor.looks = vendor.looks, 0
    metrics.observe_exchange(exchange)
    assert (first, vendor.looks) == (2, 1)  # once for the key; making the labels looks again
    attempts = "gatehouse_upstream_attempts_total"
    assert value(metrics, attempts, vendor="house", result="ok") == 2


def test_an_exchange_without_an_attempt_is_counted():
    metrics, stories = Metrics(), Stories()
    exchange = stories.exchange()
    stories.ended(exchange, Outcome.FAILED, status=502, error="upstream_failed")
    metrics.observe_exchange(exchange)
    counted = "gen_ai_server_request_duration_seconds_count"
    labels = {OPERATION: "chat", MODEL: "coder", "error_type": "upstream_failed"}
    assert value(metrics, counted, **labels) == 1


def test_the_state_of_the_gateway_is_read_when_scraped():
    metrics, configuration, depth = Metrics(), Configuration(), [3]
    metrics.watch_configuration(configuration)
    metrics.watch_audit_queue(lambda: depth[0])
    metrics.watch_in_flight(lambda: 7)
    depth[0], configuration.digest = 5, "d2"
    page = scrape(metrics)
    assert page["gatehouse_audit_queue_depth", ()] == 5
    assert page["gatehouse_in_flight", ()] == 7
    assert page["gatehouse_config_info", (("digest", "d2"), ("origin", "pin"))] == 1
    assert page["gatehouse_config_reloads_total", (("result", "applied"),)] == 2
    assert page["gatehouse_config_reloads_total", (("result", "refused"),)] == 1


def test_the_ledger_s_health_is_counted():
    metrics = Metrics()
    metrics.records_written(3, 0.004)
    metrics.records_failed(2, "too_slow")
    metrics.auth_failure("revoked")
    page = scrape(metrics)
    assert page["gatehouse_audit_append_duration_seconds_sum", ()] == 0.004
    assert page["gatehouse_audit_device_failures_total", (("cause", "too_slow"),)] == 2
    assert page["gatehouse_auth_failures_total", (("cause", "revoked"),)] == 1


def test_a_scrape_shows_the_metrics_of_the_table_and_no_other():
    metrics = Metrics()
    metrics.watch_configuration(Configuration())
    metrics.watch_caps(lambda: CountersHealth("shared", 0))
    metrics.observe_exchange(answered())
    metrics.records_failed(1, "too_slow")
    metrics.auth_failure("unknown")
    metrics.observe_repeat("web", "model_access")
    families = text_string_to_metric_families(metrics.render().decode())
    shown = {each.name: set(each.samples[0].labels) - {"le"} for each in families}
    assert shown == {
        each.prometheus.removesuffix("_total"): set(each.prometheus_labels) for each in METRICS
    }


def test_no_user_key_or_session_is_on_the_page():
    metrics = Metrics()
    exchange = answered()
    metrics.observe_exchange(exchange)
    page = metrics.render().decode()
    told = (exchange.identity.subject, exchange.identity.credential_id, "5e55-1d", exchange.id)
    assert [secret for secret in told if secret in page] == []


def test_the_page_has_prometheus_own_content_type():
    assert Metrics().content_type.startswith("text/plain; version=")


def test_the_counters_of_caps_tell_how_they_are():
    metrics = Metrics()
    metrics.watch_caps(lambda: CountersHealth("away", 7_000, 3, 1))
    page = metrics.render().decode()
    for line in (
        "gatehouse_caps_at_risk_usd_nanos 7000.0",
        "gatehouse_caps_store_away 1.0",
        "gatehouse_caps_store_waiting 3.0",
        "gatehouse_caps_store_dropped_total 1.0",
    ):
        assert line in page.splitlines()
