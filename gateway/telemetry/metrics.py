"""Numbers for operators: counted in plain tables, written in Prometheus's text form only where somebody asks.

Who counts knows names and labels alone (`families.py`). prometheus_client is imported where `exposition` is called:
70 ms that nobody else waits for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING

from gateway.telemetry.families import FAMILIES, Family, HandoverReason

if TYPE_CHECKING:
    from prometheus_client import Metric

Key = tuple[str, tuple[str, ...]]  # a metric and the values of its labels


class Histogram:
    """How often a value fell into each bucket, the last one being without bound, and the sum of all."""

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """A value on a bound belongs to the bucket below it."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """As Prometheus has them: the upper bound, and how many values are not above it."""
        names = [*map(str, self._bounds), "+Inf"]
        return list(zip(names, map(float, accumulate(self.counts)), strict=True))


class Metrics:
    """The tables. An unknown name or label is a bug and raises KeyError. For one thread, the event loop's."""

    def __init__(self) -> None:
        self._values: dict[Key, float] = {}
        self._histograms: dict[Key, Histogram] = {}
        for name, family in FAMILIES.items():
            for values in family.values if family.labels else ((),):
                if family.kind == "histogram":
                    self._histograms[name, values] = Histogram(family.buckets)
                else:
                    self._values[name, values] = 0

    def add(self, name: str, count: float = 1, /, **labels: str) -> None:
        """More of a counter: `add("gateway_flow_reloads_total", result="read")`."""
        key = _key(name, labels, "counter")
        self._values[key] = self._values.get(key, 0) + count

    def set(self, name: str, value: float) -> None:
        """What a gauge shows now."""
        self._values[_key(name, {}, "gauge")] = value

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        """One value of a histogram."""
        key = _key(name, labels, "histogram")
        if key not in self._histograms:
            self._histograms[key] = Histogram(FAMILIES[name].buckets)
        self._histograms[key].add(value)

    def handed_over(self, reason: HandoverReason, *, resumed: bool, gap_s: float | None = None) -> None:
        """A call goes on after it was handed over. Told once, where it goes on; `resumed`: its session with the model
        did too; `gap_s`: how long nobody heard the caller, where that is known."""
        self.add("gateway_handover_total", reason=reason, resumed="true" if resumed else "false")
        if gap_s is not None:
            self.observe("gateway_handover_gap_seconds", gap_s, reason=reason)

    def get(self, name: str, **labels: str) -> float:
        """A counter's or a gauge's number; of a histogram, how many values it has had."""
        kind = FAMILIES[name].kind
        key = _key(name, labels, kind)
        if kind == "histogram":
            return sum(self._histograms[key].counts) if key in self._histograms else 0
        return self._values.get(key, 0)

    def samples(self, name: str) -> Iterator[tuple[tuple[str, ...], float]]:
        """The values of each series' labels and its number, in the order of the values."""
        return ((key[1], self._values[key]) for key in sorted(self._values) if key[0] == name)

    def histograms(self, name: str) -> Iterator[tuple[tuple[str, ...], Histogram]]:
        """The same of a histogram."""
        return ((key[1], self._histograms[key]) for key in sorted(self._histograms) if key[0] == name)


def _key(name: str, given: Mapping[str, str], kind: str) -> Key:
    family = FAMILIES[name]
    if family.kind != kind:
        raise KeyError(f"{name} is a {family.kind}, no {kind}")
    if set(given) != set(family.labels):
        raise KeyError(f"{name} takes {', '.join(family.labels) or 'no label'}")
    return name, tuple(given[label] for label in family.labels)


Exposition = Callable[[str], tuple[bytes, str]]


def exposition(metrics: Metrics) -> Exposition:
    """What `GET /metrics` answers: from the Accept header to the text and its content type."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.registry import Collector

    class Tables(Collector):
        def collect(self) -> Iterator[Metric]:
            return (_told(metrics, name, family) for name, family in FAMILIES.items())

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Tables())

    def write(accept: str) -> tuple[bytes, str]:
        encoder, content_type = choose_encoder(accept)
        return encoder(registry), content_type

    return write


def _told(metrics: Metrics, name: str, family: Family) -> Metric:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    if family.kind == "histogram":
        histogram = HistogramMetricFamily(name, family.help, labels=family.labels)
        for values, counted in metrics.histograms(name):
            histogram.add_metric(values, counted.buckets(), counted.sum)
        return histogram
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    told = kind(name, family.help, labels=family.labels)
    for values, number in metrics.samples(name):
        told.add_metric(values, number)
    return told
