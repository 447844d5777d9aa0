"""Numbers for operators: counted in a plain table, written in Prometheus's text form only where somebody asks.

Who counts knows names and labels alone. A label holds a word of ours (`full`, `denied`), never what a caller gave.
prometheus_client is imported where `exposition` is called: 70 ms that nobody else waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from prometheus_client import Metric


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: `label` names its only label, empty for none; the `values` known beforehand are told from 0 on."""

    kind: Literal["counter", "gauge"]
    help: str
    label: str = ""
    values: tuple[str, ...] = ()


FAMILIES: Mapping[str, Family] = {
    "gateway_calls_active": Family("gauge", "Calls in progress."),
    "gateway_calls_total": Family(
        "counter", "Streams that were let in; a call that goes on after a break counts twice."
    ),
    "gateway_calls_refused_total": Family("counter", "Calls and streams turned away.", "why", ("draining", "full")),
    "gateway_flows_generation": Family("gauge", "The generation of flows that new calls get; 1 is that of the start."),
    "gateway_flows_refused": Family("gauge", "1 while the flow files as they are can't be served, else 0."),
    "gateway_flow_reloads_total": Family(
        "counter", "Readings of the flow files after the start.", "result", ("read", "unchanged", "refused")
    ),
    "gateway_flow_hash_mismatch_total": Family(
        "counter", "Calls that were answered by flows which are not, or no longer, known here."
    ),
    "gateway_warm_sessions_total": Family(
        "counter",
        "Sessions with the model that a call's webhook asked for before its stream came: used, or why not.",
        "result",
        ("used", "expired", "stale", "failed", "full"),
    ),
    "gateway_store_down": Family("gauge", "1 while the store is out of reach and memory stands in for it, else 0."),
    "gateway_store_outages_total": Family("counter", "Times that the store was lost."),
}


class Metrics:
    """The table. An unknown name or label is a bug and raises KeyError. For one thread, the event loop's."""

    def __init__(self) -> None:
        known = {name: family.values if family.label else ("",) for name, family in FAMILIES.items()}
        self._values: dict[tuple[str, str], float] = {(name, value): 0 for name in known for value in known[name]}

    def add(self, name: str, **label: str) -> None:
        """One more of a counter: `add("gateway_flow_reloads_total", result="read")`."""
        key = name, _value(name, label)
        self._values[key] = self._values.get(key, 0) + 1

    def set(self, name: str, value: float) -> None:
        """What a gauge shows now."""
        self._values[name, _value(name, {})] = value

    def get(self, name: str, **label: str) -> float:
        return self._values.get((name, _value(name, label)), 0)

    def samples(self, name: str) -> Iterator[tuple[str, float]]:
        """Each label's value (empty without a label) and its number, in the order of the values."""
        return ((value, self._values[key, value]) for key, value in sorted(self._values) if key == name)


def _value(name: str, label: Mapping[str, str]) -> str:
    wanted = FAMILIES[name].label
    if set(label) != ({wanted} if wanted else set()):
        raise KeyError(f"{name} takes {wanted or 'no label'}")
    return label[wanted] if wanted else ""


Exposition = Callable[[str], tuple[bytes, str]]


def exposition(metrics: Metrics) -> Exposition:
    """What `GET /metrics` answers: from the Accept header to the text and its content type."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.registry import Collector

    kinds = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}

    class Table(Collector):
        def collect(self) -> Iterator[Metric]:
            for name, family in FAMILIES.items():
                told = kinds[family.kind](name, family.help, labels=[family.label] if family.label else [])
                for value, number in metrics.samples(name):
                    told.add_metric([value] if family.label else [], number)
                yield told

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Table())

    def write(accept: str) -> tuple[bytes, str]:
        encoder, content_type = choose_encoder(accept)
        return encoder(registry), content_type

    return write
