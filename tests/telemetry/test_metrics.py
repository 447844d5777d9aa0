"""Counted in a table, told in Prometheus's text, and nothing of it loaded where nobody asks."""

from __future__ import annotations

import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.telemetry.families import FAMILIES
from gateway.telemetry.metrics import Metrics, exposition


def told(metrics: Metrics) -> dict[str, float]:
    text, content_type = exposition(metrics)("")
    assert content_type.startswith("text/plain; version=")
    families = text_string_to_metric_families(text.decode())
    return {
        sample.name
        + "".join(f"[{sample.labels[name]}]" for name in sorted(sample.labels, key="le".__eq__)): sample.value
        for family in families
        for sample in family.samples
    }


COUNTED = {
    "gateway_calls_active": 0,
    "gateway_calls_total": 0,
    "gateway_calls_refused_total[draining]": 0,
    "gateway_calls_refused_total[full]": 0,
    "gateway_turns_total[agent]": 0,
    "gateway_turns_total[caller]": 0,
    "gateway_barge_in_total": 0,
    "gateway_model_reconnects_total[fresh]": 0,
    "gateway_model_reconnects_total[resumed]": 0,
    "gateway_sessions_forgotten_total": 0,
    **{
        f"gateway_handover_total[{reason}][{resumed}]": 0
        for reason in ("sigterm", "limit", "crash", "goaway")
        for resumed in ("true", "false")
    },
    **{f"gateway_tokens_total[{kind}][{what}]": 0 for kind in ("prompt", "response") for what in ("audio", "text")},
    "gateway_flows_generation": 0,
    "gateway_flows_refused": 0,
    "gateway_flow_reloads_total[read]": 0,
    "gateway_flow_reloads_total[refused]": 0,
    "gateway_flow_reloads_total[unchanged]": 0,
    "gateway_flow_hash_mismatch_total": 0,
    **{f"gateway_warm_sessions_total[{result}]": 0 for result in ("used", "expired", "stale", "failed", "full")},
    "gateway_store_down": 0,
    "gateway_store_outages_total": 0,
}
HISTOGRAMS = (
    "gateway_call_duration_seconds",
    "gateway_call_time_to_first_audio_seconds",
    "gateway_turn_response_latency_seconds",
    "gateway_handover_gap_seconds",
    "gateway_event_loop_lag_seconds",
)


def test_everything_that_is_known_beforehand_is_told_from_nought_on() -> None:
    found = told(Metrics())
    assert set(found.values()) == {0}
    assert {name for name in found if not name.startswith(HISTOGRAMS)} == set(COUNTED)
    assert [name for name in HISTOGRAMS if not any(sample.startswith(f"{name}_bucket[") for sample in found)] == []


def test_a_histogram_tells_its_values_as_prometheus_has_them() -> None:
    metrics = Metrics()
    for seconds in (0.05, 0.1, 0.45, 12.0):
        metrics.observe("gateway_turn_response_latency_seconds", seconds)
    found = told(metrics)
    bucket = "gateway_turn_response_latency_seconds_bucket[{}]"
    assert [found[bucket.format(bound)] for bound in ("0.1", "0.4", "0.5", "10.0", "+Inf")] == [2, 2, 3, 3, 4]
    assert found["gateway_turn_response_latency_seconds_sum"] == pytest.approx(12.6)
    assert metrics.get("gateway_turn_response_latency_seconds") == 4


def test_a_hand_over_is_counted_with_its_reason_and_its_gap() -> None:
    metrics = Metrics()
    metrics.handed_over("sigterm", resumed=True, gap_s=0.31)
    metrics.handed_over("crash", resumed=False)
    found = told(metrics)
    assert found["gateway_handover_total[sigterm][true]"] == 1
    assert found["gateway_handover_total[crash][false]"] == 1
    assert found["gateway_handover_gap_seconds_bucket[sigterm][0.3]"] == 0
    assert found["gateway_handover_gap_seconds_bucket[sigterm][0.5]"] == 1
    assert found["gateway_handover_gap_seconds_count[crash]"] == 0


def test_what_was_counted_and_set() -> None:
    metrics = Metrics()
    metrics.add("gateway_calls_total")
    metrics.add("gateway_calls_total")
    metrics.add("gateway_calls_refused_total", why="denied")
    metrics.set("gateway_calls_active", 7)
    metrics.set("gateway_calls_active", 5)
    found = told(metrics)
    assert found["gateway_calls_total"] == metrics.get("gateway_calls_total") == 2
    assert found["gateway_calls_refused_total[denied]"] == metrics.get("gateway_calls_refused_total", why="denied") == 1
    assert found["gateway_calls_active"] == 5


def test_one_exposition_tells_what_is_counted_after_it_was_made() -> None:
    metrics = Metrics()
    write = exposition(metrics)
    metrics.add("gateway_calls_total")
    assert b"\ngateway_calls_total 1.0\n" in write("")[0]


def test_openmetrics_for_who_accepts_it() -> None:
    text, content_type = exposition(Metrics())("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("gateway_unknown_total", {}),
        ("gateway_calls_total", {"why": "x"}),
        ("gateway_calls_refused_total", {}),
        ("gateway_calls_refused_total", {"reason": "x"}),
        ("gateway_handover_total", {"reason": "sigterm"}),
        ("gateway_calls_active", {}),
    ],
)
def test_a_name_or_label_that_does_not_exist_is_a_bug(name: str, label: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        Metrics().add(name, **label)


def test_a_number_goes_where_it_belongs() -> None:
    with pytest.raises(KeyError, match="is a counter, no histogram"):
        Metrics().observe("gateway_calls_total", 1)


def test_every_family_says_what_it_is() -> None:
    assert all(family.help.endswith(".") for family in FAMILIES.values())
    assert all((family.kind == "counter") == name.endswith("_total") for name, family in FAMILIES.items())
    assert all((family.kind == "histogram") == name.endswith("_seconds") for name, family in FAMILIES.items())
    assert all(sorted(family.buckets) == list(family.buckets) for family in FAMILIES.values())


def test_no_label_can_hold_a_call_or_a_caller() -> None:
    """A CallSid in a label would be a series for each call, for good."""
    labels = {label for family in FAMILIES.values() for label in family.labels}
    assert labels == {"why", "reason", "resumed", "speaker", "how", "kind", "modality", "result"}


def test_counting_alone_loads_no_prometheus() -> None:
    code = "import sys, gateway.telemetry.metrics as m; m.Metrics(); sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
