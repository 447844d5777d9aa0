"""Limits that are well, or nearly wrong; the words of faults are in broken/."""

from __future__ import annotations

import time

import pytest

from gateway.flow.rules.limits import judge
from gateway.flow.source import Data


def against(**limits: Data) -> list[str]:
    return [".".join(map(str, finding.path[1:])) for finding in judge({"limits": limits})]


@pytest.mark.parametrize(
    "limits",
    [
        {"max_duration": "20m", "warn_at": "1199s"},
        {"max_duration": "soon", "warn_at": "later"},
        {"allow": ["+1415"], "deny": ["+1415555", "+1900"]},  # a few of those who may
        {"allow": ["+1"], "countries": ["CA"]},  # the United States begin with it, and Canada's do
        {"allow": ["+1204"], "countries": ["CA"]},
        {"allow": ["+4"], "countries": ["DE"]},
        {"deny": ["+1900"], "countries": ["US"]},
        {"allow": ["1415", 5, "${ALLOW}"], "deny": [None, "+"], "countries": [5, "${HOME}", "us"]},
    ],
)
def test_limits_that_are_well(limits: dict[str, Data]) -> None:
    assert against(**limits) == []


@pytest.mark.parametrize(
    ("limits", "places"),
    [
        ({"max_duration": "20m", "warn_at": "20m"}, ["warn_at"]),
        ({"allow": ["+1415"], "deny": ["+1415"]}, ["allow.0"]),
        ({"allow": ["+1415555"], "deny": ["+1"]}, ["allow.0"]),
        ({"allow": ["+1204"], "countries": ["US"]}, ["allow.0"]),
        ({"allow": ["+800"], "countries": ["US"]}, ["allow.0"]),  # freephone numbers lie in no country
        ({"deny": ["+1"], "countries": ["US", "CA", "DE"]}, ["countries.0", "countries.1"]),
        ({"countries": ["EN", "AB"]}, ["countries.0", "countries.1"]),
    ],
)
def test_limits_that_let_nobody_in(limits: dict[str, Data], places: list[str]) -> None:
    assert against(**limits) == places


def test_as_many_prefixes_as_a_file_holds_take_no_more_than_a_moment() -> None:
    prefixes: Data = [f"+1{n:07}" for n in range(9000)]
    began = time.monotonic()
    assert len(against(allow=prefixes, deny=prefixes, countries=["US"])) == 9000
    assert time.monotonic() - began < 10
