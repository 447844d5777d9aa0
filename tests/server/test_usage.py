"""What a flow's limits are measured against."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.flow.load import load
from gateway.flow.model import Flow, Rate
from gateway.flow.route import Usage
from gateway.server import usage
from gateway.server.usage import Uses

SAMPLE = Path(__file__).parent.parent.parent / "flows"
ANN, BOB = "+14155550001", "+14155550002"


RATE = Rate(2, 60)


def flow(rate: Rate | None = RATE, name: str = "clinic") -> Flow:
    sample = load(SAMPLE, {}).flows[0]
    return replace(sample, name=name, limits=replace(sample.limits, per_caller=rate))


def test_calls_in_progress_are_each_flows_own() -> None:
    uses, clinic, shop = Uses(), flow(), flow(name="shop")
    uses.began(clinic, "CA1", ANN, 0)
    uses.began(clinic, "CA2", BOB, 0)
    uses.began(shop, "CA3", ANN, 0)
    uses.ended(clinic, "CA2")
    assert uses.of(clinic, ANN, "CA4", 1).calls == 1
    assert uses.of(shop, ANN, "CA4", 1).calls == 1
    uses.ended(clinic, "CA1")
    assert uses.of(clinic, ANN, "CA4", 1) == Usage(0, 1)
    assert "clinic" not in uses._calls


def test_a_call_with_two_streams_counts_once_and_never_for_itself() -> None:
    """A webhook that came twice: the later stream takes the place of the first, whose end is noticed after it."""
    uses, clinic = Uses(), flow()
    uses.began(clinic, "CA1", ANN, 0)
    uses.began(clinic, "CA1", ANN, 1)
    assert uses.of(clinic, ANN, "CA1", 2) == Usage(0, 0)
    assert uses.of(clinic, ANN, "CA2", 2) == Usage(1, 1)
    uses.ended(clinic, "CA1")
    assert uses.of(clinic, ANN, "CA2", 2) == Usage(1, 1)
    uses.ended(clinic, "CA1")
    assert uses.of(clinic, ANN, "CA2", 2) == Usage(0, 1)
    assert uses.of(clinic, ANN, "CA1", 2) == Usage(0, 0)


def test_a_callers_calls_are_counted_within_the_rates_period() -> None:
    uses, clinic = Uses(), flow()
    for at in (0, 30, 50):
        uses.began(clinic, f"CA{at}", ANN, at)
    assert [uses.of(clinic, ANN, "CA", at).from_caller for at in (50, 61, 100, 111)] == [3, 2, 1, 0]
    assert uses.of(clinic, BOB, "CA", 50).from_caller == 0


def test_callers_who_withhold_their_number_count_as_one() -> None:
    uses, clinic = Uses(), flow()
    uses.began(clinic, "CA1", "anonymous", 0)
    uses.began(clinic, "CA2", "", 0)
    assert uses.of(clinic, "Restricted", "CA3", 1).from_caller == 2


def test_a_call_that_goes_on_after_a_break_counts_once() -> None:
    uses, clinic = Uses(), flow()
    uses.began(clinic, "CA1", ANN, 0)
    uses.ended(clinic, "CA1")
    uses.began(clinic, "CA1", None, 1)
    assert uses.of(clinic, ANN, "CA2", 2) == Usage(1, 1)


def test_without_a_rate_no_caller_is_remembered() -> None:
    uses, clinic = Uses(), flow(rate=None)
    uses.began(clinic, "CA1", ANN, 0)
    assert uses.of(clinic, ANN, "CA2", 0).from_caller == 0
    assert not uses._callers


def test_the_callers_heard_least_recently_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    uses, clinic = Uses(), flow(Rate(5, 60))
    monkeypatch.setattr(usage, "MAX_CALLERS", 2)
    for at, caller in enumerate((ANN, BOB, ANN, "+14155550003")):
        uses.began(clinic, f"CA{at}", caller, at)
    assert [uses.of(clinic, caller, "CA", 5).from_caller for caller in (ANN, BOB)] == [2, 0]


def test_one_caller_alone_does_not_grow_the_memory() -> None:
    uses, clinic = Uses(), flow(Rate(3, 86_400))
    for at in range(1000):
        uses.began(clinic, f"CA{at}", ANN, at)
    assert uses.of(clinic, ANN, "CA", 1000).from_caller >= 4
    assert len(uses._callers[("clinic", ANN)]) <= 5


def test_a_hundred_thousand_callers_fit_into_forty_megabytes() -> None:
    uses, clinic, count = Uses(), flow(Rate(10, 3600)), 5_000
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for at in range(count):
            uses.began(clinic, f"CA{at:032}", f"+1{at:010}", at)
            uses.ended(clinic, f"CA{at:032}")
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / count * usage.MAX_CALLERS < 42e6


def test_all_who_withhold_their_number_are_one_caller() -> None:
    """Also where Twilio puts a number in its place: +266696687 is "anonymous" on the keys."""
    uses, clinic = Uses(), flow()
    uses.began(clinic, "CA1", "anonymous", 0)
    uses.began(clinic, "CA2", "+266696687", 1)
    assert uses.of(clinic, "", "CA3", 2).from_caller == 2
