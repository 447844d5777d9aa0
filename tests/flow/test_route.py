"""Three judges of who answers: the cases that Twilio Functions are held to as well (tests/contract/route-*.json,
written by hand), a brute-force oracle that paints every open minute on a calendar, and scripts for the rest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from timeit import repeat
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.flow.compile import FORMAT, read
from gateway.flow.load import Flows
from gateway.flow.model import Closed, Flow, Holiday, Hours, Limits, Number, Range
from gateway.flow.route import Route, Usage, route

CONTRACT = Path(__file__).parent.parent / "contract"
FILES = sorted(CONTRACT.glob("route-*.json"))
LINE = Number("desk", "+14155550100", "ava", hours="office")
CALLER = "+14155550199"


def contract(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def flows_of(fragment: dict[str, Any]) -> Flows:
    """A fragment with what makes it an artefact, read by the artefact's own reader."""
    content = {"format": FORMAT, "calling_codes": {}, **fragment}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return read(json.dumps({**content, "hash": hashlib.sha256(canonical.encode()).hexdigest()}))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_cases_that_twilio_functions_are_held_to(file: Path) -> None:
    found = contract(file)
    flows = flows_of(found["artefact"])
    wrong = {}
    for case in found["cases"]:
        line = flows.labelled(case["flow"], case["line"])
        assert line is not None, case["name"]
        moment = datetime.fromisoformat(case["at"])
        answer = asdict(route(*line, moment, case["from"], Usage(**case.get("usage", {}))))
        if answer != case["expect"]:
            wrong[case["name"]] = answer
    assert wrong == {}


def test_there_are_cases_and_each_has_its_name() -> None:
    names = [(file.name, case["name"]) for file in FILES for case in contract(file)["cases"]]
    assert len(names) >= 300
    assert len(set(names)) == len(names)


def test_every_code_stands_in_a_case() -> None:
    codes = {case["expect"]["code"] for file in FILES for case in contract(file)["cases"]}
    assert codes == {
        "always",
        "open",
        "closed",
        "holiday",
        "denied",
        "not-allowed",
        "country",
        "per-caller",
        "concurrent",
    }


def flow_with(hours: Hours, limits: Limits = Limits(1200.0)) -> Flow:  # noqa: B008  frozen
    return Flow("shop", "", "", "UTC", {}, (LINE,), {}, limits, {hours.name: hours})


def office(weekly: tuple[tuple[Range, ...], ...], holidays: tuple[Holiday, ...] = (), zone: str = "UTC") -> Hours:
    return Hours("office", zone, weekly, Closed("night"), holidays)


WEEK = ((Range(540, 1080),),) * 5 + ((), ())


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="without its time zone"):
        route(flow_with(office(WEEK)), LINE, datetime(2026, 11, 24, 10), CALLER)


def test_a_flow_that_takes_no_call_at_a_time_takes_none() -> None:
    """The schema asks for one or more; none is not the same as no limit."""
    flow = flow_with(office(WEEK), Limits(1200.0, concurrent_calls=0))
    assert route(flow, LINE, datetime(2026, 11, 24, 10, tzinfo=UTC), CALLER) == Route(
        "refuse", "concurrent", reason="busy"
    )


# The oracle: paint every minute on which the line is open, day by day, and look whether the wall's minute is painted.

ZONES = ("Europe/Berlin", "America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC")
FIRST = date(2026, 2, 20)
spans = st.builds(lambda start, length: Range(start, start + length), st.integers(0, 1439), st.integers(1, 1440))
ranges = st.lists(spans, max_size=2).map(tuple)
weeks = st.tuples(*[ranges] * 7)
days = st.integers(0, 400).map(lambda n: FIRST + timedelta(days=n))
dated = st.builds(
    lambda first, length, own: Holiday(str(first), str(first + timedelta(days=length)), "dated", own),
    days,
    st.integers(0, 20),
    ranges,
)
yearly = st.builds(
    lambda first, length, own: Holiday(str(first)[5:], str(first + timedelta(days=length))[5:], "yearly", own),
    days,
    st.integers(0, 20),
    ranges,
)
holidays = st.lists(dated | yearly, max_size=4).map(tuple)
# Near the changes of the clocks, and anywhere.
moments = st.one_of(
    *[
        st.integers(-200, 200).map(lambda n, at=at: datetime.fromisoformat(at) + timedelta(minutes=n))  # type: ignore[misc]
        for at in (
            "2026-03-29T01:00Z",
            "2026-03-08T10:00Z",
            "2026-04-04T15:00Z",
            "2026-10-03T15:30Z",
            "2026-12-31T23:00Z",
        )
    ],
    st.datetimes(datetime(2026, 3, 1), datetime(2027, 3, 1)).map(lambda at: at.replace(tzinfo=UTC)),
)


def days_of(holiday: Holiday) -> set[date]:
    """The days of a holiday, walked one by one over three years."""
    if len(holiday.first) > 5:
        first, last = date.fromisoformat(holiday.first), date.fromisoformat(holiday.last)
        return {first + timedelta(days=n) for n in range((last - first).days + 1)}
    found, within = set(), False
    for n in range(3 * 366):
        day = date(2025, 1, 1) + timedelta(days=n)
        within = within or str(day)[5:] == holiday.first
        if within:
            found.add(day)
        within = within and str(day)[5:] != holiday.last
    return found


def painted(hours: Hours, around: date) -> set[datetime]:
    """Every minute of wall-clock time that ranges beginning within three days of a day make open."""
    closed = [(days_of(holiday), holiday) for holiday in hours.holidays]
    minutes = set()
    for day in (around + timedelta(days=n) for n in range(-3, 4)):
        own = next((holiday.open for held, holiday in closed if day in held), hours.weekly[day.weekday()])
        midnight = datetime(day.year, day.month, day.day)
        for one in own:
            minutes |= {midnight + timedelta(minutes=n) for n in range(one.start, one.end)}
    return minutes


@settings(max_examples=250, deadline=None)
@given(weeks, holidays, st.sampled_from(ZONES), moments)
def test_open_is_what_is_painted(
    week: tuple[tuple[Range, ...], ...], special: tuple[Holiday, ...], zone: str, at: datetime
) -> None:
    hours = office(week, special, zone)
    shown = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, second=0, microsecond=0, fold=0)
    expected = "open" if shown in painted(hours, shown.date()) else ("closed", "holiday")
    answer = route(flow_with(hours), LINE, at, CALLER)
    assert answer.code in expected if isinstance(expected, tuple) else answer.code == expected
    today = any(shown.date() in days_of(holiday) for holiday in special)
    assert (answer.code == "closed") <= (not today)


@settings(max_examples=100, deadline=None)
@given(weeks, holidays, moments)
def test_without_its_holidays_a_line_closed_for_one_would_be_open_or_it_is_the_day(
    week: tuple[tuple[Range, ...], ...], special: tuple[Holiday, ...], at: datetime
) -> None:
    hours = office(week, special)
    answer = route(flow_with(hours), LINE, at, CALLER)
    plain = route(flow_with(replace(hours, holidays=())), LINE, at, CALLER)
    today = any(at.date() in days_of(holiday) for holiday in special)
    assert (answer.code == "holiday") == (answer.code != "open" and (today or plain.code == "open"))
    assert (answer.holiday != "") >= (answer.code == "holiday")


def test_a_call_is_routed_in_20_microseconds() -> None:
    """Without hours. With hours and twelve holidays it takes some 12, and more while coverage is traced."""
    holidays = tuple(Holiday(f"{month:02}-24", f"{month:02}-26") for month in range(1, 13))
    limits = Limits(1200.0, concurrent_calls=5, allow=("+1", "+44"), deny=("+1900",), countries=("CA", "US"))
    flow = flow_with(office(WEEK, holidays, "America/Los_Angeles"), limits)
    at = datetime(2026, 11, 27, 20, tzinfo=UTC)
    plain = replace(LINE, hours="")
    assert route(flow, LINE, at, CALLER).code == "open"
    assert min(repeat(lambda: route(flow, plain, at, CALLER), number=200, repeat=20)) / 200 < 20e-6
    assert min(repeat(lambda: route(flow, LINE, at, CALLER), number=200, repeat=20)) / 200 < 200e-6
