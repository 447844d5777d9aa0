"""Runs added up and judged: the row, the JSON, and what falls below."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.rehearsal.failure.measure import Outcome, Words
from gateway.rehearsal.failure.rehearse import Exit, Run
from gateway.rehearsal.failure.report import HEAD, Result, plain, row, shortcomings
from gateway.rehearsal.failure.scenarios import BY_NAME, Expected
from gateway.rehearsal.failure.valkey import Left

STAYED = Outcome("CA1", True, "", 1, 0, 1, 0, 1, Words(), Words(), (), 0.0, ())
MOVED = replace(STAYED, streams=2, moves=1, gaps_s=(0.2,), agent=Words(1, 2))
LOST = replace(STAYED, kept=False, why="dead air")
SIGTERM = BY_NAME["sigterm"]
LEFT = Left(5, (), 600.0)


def result(*outcomes: Outcome, left: Left | None = LEFT, exits: tuple[Exit, ...] = ()) -> Result:
    return Result(SIGTERM, (Run(outcomes, left, exits),))


def test_what_is_as_expected() -> None:
    found = result(STAYED, MOVED)
    assert shortcomings(found, strict=True) == []
    assert row(found, []) == (
        "sigterm                        2/2      1     1/1        0      1/2     0/0       200     200      5  ok"
    )
    assert len(HEAD) == len(row(found, [])) - len("ok")


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (result(LOST, MOVED), "kept 1 of 2, expected 100%: dead air (1x)"),
        (result(STAYED, STAYED), "only 0 of 2 calls moved: nothing was rehearsed"),
        (result(STAYED, replace(MOVED, sessions=2)), "the same session in 0 of 1, expected 100%"),
        (result(STAYED, replace(MOVED, gaps_s=(5.5,))), "a gap of 5500 ms, more than 5 s"),
        (result(STAYED, replace(MOVED, broken=1)), "1 streams broke, where each is closed in good order"),
        (result(STAYED, replace(MOVED, twice_s=1.0)), "1 calls were served twice at once"),
        (result(STAYED, MOVED, left=Left(1, ("gw:x",), 0.0)), "keys without an end: gw:x"),
        (result(STAYED, MOVED, exits=(Exit("gateway-1", 10.5, 0),)), "gateway-1 took 10.5 s to leave (exit code 0)"),
        (result(STAYED, MOVED, exits=(Exit("gateway-1", 9.1, -9),)), "gateway-1 took 9.1 s to leave (exit code -9)"),
        (result(STAYED, replace(MOVED, greeted=2)), "1 calls were greeted again"),
    ],
)
def test_what_falls_below(found: Result, fault: str) -> None:
    faults = shortcomings(found, strict=False)
    assert faults == [fault]
    assert row(found, faults).endswith(f"BELOW\n    {fault}")
    assert plain(found, faults)["below"] == [fault]


def test_gaps_are_held_to_the_figures_on_request_alone() -> None:
    slow = result(STAYED, replace(MOVED, gaps_s=(0.7,)))
    assert shortcomings(slow, strict=False) == []
    assert shortcomings(slow, strict=True) == ["gap p50 700 ms, expected 500 ms"]


def test_a_fresh_session_may_greet_where_none_is_expected_to_be_kept() -> None:
    fresh = replace(MOVED, sessions=2, greeted=2)
    scenario = replace(SIGTERM, expected=Expected(same=0.0))
    assert shortcomings(Result(scenario, (Run((fresh,), LEFT, ()),)), strict=False) == []


def test_a_store_that_is_gone_has_no_keys_to_count() -> None:
    found = result(STAYED, MOVED, left=None)
    assert found.keys is None
    assert row(found, []).endswith("-  ok")


def test_the_json_is_json() -> None:
    told = json.loads(json.dumps(plain(result(LOST, MOVED), [])))
    assert (told["kept"], told["lost"], told["gap_ms"]["p50"]) == (1, {"CA1": "dead air"}, 200)
