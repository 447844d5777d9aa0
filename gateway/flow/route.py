"""Who answers a call: (flow, line, moment, caller) -> Route. Pure, and the only place that decides. Twilio Functions
have its twin in `twilio-functions/assets/route.private.js`; `tests/contract/route-*.json` holds the two together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from gateway.flow.countries import country, withheld
from gateway.flow.hours import DAY
from gateway.flow.model import Announcement, Flow, Holiday, Hours, Limits, Number, Range

Code = Literal[
    "always",  # the line has no hours
    "open",  # within the weekly hours, or a holiday's own
    "closed",
    "holiday",
    "denied",  # limits.deny
    "not-allowed",  # limits.allow
    "country",  # limits.countries
    "per-caller",
    "concurrent",
]


@dataclass(frozen=True, slots=True)
class Usage:
    """What this core knows of a flow's other calls: those in progress, and this caller's within the rate's period."""

    calls: int = 0
    from_caller: int = 0


@dataclass(frozen=True, slots=True)
class Route:
    """`answer`: `persona` does. `announce`: Twilio says `announcement`. `refuse`: with the TwiML `reason`.
    `holiday` is the name or date of the one that decided, empty where none did."""

    outcome: Literal["answer", "announce", "refuse"]
    code: Code
    persona: str = ""
    announcement: Announcement | None = None
    reason: Literal["", "busy", "rejected"] = ""
    holiday: str = ""


def route(flow: Flow, line: Number, at: datetime, caller: str, usage: Usage = Usage()) -> Route:
    """Who answers `caller` (E.164; anything else is a withheld number) on this line at an aware moment.

    Refusals come first: deny, allow, countries (each must pass), the caller's rate, calls at a time. Then the hours:
    a range belongs to the day on which it begins, and is open whenever the clock on the wall shows a time within it.
    A holiday replaces the ranges that begin on it. A withheld number begins with no prefix and is of no country.
    `usage` is without this call. Raises ValueError for a naive moment.
    """
    if at.tzinfo is None:
        raise ValueError("a moment without its time zone")
    if code := _held_back(flow.limits, caller, usage):
        return _refusal(code, line)
    if not line.hours:
        return Route("answer", "always", line.persona)
    hours = flow.hours[line.hours]
    code, holiday = _standing(hours, at)
    named = (holiday.name or holiday.first) if holiday else ""
    if code == "open":
        return Route("answer", code, line.persona, holiday=named)
    if hours.closed.persona:
        return Route("answer", code, hours.closed.persona, holiday=named)
    return Route("announce", code, announcement=hours.closed.announcement, holiday=named)


def _held_back(limits: Limits, caller: str, usage: Usage) -> Code | None:
    """The first limit that holds this call back."""
    number = "" if withheld(caller) else caller
    if number.startswith(limits.deny):
        return "denied"
    if limits.allow and not number.startswith(limits.allow):
        return "not-allowed"
    if limits.countries and country(number) not in limits.countries:
        return "country"
    if limits.per_caller and usage.from_caller >= limits.per_caller.count:
        return "per-caller"
    if limits.concurrent_calls is not None and usage.calls >= limits.concurrent_calls:
        return "concurrent"
    return None


def _refusal(code: Code, line: Number) -> Route:
    """Who may not call is rejected; for whom there is no room hears busy, or what the line says when it is full."""
    if code == "concurrent" and line.fallback:
        return Route("announce", code, announcement=line.fallback)
    return Route("refuse", code, reason="busy" if code in ("per-caller", "concurrent") else "rejected")


def _standing(hours: Hours, at: datetime) -> tuple[Code, Holiday | None]:
    """Open or closed, and the holiday that makes it so: today's, or yesterday's for what ran past midnight."""
    local = at.astimezone(ZoneInfo(hours.timezone))
    today, minute = local.date(), local.hour * 60 + local.minute
    kept = [(day, _holiday(hours, day)) for day in (today, today - timedelta(days=1))]
    for (day, holiday), shown in zip(kept, (minute, minute + DAY), strict=True):
        if _within(holiday.open if holiday else hours.weekly[day.weekday()], shown):
            return "open", holiday
    (_, holiday), (yesterday, eve) = kept
    if holiday is None and eve and _within(hours.weekly[yesterday.weekday()], minute + DAY):
        holiday = eve  # but for it, yesterday's range would still be open
    return ("holiday" if holiday else "closed"), holiday


def _within(ranges: Sequence[Range], minute: int) -> bool:
    return any(one.start <= minute < one.end for one in ranges)


def _holiday(hours: Hours, day: date) -> Holiday | None:
    """The first that holds the day. Dates as text sort as dates do."""
    written = day.isoformat()
    return next((holiday for holiday in hours.holidays if _holds(holiday, written)), None)


def _holds(holiday: Holiday, day: str) -> bool:
    shown = day if len(holiday.first) == len(day) else day[5:]
    if holiday.first <= holiday.last:
        return holiday.first <= shown <= holiday.last
    return shown >= holiday.first or shown <= holiday.last
