"""Rules for `hours`: days and times that contradict each other, and who is closed. Holidays: see `rules.holidays`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.flow.hours import CLOSED, DAY, DAYS, span, weekdays
from gateway.flow.model import Finding
from gateway.flow.rules import holidays
from gateway.flow.rules.words import strangers
from gateway.flow.schema import at
from gateway.flow.sections import entries
from gateway.flow.source import Data, Path


@dataclass(frozen=True, slots=True)
class _Open:
    """A range of times where it is written, in minutes after midnight of the day it begins on."""

    start: int
    end: int
    path: Path


def judge(written: Data) -> Iterator[Finding]:
    personas = entries(written, "personas")
    closed = []
    for name in entries(written, "hours"):
        path, hours = ("hours", name), entries(written, "hours", name)
        yield from _week((*path, "weekly"), hours)
        yield from holidays.judge((*path, "holidays"), hours.get("holidays"))
        for place, times in holidays.opened((*path, "holidays"), hours.get("holidays")):
            yield from _day(place, times)
        if "closed" in hours and isinstance(who := hours["closed"], dict):
            yield from _who((*path, "closed"), who)
            closed.append(((*path, "closed", "persona"), who.get("persona")))
    if personas:
        yield from strangers(closed, personas, "there is no such persona")


def _week(path: Path, hours: Mapping[str, Data]) -> Iterator[Finding]:
    weekly = entries(dict(hours), "weekly")
    days: dict[int, str] = {}
    for key, times in weekly.items():
        yield from _pointless((*path, key), times)
        twice = [day for day in _weekdays(key) if days.setdefault(day, key) != key]
        for day in twice[:1]:
            message = f"'{days[day]}' holds {DAYS[day]} already"
            yield Finding((*path, key), message, "name each day once", at="key")
    yield from _overlaps({day: _times((*path, key), weekly[key]) for day, key in days.items()})
    opens = [times for times in weekly.values() if times != CLOSED]
    opens += [times for _, times in holidays.opened(path, hours.get("holidays"))]
    if weekly and not opens:
        yield Finding(path, "no day is open", "write the times of one, such as mon-fri: 09:00-18:00", "warning")


def _weekdays(key: str) -> tuple[int, ...]:
    return weekdays(key) if all(day in DAYS for day in key.split("-")) and key.count("-") < 2 else ()


def _day(path: Path, times: Data) -> Iterator[Finding]:
    yield from _pointless(path, times)
    yield from _overlaps({0: _times(path, times)})


def _written(path: Path, times: Data) -> Iterator[tuple[Path, str]]:
    """The texts of one day's ranges."""
    if isinstance(times, str):
        yield path, times
    for n, text in enumerate(times if isinstance(times, list) else ()):
        if isinstance(text, str):
            yield (*path, n), text


def _times(path: Path, times: Data) -> list[_Open]:
    """One day's ranges in order; what is none is passed over."""
    found = []
    for place, text in _written(path, times):
        if _is_range(text) and text[:5] != text[6:]:
            found.append(_Open(span(text).start, span(text).end, place))
    return sorted(found, key=lambda one: one.start)


def _is_range(text: str) -> bool:
    try:
        span(text)
    except ValueError:
        return False
    return True


def _pointless(path: Path, times: Data) -> Iterator[Finding]:
    for place, text in _written(path, times):
        if _is_range(text) and text[:5] == text[6:]:
            yield Finding(place, "it begins when it ends", "the whole day is 00:00-24:00")


def _overlaps(days: Mapping[int, Sequence[_Open]]) -> Iterator[Finding]:
    """Ranges that begin before an earlier one is over; also the last of a day and the first of the next."""
    told: set[Path] = set()
    for day in sorted(days):
        before = max((one.end - DAY for one in days.get((day - 1) % 7, ())), default=0)
        until = 0
        for one in days[day]:
            if one.start < until and one.path not in told:
                yield Finding(one.path, "overlaps another range of its day", "join the two")
                told.add(one.path)
            elif one.start < before and one.path not in told:
                message = "begins before a range of the day before has ended"
                yield Finding(one.path, message, "let one end where the other begins")
                told.add(one.path)
            until = max(until, one.end)


def _who(path: Path, closed: dict[str, Data]) -> Iterator[Finding]:
    """A persona answers, or Twilio says something and acts: one of the two."""
    if "persona" not in closed and "say" not in closed:
        example = f"write persona: {at((*path, 'persona'))['examples'][0]}, or say: and what callers hear"
        yield Finding(path, "nobody answers and nothing is said", example, at="key")
    elif "persona" in closed:
        for key in ("say", "then", "to"):
            if key in closed:
                message = "it has no effect where a persona answers"
                yield Finding((*path, key), message, "remove one of the two", at="key")
