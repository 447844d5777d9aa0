"""What a text of the wrong shape most likely means: `9-17` is 09:00-17:00, `25.12.` is 12-25. A guess is shown only
where the schema takes it; an empty one is none."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

_CLOCK = re.compile(r"([0-9]{1,2})(?:[:.h]([0-9]{2}))? *(am|pm)?")
_AMOUNT = re.compile(r"([0-9]{1,6}) *([a-z]+)\.?")
_UNITS = {
    **dict.fromkeys(("ms", "msec", "millisecond"), "ms"),
    **dict.fromkeys(("s", "sec", "second"), "s"),
    **dict.fromkeys(("m", "min", "minute"), "m"),
    **dict.fromkeys(("h", "hr", "hour"), "h"),
    **dict.fromkeys(("d", "day"), "d"),
}
_RATE = re.compile(r"([0-9]{1,6}) *(?:calls? *)?(?:/|per|an?|each|every) *([a-z]+)")
_DAYS = {
    **dict.fromkeys(("weekday", "weekdays", "workdays", "working days"), "mon-fri"),
    **dict.fromkeys(("weekend", "weekends"), "sat-sun"),
    **dict.fromkeys(("daily", "every day", "everyday", "all days", "all week"), "mon-sun"),
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_FIRST = re.compile(r"([0-9]{1,2})\.? +([a-z]{3})[a-z]*\.?,?(?: +([0-9]{4}))?")  # 25 December 2026
_MONTH_FIRST = re.compile(r"([a-z]{3})[a-z]*\.? +([0-9]{1,2})(?:,? +([0-9]{4}))?")  # December 25, 2026
_POINTS = re.compile(r"([0-9]{1,2})\. ?([0-9]{1,2})\.(?: ?([0-9]{4}))?")  # 25.12.2026
_SLASHES = re.compile(r"([0-9]{1,2})/([0-9]{1,2})(?:/([0-9]{4}))?")  # 25/12/2026, 12/25/2026
_YEAR_FIRST = re.compile(r"([0-9]{4})[/.]([0-9]{1,2})[/.]([0-9]{1,2})")  # 2026/12/25


def language(written: str) -> str:
    """`en_us`, `EN-us`."""
    parts = re.split("[-_]", written)
    shaped = [parts[0].lower(), *(part.title() if len(part) == 4 else part.upper() for part in parts[1:])]
    return "-".join(shaped)


def times(written: str) -> str:
    """`9-17`, `9:00 - 17:00`, `9am to 5pm`, and `9-5`, which ends in the afternoon."""
    sides = [_CLOCK.fullmatch(side.strip()) for side in re.split("-|\u2013|to", written.lower())]
    if len(sides) != 2 or sides[0] is None or sides[1] is None:
        return ""
    start, end = (int(side[1]) % 12 + 12 * (side[3] == "pm") if side[3] else int(side[1]) for side in sides if side)
    if not (sides[0][3] or sides[1][3]) and end < start < end + 12:
        end += 12
    return f"{start:02}:{sides[0][2] or '00'}-{end:02}:{sides[1][2] or '00'}"


def days(written: str) -> str:
    """`Monday`, `Mon-Fri`, `Monday to Friday`, `weekdays`."""
    words = written.strip().lower()
    sides = re.split(" *(?:-|\u2013| to ) *", words)
    return _DAYS.get(words, "-".join(re.sub("([a-z]{3})[a-z]*", r"\1", side) for side in sides))


def tool(written: str) -> str:
    """`say-goodbye`, `Say goodbye`."""
    return re.sub("[^a-z0-9]+", "_", written.lower()).strip("_")


def phone(written: str) -> str:
    """`+41 44 555 01 00`, `+41 (0)44 555 01 00`, `0041445550100`; of a prefix also `+1900*`."""
    digits = re.sub(r"[\s().\-/*]", "", written.replace("(0)", ""))
    return re.sub("^00", "+", digits)


def duration(written: str) -> str:
    """`14 minutes`, `12 s`."""
    match = _AMOUNT.fullmatch(written.strip().lower())
    return f"{match[1]}{unit}" if match and (unit := _unit(match[2])) else ""


def rate(written: str) -> str:
    """`10 per hour`, `10 calls a day`, `10/hour`."""
    match = _RATE.fullmatch(written.strip().lower())
    return f"{int(match[1])}/{unit}" if match and (unit := _unit(match[2])) else ""


def dates(written: str) -> str:
    """`25.12.2026`, `Dec 25`, `2026/12/25`, and two of them with a dash between. Of `05/06` nobody knows the month."""
    text = written.strip().lower()
    sides = re.split(r" +(?:-|\u2013|to|until) +|\u2013", text)
    found = [_date(side.strip()) for side in sides]
    return " to ".join(found) if len(found) < 3 and all(found) else ""


def _date(text: str) -> str:
    if re.fullmatch("([0-9]{4}-)?[0-9]{2}-[0-9]{2}", text):
        return text
    if match := _YEAR_FIRST.fullmatch(text):
        return _day(match[1], match[2], match[3])
    if match := _POINTS.fullmatch(text):
        return _day(match[3], match[2], match[1])
    if match := _DAY_FIRST.fullmatch(text):
        return _day(match[3], _month(match[2]), match[1])
    if match := _MONTH_FIRST.fullmatch(text):
        return _day(match[3], _month(match[1]), match[2])
    match = _SLASHES.fullmatch(text)
    ways = {_day(match[3], match[1], match[2]), _day(match[3], match[2], match[1])} - {""} if match else set()
    return ways.pop() if len(ways) == 1 else ""


def _day(year: str | None, month: str | int, day: str) -> str:
    try:
        found = date(int(year or 2000), int(month), int(day)).isoformat()  # 2000 has every day
    except ValueError:
        return ""
    return found if year else found[5:]


def _month(word: str) -> int:
    return _MONTHS.index(word) + 1 if word in _MONTHS else 0


def _unit(word: str) -> str:
    return _UNITS.get(word, "") or _UNITS.get(word.removesuffix("s"), "")


# By what is said of the text (`patternErrorMessage`).
GUESS: dict[str, Callable[[str], str]] = {
    "not a language code": language,
    "not a range of times": times,
    "not a country's code of two capitals (ISO 3166)": str.upper,
    "not a day of the week, such as mon, or mon-fri": days,
    "not a phone number in E.164": phone,
    "not the beginning of a phone number in E.164": phone,
    "a tool's name holds lower-case letters, digits and '_', and starts with a letter": tool,
    "not a duration": duration,
    "not a rate": rate,
    "not a date": dates,
}
