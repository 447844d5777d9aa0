from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from gateway.flow import explain as explaining
from gateway.flow.explain import Explanation, LineError, MomentError, answer, explain, find, moment
from gateway.flow.load import Flows
from gateway.flow.model import Announcement
from gateway.flow.route import Route, route
from tests.flow.samples import flows

DENTAL = """
version: 1
name: dental
defaults: { timezone: America/Los_Angeles }
numbers:
  - { label: front-desk, number: "+14155550100", persona: ava, hours: office }
  - { label: message, number: "+14155550101", persona: ava, hours: message }
  - { label: dial, number: "+14155550102", persona: ava, hours: dial }
  - { label: always, number: "+14155550103", persona: ava }
  - { label: to-buy, search: { country: US }, persona: ava, hours: never }
personas:
  ava: { instructions: You answer the phone. }
  night: { instructions: You take messages. }
hours:
  office:
    weekly: { mon-fri: "09:00-18:00", sat: ["09:00-12:00", "13:00-15:00"] }
    holidays:
      - { date: 2026-12-25, name: Christmas }
      - { date: 2026-12-24, name: Christmas Eve, open: "09:00-12:00" }
    closed: { persona: night }
  message: { timezone: Europe/Berlin, weekly: { sat: "22:00-04:00" }, closed: { say: We are closed., then: voicemail } }
  dial: { weekly: { mon: "09:00-10:00" }, closed: { say: One moment., then: dial, to: "+14155550123" } }
  never: { weekly: { mon: closed }, closed: { say: Never. } }
limits: { max_duration: 20m, warn_at: 90s, concurrent_calls: 1, per_caller: 10/h, deny: ["+1900"], countries: [US, CA] }
"""
SHOP = """
version: 1
name: shop
numbers:
  - { label: front-desk, number: "+442079460100", persona: ben }
  - { label: back-door, number: "+442079460101", persona: ben }
personas:
  ben: { instructions: You answer the phone. }
limits: { max_duration: 60s, allow: ["+44", "+1415"], max_cost: 0.5 }
"""
COSTLY = (
    "Limits: a call lasts at most 1 minute; a call is ended when its model has cost 0.5 US dollars; "
    "only callers from +44, +1415."
)
NOW = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
CALLER = "+14155550199"


@pytest.fixture
def both(tmp_path: Path) -> Flows:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    return Flows((*flows(tmp_path / "a", DENTAL).flows, *flows(tmp_path / "b", SHOP).flows))


def words(flows: Flows, line: str, at: str, caller: str = CALLER) -> list[str]:
    return answer(flows, line, at, caller, NOW).words().splitlines()


LIMITS = (
    "Limits: a call lasts at most 20 minutes; the agent is told after 90 seconds; at most 1 call at a time; "
    "at most 10 calls an hour from one caller; nobody from +1900; only callers from US, CA."
)


def test_open(both: Flows) -> None:
    assert words(both, "dental/front-desk", "2026-11-24T10:00") == [
        "A call to the line 'front-desk' of 'dental' from a number of US:",
        "The persona 'ava' answers.",
        "It is Tuesday, 24 November 2026, 10:00 (America/Los_Angeles).",
        "The line is open by the hours 'office'.",
        "It closes on Tuesday, 24 November 2026, 18:00.",
        LIMITS,
    ]


def test_closed(both: Flows) -> None:
    assert words(both, "+14155550100", "2026-11-28T16:30", "+16045550199")[:-1] == [
        "A call to the line 'front-desk' of 'dental' from a number of CA:",
        "The persona 'night' answers.",
        "It is Saturday, 28 November 2026, 16:30 (America/Los_Angeles).",
        "The line is closed by the hours 'office'.",
        "It opens on Monday, 30 November 2026, 09:00.",
    ]


def test_holidays(both: Flows) -> None:
    assert words(both, "dental/front-desk", "2026-12-25T10:00")[1:-1] == [
        "The persona 'night' answers.",
        "It is Friday, 25 December 2026, 10:00 (America/Los_Angeles).",
        "The line is closed for the holiday 'Christmas' by the hours 'office'.",
        "It opens on Saturday, 26 December 2026, 09:00.",
    ]
    assert words(both, "dental/front-desk", "2026-12-24T11:59")[3:-1] == [
        "The line is open on the holiday 'Christmas Eve' by the hours 'office'.",
        "It closes on Thursday, 24 December 2026, 12:00.",
    ]


def test_twilio_alone_speaks(both: Flows) -> None:
    assert words(both, "message", "2026-10-25T05:00")[1:-1] == [
        'No persona answers: Twilio says "We are closed." and records a message.',
        "It is Sunday, 25 October 2026, 05:00 (Europe/Berlin).",
        "The line is closed by the hours 'message'.",
        "It opens on Saturday, 31 October 2026, 22:00.",
    ]
    said = 'No persona answers: Twilio says "One moment." and dials +14155550123.'
    assert words(both, "dial", "2026-11-24T10:00")[1] == said
    assert words(both, "to-buy", "2026-11-24T10:00")[1] == 'No persona answers: Twilio says "Never." and hangs up.'


def test_a_line_that_never_opens_and_one_that_is_always_open(both: Flows) -> None:
    assert words(both, "to-buy", "2026-11-24T10:00")[4] == "It opens at no time in the next 14 days."
    assert words(both, "always", "2026-11-24T10:00") == [
        "A call to the line 'always' of 'dental' from a number of US:",
        "The persona 'ava' answers.",
        "It is Tuesday, 24 November 2026, 10:00 (America/Los_Angeles).",
        "The line has no hours: it is always open.",
        LIMITS,
    ]


@pytest.mark.parametrize(
    ("line", "caller", "who", "why"),
    [
        ("dial", "+19005550199", "a number of US", "The caller's number begins with a prefix in limits.deny."),
        ("dial", "+442079460000", "a number of GB", "The caller's country is not in limits.countries."),
        ("dial", "+80012345678", "a number of no country", "The caller's country is not in limits.countries."),
        ("dial", "", "a withheld number", "The caller's country is not in limits.countries."),
        (
            "back-door",
            "4155550199",
            "what counts as a withheld number (one is +14155550199)",
            "The caller's number begins with no prefix in limits.allow.",
        ),
    ],
)
def test_refusals(both: Flows, line: str, caller: str, who: str, why: str) -> None:
    said = words(both, line, "2026-11-23T10:00", caller)
    assert said[0].endswith(f"from {who}:")
    assert said[1] == "Nobody answers: the caller is turned away."
    assert said[3] == why
    assert len(said) == 5  # no word of when it opens: not for this caller


def test_no_room(both: Flows) -> None:
    """The schema asks for one call at least; an older flow may hold none."""
    flow = both.flows[0]
    shut = Flows((replace(flow, limits=replace(flow.limits, concurrent_calls=0)),))
    assert words(shut, "dial", "2026-11-24T10:00")[1:4:2] == [
        "Nobody answers: the caller hears the busy tone.",
        "The limits leave no room for the call.",
    ]


def test_limits_of_another_flow(both: Flows) -> None:
    assert words(both, "back-door", "now")[-1] == COSTLY
    flow = both.flows[1]
    free = Flows((replace(flow, limits=replace(flow.limits, allow=())),))
    assert words(free, "back-door", "now")[-1] == COSTLY.replace("; only callers from +44, +1415", "")


def test_plain(both: Flows) -> None:
    plain = answer(both, "dental/front-desk", "2026-12-24T11:00", CALLER, NOW).plain()
    assert json.loads(json.dumps(plain)) == {
        "flow": "dental",
        "line": "front-desk",
        "timezone": "America/Los_Angeles",
        "hours": "office",
        "caller": CALLER,
        "country": "US",
        "outcome": "answer",
        "code": "open",
        "persona": "ava",
        "announcement": None,
        "reason": "",
        "holiday": "Christmas Eve",
        "at": "2026-12-24T11:00:00-08:00",
        "change": "2026-12-24T12:00:00-08:00",
        "limits": LIMITS.removeprefix("Limits: ").removesuffix(".").split("; "),
    }
    closed = answer(both, "message", "now", CALLER, NOW).plain()
    assert closed["announcement"] == {"say": "We are closed.", "then": "voicemail", "to": ""}
    assert answer(both, "always", "now", CALLER, NOW).plain()["change"] is None


def test_it_goes_through_the_code_that_answers_calls(both: Flows, monkeypatch: pytest.MonkeyPatch) -> None:
    flow, line = find(both, "dental/front-desk")
    assert explain(both, "dental/front-desk", NOW, CALLER).route == route(flow, line, NOW, CALLER)
    other = replace(route(flow, line, NOW, CALLER), persona="somebody-else")
    monkeypatch.setattr(explaining, "route", lambda *_: other)
    assert explain(both, "dental/front-desk", NOW, CALLER).route is other


def change(flows: Flows, line: str, at: str) -> str:
    found: Explanation = answer(flows, line, at, CALLER, NOW)
    return found.change.isoformat() if found.change else ""


def test_the_next_change_is_exact_where_the_clocks_change(both: Flows) -> None:
    assert change(both, "message", "2026-03-29T00:30") == "2026-03-29T04:00:00+02:00"
    assert change(both, "message", "2026-10-24T21:59:59") == "2026-10-24T22:00:00+02:00"
    assert change(both, "message", "2026-10-24T22:00") == "2026-10-25T04:00:00+01:00"
    assert change(both, "dental/front-desk", "2026-03-07T16:00") == "2026-03-09T09:00:00-07:00"


def test_the_next_change_is_not_from_closed_to_holiday(both: Flows) -> None:
    assert change(both, "dental/front-desk", "2026-12-24T20:00") == "2026-12-26T09:00:00-08:00"


@pytest.mark.parametrize(
    ("line", "flow", "label"),
    [
        ("+14155550100", "dental", "front-desk"),
        ("+442079460100", "shop", "front-desk"),
        ("shop/front-desk", "shop", "front-desk"),
        ("back-door", "shop", "back-door"),
        ("to-buy", "dental", "to-buy"),
    ],
)
def test_lines_are_found_by_number_label_or_both(both: Flows, line: str, flow: str, label: str) -> None:
    found = find(both, line)
    assert (found[0].name, found[1].label) == (flow, label)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("front-desk", "several flows have a line of this label (say which: dental/front-desk, shop/front-desk)"),
        ("back-dor", "there is no such line (did you mean 'back-door'?)"),
        ("shop/back-dor", "there is no such line (did you mean 'shop/back-door'?)"),
        ("+14155550193", "there is no such line (the nearest number is that of dental/always)"),
        ("+8", "there is no such line"),
        (
            "zzz",
            "there is no such line (known here: always, back-door, dial, front-desk, message, to-buy)",
        ),
        ("", "there is no such line (known here: always, back-door, dial, front-desk, message, to-buy)"),
    ],
)
def test_no_line_or_several(both: Flows, line: str, fault: str) -> None:
    with pytest.raises(LineError) as raised:
        answer(both, line, "now", CALLER, NOW)
    assert str(raised.value) == fault


def test_of_very_many_lines_a_few_are_named(both: Flows) -> None:
    many = Flows(tuple(replace(both.flows[1], name=f"shop-{n:02}") for n in range(20)))
    with pytest.raises(LineError, match=r"shop-00/back-door, .*shop-11/back-door, …\)$"):
        find(many, "back-door")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("now", NOW),
        ("2026-11-24T10:00", datetime(2026, 11, 24, 18, tzinfo=UTC)),
        ("2026-11-24 10:00", datetime(2026, 11, 24, 18, tzinfo=UTC)),
        ("2026-07-24T10:00:30", datetime(2026, 7, 24, 17, 0, 30, tzinfo=UTC)),
        ("2026-11-24T10:00Z", datetime(2026, 11, 24, 10, tzinfo=UTC)),
        ("2026-11-24T10:00+05:30", datetime(2026, 11, 24, 10, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
        ("2026-11-01T01:30-07:00", datetime(2026, 11, 1, 8, 30, tzinfo=UTC)),
    ],
)
def test_moments(text: str, meant: datetime) -> None:
    assert moment(text, "America/Los_Angeles", NOW) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "NOW",
        "2026-11-24",
        "10:00",
        "2026-11-24T10",
        "2026-11-24T1000",
        "20261124T10:00",
        "2026-W48-2T10:00",
        "2026-13-24T10:00",
        "2026-02-29T10:00",
        "2026-11-24T24:00",
        "2026-11-24T10:60",
        "2026-11-24T10:00+25:00",
        "2026-11-24T10:00 America/Los_Angeles",
        "2026-11-24T10:00\n",
        "٢٠٢٦-11-24T10:00",
        "0001-01-01T00:00",
        "9999-12-31T23:59",
        "2026-11-24T10:00:00.5",
    ],
)
def test_garbage_is_no_moment(text: str) -> None:
    with pytest.raises(MomentError) as raised:
        moment(text, "America/Los_Angeles", NOW)
    assert str(raised.value) == "this is no date and time (write it as 2026-11-24T10:00, or say now)"


@pytest.mark.parametrize(
    ("text", "zone", "fault"),
    [
        (
            "2026-03-08T02:30",
            "America/Los_Angeles",
            "this time doesn't exist in America/Los_Angeles: the clocks go forward over it (name another)",
        ),
        (
            "2026-11-01T01:30",
            "America/Los_Angeles",
            "this time comes twice in America/Los_Angeles, for the clocks go back (add -07:00 or -08:00)",
        ),
        (
            "2026-04-05T01:45",
            "Australia/Lord_Howe",
            "this time comes twice in Australia/Lord_Howe, for the clocks go back (add +11:00 or +10:30)",
        ),
    ],
)
def test_a_time_that_the_clocks_leave_out_or_show_twice(text: str, zone: str, fault: str) -> None:
    with pytest.raises(MomentError) as raised:
        moment(text, zone, NOW)
    assert str(raised.value) == fault


def test_announcements_name_the_number_they_dial_and_no_other(both: Flows) -> None:
    flow, line = find(both, "dial")
    assert route(flow, line, NOW, CALLER).announcement == Announcement("One moment.", "dial", "+14155550123")
    assert "+14155550102" not in explain(both, "dial", NOW, CALLER).words()


TWICE = """
version: 1
name: twice
numbers:
  - { label: desk, number: "+14155550100", persona: ava, hours: late }
personas:
  ava: { instructions: You answer the phone. }
  night: { instructions: You take messages. }
hours:
  late:
    timezone: Europe/Berlin
    weekly: { sat-sun: "02:15-02:45", mon: "09:00-10:00" }
    holidays: [%s]
    closed: { persona: night }
"""


def test_a_time_that_the_clocks_show_twice_is_told_with_its_offset(tmp_path: Path) -> None:
    told = answer(flows(tmp_path, TWICE % ""), "desk", "2026-10-25T02:50+02:00", CALLER, NOW).words()
    assert "It is Sunday, 25 October 2026, 02:50+02:00 (Europe/Berlin)." in told
    assert "It opens on Sunday, 25 October 2026, 02:15+01:00." in told


def test_a_change_that_the_clocks_leap_over_is_found(tmp_path: Path) -> None:
    """On 28 March 2027 the clocks go from 01:59 to 03:00: 02:15 never comes."""
    found = answer(flows(tmp_path, TWICE % ""), "desk", "2027-03-27T02:50", CALLER, NOW).change
    assert found is not None
    assert found.isoformat() == "2027-03-29T09:00:00+02:00"


def test_many_holidays_are_searched_in_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = [f"{year}-{month:02}-{day:02}" for year in range(2030, 2034) for month in range(1, 13) for day in (1, 2, 3)]
    asked: list[datetime] = []

    def counted(*given: Any) -> Route:
        asked.append(given[2])
        return route(*given)

    monkeypatch.setattr(explaining, "route", counted)
    loaded = flows(tmp_path, (TWICE % ", ".join(days)).replace("sat-sun: ", "sun: closed, sat: "))
    assert answer(loaded, "desk", "2026-11-29T03:00", CALLER, NOW).change is not None
    assert len(asked) < 20  # one a minute would be 1,800
