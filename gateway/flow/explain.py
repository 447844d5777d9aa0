"""Who would answer a call, and why, in words and as plain data. Everything it says of a call it has from `flow.route`,
which answers calls too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from gateway.flow.countries import country, withheld
from gateway.flow.hours import DAY
from gateway.flow.load import Flows
from gateway.flow.model import Flow, Hours, Limits, Number
from gateway.flow.near import did_you_mean, near
from gateway.flow.route import Route, route

SEARCHED = timedelta(days=14)  # how far ahead the next change is looked for
_NAMED = 12  # lines that an error names
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?")
_YEARS = range(1970, 2200)
_THEN = {"hangup": "hangs up", "voicemail": "records a message", "dial": "dials"}
_PERIODS = {60: "a minute", 3600: "an hour", 86400: "a day"}


class LineError(LookupError):
    """No line is meant, or more than one."""


class MomentError(ValueError):
    """A text that says no moment, or two."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of a call. `at` is in `timezone`, that of the line's hours, as is `change`: when the line next opens
    or closes, if it does within `SEARCHED`. `hours` is empty where the line is always open, `country` where the caller
    is of none. `limits` are those of the flow, in words."""

    flow: str
    line: str
    at: datetime
    timezone: str
    hours: str
    caller: str
    country: str
    route: Route
    change: datetime | None
    limits: tuple[str, ...]

    def words(self) -> str:
        """A few sentences, one a line."""
        said = [_who(self.route), f"It is {_date(self.at)} ({self.timezone}).", _why(self), *_next(self)]
        call = f"A call to the line '{self.line}' of '{self.flow}' from {_caller(self)}:"
        return "\n".join([call, *said, f"Limits: {'; '.join(self.limits)}."])

    def plain(self) -> dict[str, object]:
        """The same for programs: times in ISO 8601 with their offset, an empty text or null for what is not."""
        return {
            **{name: getattr(self, name) for name in ("flow", "line", "timezone", "hours", "caller", "country")},
            **asdict(self.route),
            "at": self.at.isoformat(),
            "change": self.change.isoformat() if self.change else None,
            "limits": list(self.limits),
        }


def answer(flows: Flows, line: str, at: str, caller: str, now: datetime) -> Explanation:
    """As `explain`, with the moment as a person writes it: see `moment`. Raises LineError and MomentError."""
    return explain(flows, line, moment(at, _zone(*find(flows, line)), now), caller)


def explain(flows: Flows, line: str, at: datetime, caller: str) -> Explanation:
    """What a call to a line (its number, its label, or flow/label) comes to at an aware moment, if no other call is in
    progress. Raises LineError."""
    flow, number = find(flows, line)
    zone = _zone(flow, number)
    local = at.astimezone(ZoneInfo(zone))
    return Explanation(
        flow=flow.name,
        line=number.label,
        at=local,
        timezone=zone,
        hours=number.hours,
        caller=caller,
        country=country(caller),
        route=route(flow, number, local, caller),
        change=_change(flow, number, local, caller),
        limits=tuple(_limits(flow.limits)),
    )


def find(flows: Flows, line: str) -> tuple[Flow, Number]:
    """The line of a number in E.164, of a label, or of flow/label. Raises LineError, which names the nearest."""
    if line.startswith("+"):
        found = [held] if (held := flows.line(line)) else []
    else:
        found = [(flow, number) for flow in flows.flows for number in flow.numbers if line in _names(flow, number)]
    if len(found) == 1:
        return found[0]
    if found:
        names = [_full(one) for one in found[:_NAMED]] + ["…"] * (len(found) > _NAMED)
        raise LineError(f"several flows have a line of this label (say which: {', '.join(names)})")
    raise LineError(f"there is no such line{_hint(flows, line)}")


def moment(text: str, zone: str, now: datetime) -> datetime:
    """The aware moment that a person means: `now`, or `2026-11-24T10:00` in the zone, or with an offset of its own.
    Raises MomentError for any other text, and for a time that the zone's clocks leave out or show twice."""
    if text == "now":
        return now
    try:
        if not _MOMENT.fullmatch(text) or int(text[:4]) not in _YEARS:
            raise ValueError
        written = datetime.fromisoformat(text)
    except ValueError:
        raise MomentError("this is no date and time (write it as 2026-11-24T10:00, or say now)") from None
    return written if written.tzinfo else _in_zone(written, zone)


def _in_zone(written: datetime, zone: str) -> datetime:
    first = written.replace(tzinfo=ZoneInfo(zone))
    second = first.replace(fold=1)
    if first.utcoffset() == second.utcoffset():
        return first
    if first.astimezone(UTC).astimezone(first.tzinfo).replace(tzinfo=None) != written:
        raise MomentError(f"this time doesn't exist in {zone}: the clocks go forward over it (name another)")
    offsets = " or ".join(one.isoformat()[-6:] for one in (first, second))
    raise MomentError(f"this time comes twice in {zone}, for the clocks go back (add {offsets})")


def _zone(flow: Flow, line: Number) -> str:
    return flow.hours[line.hours].timezone if line.hours else line.timezone


def _names(flow: Flow, line: Number) -> tuple[str, str]:
    return line.label, _full((flow, line))


def _full(found: tuple[Flow, Number]) -> str:
    return f"{found[0].name}/{found[1].label}"


def _hint(flows: Flows, line: str) -> str:
    """The line most likely meant. Of numbers only the line's name is told: they may come from the environment."""
    lines = [(flow, number) for flow in flows.flows for number in flow.numbers]
    if line.startswith("+"):
        owners = {number.number: _full((flow, number)) for flow, number in lines if number.number}
        nearest = near(line, owners)
        return f" (the nearest number is that of {owners[nearest]})" if nearest else ""
    known = {name for one in lines for name in ([_full(one)] if "/" in line else [one[1].label])}
    hint = did_you_mean(line, known)
    return f" ({hint})" if hint else ""


def _change(flow: Flow, line: Number, at: datetime, caller: str) -> datetime | None:
    """The first minute, within what is searched, in which the line is open if it is closed now, or the other way."""
    code = route(flow, line, at, caller).code
    if code not in ("open", "closed", "holiday"):
        return None
    for later in _turning(flow.hours[line.hours], at):
        if (route(flow, line, later, caller).code == "open") != (code == "open"):
            return later
    return None


def _turning(hours: Hours, at: datetime) -> Iterator[datetime]:
    """The minutes within what is searched in which a line may open or close: where a range begins or ends, at
    midnight, and where the clocks change."""
    ranges = (*hours.weekly, *(holiday.open for holiday in hours.holidays))
    edges = {0} | {edge % DAY for day in ranges for one in day for edge in (one.start, one.end)}
    begin, before = at.astimezone(UTC).replace(second=0, microsecond=0), at.hour * 60 + at.minute
    for n in range(1, SEARCHED // timedelta(minutes=1) + 1):
        later = (begin + timedelta(minutes=n)).astimezone(at.tzinfo)
        minute = later.hour * 60 + later.minute
        if minute in edges or minute != (before + 1) % DAY:
            yield later
        before = minute


def _who(found: Route) -> str:
    if found.announcement:
        then = f"{_THEN[found.announcement.then]} {found.announcement.to}".rstrip()
        return f'No persona answers: Twilio says "{found.announcement.say}" and {then}.'
    if found.persona:
        return f"The persona '{found.persona}' answers."
    return f"Nobody answers: the caller {'hears the busy tone' if found.reason == 'busy' else 'is turned away'}."


def _why(of: Explanation) -> str:
    match of.route.code:
        case "always":
            return "The line has no hours: it is always open."
        case "open":
            special = f" on the holiday '{of.route.holiday}'" if of.route.holiday else ""
            return f"The line is open{special} by the hours '{of.hours}'."
        case "closed":
            return f"The line is closed by the hours '{of.hours}'."
        case "holiday":
            return f"The line is closed for the holiday '{of.route.holiday}' by the hours '{of.hours}'."
        case "denied":
            return "The caller's number begins with a prefix in limits.deny."
        case "not-allowed":
            return "The caller's number begins with no prefix in limits.allow."
        case "country":
            return "The caller's country is not in limits.countries."
        case "per-caller" | "concurrent":
            return "The limits leave no room for the call."
        case _:
            assert_never(of.route.code)


def _caller(of: Explanation) -> str:
    if withheld(of.caller):
        return "a withheld number" if not of.caller else "what counts as a withheld number (one is +14155550199)"
    return f"a number of {of.country or 'no country'}"


def _next(of: Explanation) -> Iterator[str]:
    if of.route.code not in ("open", "closed", "holiday"):
        return
    verb = "closes" if of.route.code == "open" else "opens"
    yield (
        f"It {verb} on {_date(of.change)}." if of.change else f"It {verb} at no time in the next {SEARCHED.days} days."
    )


def _date(at: datetime) -> str:
    """With the offset where the clocks show this time twice."""
    twice = at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()
    return f"{at:%A}, {at.day} {at:%B %Y}, {at:%H:%M}{at.isoformat()[-6:] if twice else ''}"


def _limits(limits: Limits) -> Iterator[str]:
    yield f"a call lasts at most {_length(limits.max_duration_s)}"
    if limits.warn_at_s is not None:
        yield f"the agent is told after {_length(limits.warn_at_s)}"
    if limits.concurrent_calls is not None:
        yield f"at most {_count(limits.concurrent_calls)} at a time"
    if limits.per_caller:
        yield f"at most {_count(limits.per_caller.count)} {_PERIODS[limits.per_caller.per_s]} from one caller"
    if limits.max_cost_usd is not None:
        yield f"a call is ended when its model has cost {limits.max_cost_usd:g} US dollars"
    if limits.deny:
        yield f"nobody from {', '.join(limits.deny)}"
    if limits.allow or limits.countries:
        both = (", ".join(names) for names in (limits.allow, limits.countries) if names)
        yield f"only callers from {' and from '.join(both)}"


def _count(calls: int) -> str:
    return f"{calls} call" if calls == 1 else f"{calls} calls"


def _length(seconds: float) -> str:
    number, unit = (seconds / 60, "minute") if seconds % 60 == 0 else (seconds, "second")
    return f"{number:g} {unit}" if number == 1 else f"{number:g} {unit}s"
