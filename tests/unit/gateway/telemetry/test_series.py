"""Our own series are what Prometheus' library would have shown for the same values."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from gateway.telemetry import names
from gateway.telemetry.names import Metric
from gateway.telemetry.series import Counts, Distributions

VALUES = [0.0, 0.01, 0.010000001, 1, 2.5, 81.92, 1e9]


def page(collector: Counts | Distributions) -> bytes:
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry)


def told(metric: Metric) -> tuple[str, str, tuple[str, ...]]:
    return metric.prometheus, metric.meaning, tuple(metric.prometheus_labels)


def without_births(registry: CollectorRegistry) -> bytes:
    """The library's page, but for the times of birth that it adds."""
    lines = generate_latest(registry).splitlines(keepends=True)
    return b"".join([line for line in lines if b"_created" not in line])


def test_counted_as_the_library_counts() -> None:
    ours, registry = Counts(names.UPSTREAM_ATTEMPTS), CollectorRegistry()
    theirs = Counter(*told(names.UPSTREAM_ATTEMPTS), registry=registry)
    for vendor, result in (("b", "ok"), ("a", 'said "no"\n'), ("b", "ok")):
        ours.at(vendor, result).add()
        theirs.labels(vendor, result).inc()
    ours.at("b", "ok").add(2**40)
    theirs.labels("b", "ok").inc(2**40)

    assert page(ours) == without_births(registry)


def test_distributed_as_the_library_distributes() -> None:
    metric = names.TIME_TO_FIRST_TOKEN
    ours, registry = Distributions(metric), CollectorRegistry()
    theirs = Histogram(*told(metric), registry=registry, buckets=metric.bounds)
    for value in (*VALUES, *metric.bounds):
        ours.at("chat", "coder").observe(value)
        theirs.labels("chat", "coder").observe(value)

    assert page(ours) == without_births(registry)


def test_a_series_without_labels_is_shown_before_it_is_used() -> None:
    metric, registry = names.AUDIT_APPEND, CollectorRegistry()
    Histogram(*told(metric), registry=registry, buckets=metric.bounds)

    assert page(Distributions(metric)) == without_births(registry)


def test_a_series_with_labels_is_shown_once_it_is_asked_for() -> None:
    counts = Counts(names.AUTH_FAILURES)
    assert b'cause="revoked"' not in page(counts)
    counts.at("revoked")
    assert b'cause="revoked"} 0.0' in page(counts)
    assert counts.at("revoked") is counts.at("revoked")
