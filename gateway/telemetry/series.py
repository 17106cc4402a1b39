"""Keep counters and distributions as plain numbers, made into Prometheus' families for a page.

The library's own take a lock for each number they change, and an exchange changes fifteen. Here
only the event loop writes; a page may be read from another thread, which sees each number whole.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as MetricFamily
from prometheus_client.utils import floatToGoString

from gateway.telemetry.names import Metric

Labels = tuple[str, ...]


class Count:
    """One series that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def add(self, amount: int = 1) -> None:
        """Count `amount` more; it is never negative."""
        self.value += amount


class Distribution:
    """One series of measured values: how many fell below each bound, and their sum."""

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)  # the last: above every bound
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Take in one value. A value on a bound falls below it, as Prometheus has it."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value


class Counts:
    """All series of one counter, by the values of its labels. A collector."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._series: dict[Labels, Count] = {}
        if not metric.prometheus_labels:
            self.at()

    def at(self, *labels: str) -> Count:
        """The series with these label values, in the metric's order; worth keeping."""
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = Count()
        return series

    def collect(self) -> Iterable[MetricFamily]:
        """The numbers of this moment."""
        metric = self._metric
        family = CounterMetricFamily(
            metric.prometheus, metric.meaning, labels=metric.prometheus_labels
        )
        for labels, series in list(self._series.items()):
            family.add_metric(labels, series.value)
        yield family


class Distributions:
    """All series of one histogram, by the values of its labels. A collector."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._series: dict[Labels, Distribution] = {}
        self._shown_bounds = [*map(floatToGoString, metric.bounds), "+Inf"]
        if not metric.prometheus_labels:
            self.at()

    def at(self, *labels: str) -> Distribution:
        """The series with these label values, in the metric's order; worth keeping."""
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = Distribution(self._metric.bounds)
        return series

    def collect(self) -> Iterable[MetricFamily]:
        """The numbers of this moment."""
        metric = self._metric
        family = HistogramMetricFamily(
            metric.prometheus, metric.meaning, labels=metric.prometheus_labels
        )
        for labels, series in list(self._series.items()):
            family.add_metric(labels, self._buckets(series), series.sum)
        yield family

    def _buckets(self, series: Distribution) -> list[tuple[str, float]]:
        """As Prometheus counts them: each bucket holds those below it too."""
        below: Iterator[int] = accumulate(list(series.counts))
        return [
            (bound, float(count)) for bound, count in zip(self._shown_bounds, below, strict=True)
        ]
