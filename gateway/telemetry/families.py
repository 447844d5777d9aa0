"""Every metric there is: its name, kind, labels and buckets. Names after shared conventions of voice agents, in
Prometheus's form; docs/metrics.md explains them, and a test holds the two together.

A label holds a word of ours. What a caller gave, a CallSid or a number is never one: each value is a series for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

HandoverReason = Literal["sigterm", "limit", "crash", "goaway"]
REASONS = get_args(HandoverReason)

# Seconds. A conversation's pauses: people answer each other in 0.2 s, and begin to wonder after 2 s.
RESPONSE = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
GAP = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
LAG = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)  # a frame of sound is 0.02
CALL = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. The `values` of its labels that are known beforehand are told from 0 on; a histogram has `buckets`,
    upper bounds without the last, which is infinite."""

    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    values: tuple[tuple[str, ...], ...] = ()
    buckets: tuple[float, ...] = ()


def _each(*values: str) -> tuple[tuple[str, ...], ...]:
    return tuple((value,) for value in values)


FAMILIES: Mapping[str, Family] = {
    "gateway_calls_active": Family("gauge", "Calls in progress."),
    "gateway_calls_total": Family(
        "counter", "Streams that were let in; a call that goes on after a break counts twice."
    ),
    "gateway_calls_refused_total": Family(
        "counter", "Calls and streams turned away.", ("why",), _each("draining", "full")
    ),
    "gateway_calls_ended_total": Family("counter", "Streams that came to their end, and why.", ("reason",)),
    "gateway_call_duration_seconds": Family("histogram", "From a stream's start to its end.", buckets=CALL),
    "gateway_call_time_to_first_audio_seconds": Family(
        "histogram", "From a call's first stream to the agent's first sound on its way to the phone.", buckets=RESPONSE
    ),
    "gateway_turn_response_latency_seconds": Family(
        "histogram",
        "From the end of the caller's speech to the agent's first sound on its way to the phone.",
        buckets=RESPONSE,
    ),
    "gateway_turns_total": Family("counter", "Turns that ended.", ("speaker",), _each("caller", "agent")),
    "gateway_barge_in_total": Family("counter", "Times that a caller interrupted the agent."),
    "gateway_model_reconnects_total": Family(
        "counter",
        "Connections to the model that took the place of another in mid-call; by its handle, or fresh.",
        ("how",),
        _each("resumed", "fresh"),
    ),
    "gateway_sessions_forgotten_total": Family(
        "counter", "Sessions with the model that took their handle and knew nothing of the call: left for fresh ones."
    ),
    "gateway_handover_total": Family(
        "counter",
        "Calls that went on in another stream or, goaway, in another connection to the model; whether its session did.",
        ("reason", "resumed"),
        tuple((reason, was) for reason in REASONS for was in ("true", "false")),
    ),
    "gateway_handover_gap_seconds": Family(
        "histogram", "How long a call that was handed over had nobody to hear it.", ("reason",), _each(*REASONS), GAP
    ),
    "gateway_event_loop_lag_seconds": Family(
        "histogram", "How late a timer of the event loop fires, looked at ten times a second.", buckets=LAG
    ),
    "gateway_tokens_total": Family(
        "counter",
        "Tokens that the model's usage messages told of.",
        ("kind", "modality"),
        tuple((kind, modality) for kind in ("prompt", "response") for modality in ("audio", "text")),
    ),
    "gateway_flows_generation": Family("gauge", "The generation of flows that new calls get; 1 is that of the start."),
    "gateway_flows_refused": Family("gauge", "1 while the flow files as they are can't be served, else 0."),
    "gateway_flow_reloads_total": Family(
        "counter", "Readings of the flow files after the start.", ("result",), _each("read", "unchanged", "refused")
    ),
    "gateway_flow_hash_mismatch_total": Family(
        "counter", "Calls that were answered by flows which are not, or no longer, known here."
    ),
    "gateway_warm_sessions_total": Family(
        "counter",
        "Sessions with the model that a call's webhook asked for before its stream came: used, or why not.",
        ("result",),
        _each("used", "expired", "stale", "failed", "full"),
    ),
    "gateway_store_down": Family("gauge", "1 while the store is out of reach and memory stands in for it, else 0."),
    "gateway_store_outages_total": Family("counter", "Times that the store was lost."),
}
