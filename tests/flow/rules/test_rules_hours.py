"""Hours that are well, or nearly wrong; the words of faults are in broken/."""

from __future__ import annotations

import time

import pytest

from gateway.flow.rules.hours import judge
from gateway.flow.source import Data


def against(weekly: Data = None, holidays: Data = None) -> list[str]:
    """The places at fault within one set of hours."""
    hours: dict[str, Data] = {"weekly": weekly or {"mon": "09:00-18:00"}, "closed": {"say": "x"}}
    if holidays is not None:
        hours["holidays"] = holidays
    found = judge({"hours": {"office": hours}, "personas": {"ava": {}}})
    return [".".join(map(str, finding.path[2:])) for finding in found]


@pytest.mark.parametrize(
    "weekly",
    [
        {"mon-fri": "09:00-18:00", "sat": ["09:00-12:00", "13:00-15:00"], "sun": "closed"},
        {"mon": ["13:00-15:00", "09:00-13:00"]},  # in any order, one at the heels of the other
        {"mon-sun": "00:00-24:00"},
        {"mon-sun": "06:00-05:59"},
        {"fri": "22:00-06:00", "sat": "06:00-10:00"},
        {"sun": "22:00-06:00", "mon": "06:00-10:00"},
        {"fri-mon": "09:00-10:00", "tue-thu": "10:00-11:00"},
        {"mon": "23:59-00:00", "tue": "00:00-00:01"},
    ],
)
def test_weeks_that_are_well(weekly: Data) -> None:
    assert against(weekly) == []


@pytest.mark.parametrize(
    ("weekly", "places"),
    [
        ({"mon-tue": "22:00-23:00", "tue-wed": "09:00-10:00", "wed": "11:00-12:00"}, ["weekly.tue-wed", "weekly.wed"]),
        ({"mon": ["09:00-18:00", "10:00-11:00", "12:00-13:00"]}, ["weekly.mon.1", "weekly.mon.2"]),
        ({"sat-sun": ["20:00-04:00", "02:00-03:00"]}, ["weekly.sat-sun.1"]),
        ({"sun": "20:00-04:00", "mon": "00:00-03:00"}, ["weekly.mon"]),
        ({"mon": ["09:00-09:00", "09:00-10:00"]}, ["weekly.mon.0"]),
        ({"mon": "09:00-12:00", "xyz": "09:00-09:00"}, ["weekly.xyz"]),
    ],
)
def test_weeks_that_contradict_themselves(weekly: Data, places: list[str]) -> None:
    assert against(weekly) == places


def test_a_week_that_is_open_on_holidays_alone() -> None:
    assert against({"mon-sun": "closed"}, [{"date": "12-25", "open": "09:00-12:00"}]) == []
    assert against({"mon-sun": "closed"}, [{"date": "12-25", "open": "closed"}]) == ["weekly"]


@pytest.mark.parametrize(
    "holidays",
    [
        ["02-29", "2028-02-29 to 2028-03-01", "12-24 to 01-02", "2026-12-24 to 2027-01-03"],
        [{"date": "12-24", "open": "09:00-12:00"}, "12-24 to 12-26"],  # the first counts
        ["2026-12-25", "12-25"],  # of this year, and of all others
        ["2026-12-20 to 2026-12-25", "2026-12-25 to 2026-12-26"],
        ["12-30 to 01-02", "01-02 to 01-03"],
        ["2026-01-01 to 9999-12-31", "2026-05-01"],  # too long to look at day by day
        ["${DAY}", "25.12.", 5, None, {"name": "x"}],  # the schema's to refuse
    ],
)
def test_holidays_that_are_well(holidays: Data) -> None:
    assert against(holidays=holidays) == []


@pytest.mark.parametrize(
    ("holidays", "places"),
    [
        (["12-25", "2026-12-25"], ["holidays.1"]),
        (["12-24 to 01-02", "2026-12-30 to 2027-01-01"], ["holidays.1"]),
        (["12-24 to 12-31", "01-01 to 01-02", "12-31 to 01-01"], ["holidays.2"]),
        (["2026-02-28 to 2026-03-01", {"date": "2026-02-28"}], ["holidays.1.date"]),
        (["2026-12-25", "2026-12-25 to 2026-12-25"], ["holidays.1"]),
        (["2027-02-29 to 2027-03-01", "00-10", "13-01", "0000-01-01"], [f"holidays.{n}" for n in range(4)]),
        (["12-24 to 2026-12-26"], ["holidays.0"]),
    ],
)
def test_holidays_that_are_none(holidays: Data, places: list[str]) -> None:
    assert against(holidays=holidays) == places


def test_as_many_holidays_as_a_file_holds_take_no_more_than_a_moment() -> None:
    years = [f"{year}-01-01 to {year}-12-31" for year in range(1, 9999)]
    began = time.monotonic()
    assert against(holidays=["06-01 to 06-30", *years, *[f"{year}-05-01" for year in range(1, 9999)]])
    assert time.monotonic() - began < 10
