"""Counted in a table, told in Prometheus's text, and nothing of it loaded where nobody asks."""

from __future__ import annotations

import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.telemetry.metrics import FAMILIES, Metrics, exposition


def told(metrics: Metrics) -> dict[str, float]:
    text, content_type = exposition(metrics)("")
    assert content_type.startswith("text/plain; version=")
    families = text_string_to_metric_families(text.decode())
    return {
        sample.name + "".join(f"[{value}]" for value in sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_everything_that_is_known_beforehand_is_told_from_nought_on() -> None:
    assert told(Metrics()) == {
        "gateway_calls_active": 0,
        "gateway_calls_total": 0,
        "gateway_calls_refused_total[draining]": 0,
        "gateway_calls_refused_total[full]": 0,
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
    ],
)
def test_a_name_or_label_that_does_not_exist_is_a_bug(name: str, label: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        Metrics().add(name, **label)


def test_every_family_says_what_it_is() -> None:
    assert all(family.help.endswith(".") for family in FAMILIES.values())
    assert all((family.kind == "counter") == name.endswith("_total") for name, family in FAMILIES.items())


def test_counting_alone_loads_no_prometheus() -> None:
    code = "import sys, gateway.telemetry.metrics as m; m.Metrics(); sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
