"""Opening hours as people write them: `mon-fri`, `09:00-18:00`, `2026-12-24 to 2027-01-02`. What they mean for a
moment is `flow.route`'s."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gateway.flow.model import Range

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60  # minutes
CLOSED = "closed"
_RANGE = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")


def week(weekly: Mapping[str, str | Sequence[str]]) -> tuple[tuple[Range, ...], ...]:
    """The ranges of the seven days, Monday first, each day's in order."""
    found: list[tuple[Range, ...]] = [()] * len(DAYS)
    for key, written in weekly.items():
        for day in weekdays(key):
            found[day] = ranges(written)
    return tuple(found)


def weekdays(key: str) -> tuple[int, ...]:
    """The days that `mon` or `fri-mon` names, Monday 0; a range may run over Sunday."""
    first, _, last = key.partition("-")
    start, end = DAYS.index(first), DAYS.index(last or first)
    return tuple((start + n) % 7 for n in range((end - start) % 7 + 1))


def ranges(written: str | Sequence[str]) -> tuple[Range, ...]:
    """The ranges of one day, in order; `closed` has none."""
    texts = () if written == CLOSED else (written,) if isinstance(written, str) else written
    return tuple(sorted((span(text) for text in texts), key=lambda one: one.start))


def span(text: str) -> Range:
    """`22:00-06:00` ends on the next day. Raises ValueError where the text is no range."""
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError("not a range of times")
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    return Range(start, end if end > start else end + DAY)


def days(written: str) -> tuple[str, str]:
    """The first and the last day of `2026-12-25` or `12-24 to 01-02`."""
    first, _, last = written.partition(" to ")
    return first, last or first
