"""Rules on several sections; the words of faults are in broken/."""

from __future__ import annotations

import pytest

from gateway.flow.rules.whole import loops, timezones, unused
from gateway.flow.source import Data

LINE: dict[str, Data] = {"number": "+14155550100", "persona": "ava"}
NIGHT: Data = {"closed": {"persona": "night"}}
PERSONAS: Data = {"ava": {}, "night": {}}


def idle(numbers: list[Data], hours: Data) -> list[str]:
    found = unused({"numbers": numbers, "hours": hours, "personas": PERSONAS})
    return sorted(".".join(map(str, finding.path)) for finding in found)


def test_who_answers_out_of_used_hours_is_used() -> None:
    assert idle([{**LINE, "hours": "office"}], {"office": NIGHT}) == []
    assert idle([{**LINE, "hours": "always"}], {"office": NIGHT}) == ["hours.office", "personas.night"]
    assert idle([LINE], {"office": NIGHT}) == ["hours.office", "personas.night"]


def test_of_a_misspelt_name_no_other_is_told_to_be_unused() -> None:
    assert idle([{**LINE, "hours": "ofice"}], {"office": NIGHT}) == []
    assert idle([{**LINE, "persona": "nihgt"}], {}) == []


def test_no_line_at_all() -> None:
    assert idle([], {"office": NIGHT}) == [""]
    assert idle([5], {"office": NIGHT}) == []


@pytest.mark.parametrize("zone", ["UTC", "Etc/UTC", "Europe/Berlin", "GB", "America/Argentina/Buenos_Aires", 5, None])
def test_zones_that_are_well(zone: Data) -> None:
    assert list(timezones({"defaults": {"timezone": zone}})) == []


@pytest.mark.parametrize("zone", ["", "America", "../UTC", "/UTC", "posix/UTC", "Factory", "posixrules", "x\0y"])
def test_zones_that_are_none(zone: str) -> None:
    (finding,) = timezones({"hours": {"office": {"timezone": zone}}, "numbers": [{"timezone": "UTC"}]})
    assert finding.path == ("hours", "office", "timezone")
    assert finding.severity == "error"


def test_a_line_may_dial_another_one() -> None:
    other: Data = {"fallback": {"then": "dial", "to": "+14155550101"}}
    assert list(loops({"numbers": [{**LINE, **other}]})) == []  # type: ignore[dict-item]
