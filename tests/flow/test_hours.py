"""How opening hours are written; what they mean for a moment is in test_route.py."""

from __future__ import annotations

import pytest

from gateway.flow.hours import days, ranges, span, week, weekdays
from gateway.flow.model import Range


@pytest.mark.parametrize(
    ("key", "found"),
    [("mon", (0,)), ("sun", (6,)), ("mon-fri", (0, 1, 2, 3, 4)), ("fri-mon", (4, 5, 6, 0)), ("sat-sat", (5,))],
)
def test_weekdays(key: str, found: tuple[int, ...]) -> None:
    assert weekdays(key) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("09:00-18:30", Range(540, 1110)),
        ("22:00-06:00", Range(1320, 1800)),
        ("00:00-24:00", Range(0, 1440)),
        ("23:59-00:00", Range(1439, 1440)),
    ],
)
def test_a_range_past_midnight_ends_on_the_next_day(text: str, found: Range) -> None:
    assert span(text) == found


@pytest.mark.parametrize("text", ["", "closed", "9:00-18:00", "09:00-18:00\n", "09:00 - 18:00"])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(ValueError, match="not a range"):
        span(text)


def test_ranges_of_a_day_in_order() -> None:
    assert ranges(["13:00-15:00", "09:00-12:00"]) == (Range(540, 720), Range(780, 900))
    assert ranges("09:00-12:00") == (Range(540, 720),)
    assert ranges("closed") == ()


def test_week() -> None:
    day = (Range(540, 720),)
    assert week({"sat-mon": "09:00-12:00", "tue": "closed"}) == (day, (), (), (), (), day, day)


def test_days() -> None:
    assert days("12-25") == ("12-25", "12-25")
    assert days("2026-12-24 to 2027-01-02") == ("2026-12-24", "2027-01-02")
