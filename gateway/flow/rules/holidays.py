"""Rules for `hours.<name>.holidays`: days that don't exist, and days that an earlier entry holds already."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from gateway.flow.hours import CLOSED, days
from gateway.flow.model import Finding
from gateway.flow.sections import entries
from gateway.flow.source import Data, Path

_DAY = re.compile(r"([0-9]{4}-)?[0-9]{2}-[0-9]{2}")
_LEAP = 2000  # a year that has every day
_FIRST, _LAST = date(_LEAP, 1, 1).toordinal(), date(_LEAP, 12, 31).toordinal()
MAX_DAYS = 366  # of one holiday that are looked at one by one


def judge(path: Path, holidays: Data) -> Iterator[Finding]:
    seen = _Calendar()
    for place, written in _dates(path, holidays):
        first, last = days(written)
        if not (_DAY.fullmatch(first) and _DAY.fullmatch(last)):
            continue  # the schema's to refuse
        begins, ends = _day(first), _day(last)
        if begins is None or ends is None:
            yield Finding(place, "there is no such day", "check the month and the day")
        elif len(first) != len(last):
            yield Finding(place, "only one side has a year", "write it on both sides, or on neither")
        elif len(first) == len("2026-12-25") and ends < begins:
            yield Finding(place, "it ends before it begins", "swap the two, or check the years")
        elif (first, last) in seen.written:
            yield Finding(place, f"{seen.written[first, last]} has the same days", "remove one")
        else:
            seen.written[first, last] = f"holidays[{_index(place, path)}]"
            if seen.holds(first, begins, ends):
                hint = "the first counts: put this one above it"
                yield Finding(place, "earlier holidays have all of these days already", hint, "warning")


def opened(path: Path, holidays: Data) -> Iterator[tuple[Path, Data]]:
    """The times of holidays on which somebody answers all the same."""
    for n, holiday in enumerate(holidays if isinstance(holidays, list) else ()):
        times = entries(holiday).get("open", CLOSED)
        if times != CLOSED:
            yield (*path, n, "open"), times


def _dates(path: Path, holidays: Data) -> Iterator[tuple[Path, str]]:
    for n, holiday in enumerate(holidays if isinstance(holidays, list) else ()):
        short = isinstance(holiday, str)
        written = holiday if short else entries(holiday).get("date")
        if isinstance(written, str):
            yield (*path, n) if short else (*path, n, "date"), written


def _index(place: Path, path: Path) -> int | str:
    return place[len(path)]


def _day(written: str) -> date | None:
    """The day; one of every year is that of a leap year. None where there is none."""
    try:
        return date.fromisoformat(written if len(written) == len("2026-12-25") else f"{_LEAP}-{written}")
    except ValueError:
        return None


@dataclass(slots=True)
class _Calendar:
    """The days of the holidays so far, as ordinals; those of every year as days of a leap year."""

    written: dict[tuple[str, str], str] = field(default_factory=dict)
    once: set[int] = field(default_factory=set)
    yearly: set[int] = field(default_factory=set)

    def holds(self, first: str, begins: date, ends: date) -> bool:
        """Whether all days of one more holiday are there already; they are from now on."""
        start, end = begins.toordinal(), ends.toordinal()
        if len(first) != len("2026-12-25"):
            over = [*range(start, _LAST + 1), *range(_FIRST, end + 1)]
            return _holds(self.yearly, range(start, end + 1) if start <= end else over)
        if end - start >= MAX_DAYS:
            return False
        every = all(self._each_year(ordinal) for ordinal in range(start, end + 1)) if self.yearly else False
        return _holds(self.once, range(start, end + 1)) or every

    def _each_year(self, ordinal: int) -> bool:
        return date.fromordinal(ordinal).replace(year=_LEAP).toordinal() in self.yearly


def _holds(known: set[int], more: range | list[int]) -> bool:
    held = known.issuperset(more)
    known.update(more)
    return held
