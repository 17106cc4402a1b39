"""Count and time exchanges for Prometheus: microseconds when one closes, a page when asked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as MetricFamily

from gateway.exchange import Attempt, Exchange, Outcome, Usage
from gateway.telemetry import names
from gateway.telemetry.labels import BoundedLabel
from gateway.telemetry.names import Metric
from gateway.telemetry.series import Count, Counts, Distribution, Distributions
from policy.types import Deny

_NO_RULE = "none"
_NO_ERROR = ""
_SECOND = 1e9


class ConfigurationState(Protocol):
    """What is known of the configuration: which is in force, how many were taken and refused."""

    digest: str
    reloads: int
    refusals: int

    @property
    def origin(self) -> str:
        """Where it was taken from: `files`, `pin`, ..."""
        ...


class CapsState(Protocol):
    """What is known of the counters of caps (`gateway.caps.port.CountersHealth`)."""

    @property
    def where(self) -> str: ...
    @property
    def at_risk_nano_usd(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    @property
    def dropped(self) -> int: ...


class _Caps:
    """Reads the counters' health when the page is asked for."""

    def __init__(self, read: Callable[[], CapsState]) -> None:
        self._read = read

    def collect(self) -> Iterable[MetricFamily]:
        state = self._read()
        for metric, value in (
            (names.CAPS_AT_RISK, state.at_risk_nano_usd),
            (names.CAPS_STORE_AWAY, int(state.where == "away")),
            (names.CAPS_WAITING, state.waiting),
        ):
            yield GaugeMetricFamily(metric.prometheus, metric.meaning, value)
        dropped = names.CAPS_DROPPED
        yield CounterMetricFamily(dropped.prometheus, dropped.meaning, state.dropped)


class _Configuration:
    """Reads the configuration's state when the page is asked for."""

    def __init__(self, state: ConfigurationState) -> None:
        self._state = state

    def collect(self) -> Iterable[MetricFamily]:
        info, reloads = names.CONFIG_INFO, names.CONFIG_RELOADS
        in_force = GaugeMetricFamily(info.prometheus, info.meaning, labels=info.prometheus_labels)
        in_force.add_metric((self._state.digest, str(self._state.origin)), 1)
        yield in_force
        taken = CounterMetricFamily(
            reloads.prometheus, reloads.meaning, labels=reloads.prometheus_labels
        )
        taken.add_metric(("applied",), self._state.reloads)
        taken.add_metric(("refused",), self._state.refusals)
        yield taken


@dataclass(slots=True)
class _Asked:
    """The series of one team, operation and model, looked up once."""

    allowed: Count
    cost: Count
    answered: Distribution
    first_token: Distribution
    tokens: dict[str, Count] = field(default_factory=dict)


@dataclass(slots=True)
class _Tried:
    """The series of one vendor, operation and upstream model, looked up once."""

    ok: Count
    answered: Distribution
    first_chunk: Distribution
    input_tokens: Distribution
    output_tokens: Distribution


class Metrics:
    """Every metric of one gateway process, in a registry of its own.

    Called on the event loop; `render` may be called from another thread.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._teams, self._models, self._vendors = BoundedLabel(), BoundedLabel(), BoundedLabel()
        self._upstream_models, self._words = BoundedLabel(), BoundedLabel()
        self._providers = BoundedLabel()
        self._asked: dict[tuple[str, str, str], _Asked] = {}
        self._tried: dict[tuple[str, str, str, str], _Tried] = {}
        self._operations = self._histogram(names.OPERATION_DURATION)
        self._usage = self._histogram(names.TOKEN_USAGE)
        self._first_chunks = self._histogram(names.TIME_TO_FIRST_CHUNK)
        self._requests = self._histogram(names.REQUEST_DURATION)
        self._first_tokens = self._histogram(names.TIME_TO_FIRST_TOKEN)
        self._decisions = self._counter(names.POLICY_DECISIONS)
        self._repeats = self._counter(names.POLICY_REPEATS)
        self._tokens = self._counter(names.TOKENS)
        self._costs = self._counter(names.COST_METRIC)
        self._attempts = self._counter(names.UPSTREAM_ATTEMPTS)
        self._auth_failures = self._counter(names.AUTH_FAILURES)
        self._appends = self._histogram(names.AUDIT_APPEND)
        self._append_failures = self._counter(names.AUDIT_FAILURES)
        self._in_flight = self._gauge(names.IN_FLIGHT)
        self._queue_depth = self._gauge(names.AUDIT_QUEUE)
        self._break_glass = self._gauge(names.BREAK_GLASS)

    def observe_exchange(self, exchange: Exchange) -> None:
        """Count one exchange that has ended, once."""
        decision = exchange.decision
        if isinstance(decision, Deny):
            self._observe_denied(exchange, decision)
            return
        asked = self._asked_for(exchange)
        asked.allowed.add()
        if exchange.ended_ns is not None:
            error = _error_of(exchange)
            seconds = (exchange.ended_ns - exchange.started_ns) / _SECOND
            if error is None:
                asked.answered.observe(seconds)
            else:
                self._failed_request(exchange, error).observe(seconds)
        if exchange.first_byte_ns is not None:
            asked.first_token.observe((exchange.first_byte_ns - exchange.started_ns) / _SECOND)
        if exchange.cost_nano_usd:
            asked.cost.add(exchange.cost_nano_usd)
        if exchange.usage is not None:
            self._count_tokens(asked, exchange, exchange.usage)
        for attempt in exchange.attempts:
            self._observe_attempt(exchange, attempt)

    def observe_repeat(self, team: str, rule: str) -> None:
        """A turn that this rule had denied was asked again, and told the same."""
        self._repeats.at(self._teams.keep(team), self._words.keep(rule)).add()

    def auth_failure(self, cause: str) -> None:
        """A caller was turned away: `missing`, `unknown`, `revoked`, ..."""
        self._auth_failures.at(self._words.keep(cause)).add()

    def records_written(self, records: int, seconds: float) -> None:
        """The ledger committed; the first of the records had waited this long."""
        self._appends.at().observe(seconds)

    def records_failed(self, records: int, cause: str) -> None:
        """The ledger did not take these records."""
        self._append_failures.at(self._words.keep(cause)).add(records)

    def watch_in_flight(self, read: Callable[[], int]) -> None:
        """Ask `read` for the number of open exchanges whenever the page is asked for."""
        self._in_flight.set_function(read)

    def watch_audit_queue(self, read: Callable[[], int]) -> None:
        """Ask `read` for the number of waiting records whenever the page is asked for."""
        self._queue_depth.set_function(read)

    def watch_break_glass(self, read: Callable[[], int]) -> None:
        """Ask `read` for the number of open exceptions whenever the page is asked for."""
        self._break_glass.set_function(read)

    def watch_configuration(self, state: ConfigurationState) -> None:
        """Tell of this state whenever the page is asked for. Call it once."""
        self._registry.register(_Configuration(state))

    def watch_caps(self, read: Callable[[], CapsState]) -> None:
        """Tell of the counters' health whenever the page is asked for. Call it once."""
        self._registry.register(_Caps(read))

    def render(self) -> bytes:
        """The page for `GET /metrics`, of type `content_type`."""
        return generate_latest(self._registry)

    def _observe_denied(self, exchange: Exchange, deny: Deny) -> None:
        team = self._teams.keep(exchange.identity.team)
        self._decisions.at(team, "deny", self._words.keep(deny.rule)).add()
        if exchange.ended_ns is not None:
            seconds = (exchange.ended_ns - exchange.started_ns) / _SECOND
            self._failed_request(exchange, deny.code).observe(seconds)

    def _failed_request(self, exchange: Exchange, error: str) -> Distribution:
        facts = exchange.facts
        # A denied model may be any word: only those that were once let through are named.
        model = self._models.known(facts.model)
        return self._requests.at(facts.operation.value, model, self._words.keep(error))

    def _count_tokens(self, asked: _Asked, exchange: Exchange, usage: Usage) -> None:
        classes = asked.tokens
        for name, count in (
            ("input", usage.input_tokens),
            ("cache_read", usage.cache_read_tokens),
            ("cache_write_5m", usage.cache_write_5m_tokens),
            ("cache_write_1h", usage.cache_write_1h_tokens),
            ("output", usage.output_tokens),
            ("reasoning", usage.reasoning_tokens),
        ):
            if count > 0:
                counter = classes.get(name)
                if counter is None:
                    team = self._teams.keep(exchange.identity.team)
                    model = self._models.keep(exchange.facts.model)
                    counter = classes[name] = self._tokens.at(team, model, name)
                counter.add(count)

    def _observe_attempt(self, exchange: Exchange, attempt: Attempt) -> None:
        tried = self._tried_at(exchange, attempt)
        is_last = attempt is exchange.attempts[-1]
        error = attempt.error or (_error_of(exchange) if is_last else None)
        if error is None:
            tried.ok.add()
        else:
            vendor = self._vendors.keep(attempt.target.vendor.name)
            self._attempts.at(vendor, self._words.keep(error)).add()
        if attempt.ended_ns is not None:
            took = tried.answered if error is None else self._failed_try(exchange, attempt, error)
            took.observe((attempt.ended_ns - attempt.started_ns) / _SECOND)
        if is_last:
            self._observe_answer(tried, exchange, attempt)

    def _observe_answer(self, tried: _Tried, exchange: Exchange, attempt: Attempt) -> None:
        if exchange.first_byte_ns is not None and exchange.facts.streaming:
            waited_ns = max(exchange.first_byte_ns - attempt.started_ns, 0)
            tried.first_chunk.observe(waited_ns / _SECOND)
        if exchange.usage is not None:
            tried.input_tokens.observe(exchange.usage.all_input_tokens)
            tried.output_tokens.observe(exchange.usage.output_tokens)

    def _asked_for(self, exchange: Exchange) -> _Asked:
        facts = exchange.facts
        asked = self._asked.get((exchange.identity.team, facts.operation, facts.model))
        if asked is not None:  # these words are the labels' own
            return asked
        team, model = self._teams.keep(exchange.identity.team), self._models.keep(facts.model)
        asked = self._asked.get((team, facts.operation, model))
        if asked is None:
            operation = facts.operation.value
            asked = self._asked[team, facts.operation, model] = _Asked(
                allowed=self._decisions.at(team, "allow", _NO_RULE),
                cost=self._costs.at(team, model),
                answered=self._requests.at(operation, model, _NO_ERROR),
                first_token=self._first_tokens.at(operation, model),
            )
        return asked

    def _tried_at(self, exchange: Exchange, attempt: Attempt) -> _Tried:
        target = attempt.target
        vendor, provider = target.vendor.name, target.vendor.record.otel_provider
        operation = exchange.facts.operation
        tried = self._tried.get((vendor, operation, provider or vendor, target.upstream_model))
        if tried is not None:  # these words are the labels' own
            return tried
        vendor, call = self._vendors.keep(vendor), self._call(exchange, attempt)
        tried = self._tried.get((vendor, *call))
        if tried is None:
            tried = self._tried[vendor, *call] = _Tried(
                ok=self._attempts.at(vendor, "ok"),
                answered=self._operations.at(*call, _NO_ERROR),
                first_chunk=self._first_chunks.at(*call),
                input_tokens=self._usage.at(*call, "input"),
                output_tokens=self._usage.at(*call, "output"),
            )
        return tried

    def _failed_try(self, exchange: Exchange, attempt: Attempt, error: str) -> Distribution:
        return self._operations.at(*self._call(exchange, attempt), self._words.keep(error))

    def _call(self, exchange: Exchange, attempt: Attempt) -> tuple[str, str, str]:
        target = attempt.target
        vendor = target.vendor
        return (
            exchange.facts.operation.value,
            self._providers.keep(vendor.record.otel_provider or vendor.name),
            self._upstream_models.keep(target.upstream_model),
        )

    def _counter(self, metric: Metric) -> Counts:
        counts = Counts(metric)
        self._registry.register(counts)
        return counts

    def _gauge(self, metric: Metric) -> Gauge:
        return Gauge(
            metric.prometheus, metric.meaning, metric.prometheus_labels, registry=self._registry
        )

    def _histogram(self, metric: Metric) -> Distributions:
        distributions = Distributions(metric)
        self._registry.register(distributions)
        return distributions


def _error_of(exchange: Exchange) -> str | None:
    """The stable code of what kept the exchange from ending well."""
    if exchange.outcome is Outcome.COMPLETE or exchange.outcome is None:
        return None
    if exchange.outcome is Outcome.CLIENT_LEFT:
        return Outcome.CLIENT_LEFT.value
    return exchange.error or exchange.outcome.value
