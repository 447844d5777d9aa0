"""Rules for what concerns several sections: time zones, announcements, what nobody uses, the file's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import count
from pathlib import PurePath
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from gateway.flow import sections
from gateway.flow.build import ALWAYS
from gateway.flow.model import Finding
from gateway.flow.near import MAX_NEAR, near
from gateway.flow.rules.words import missing
from gateway.flow.sections import entries, numbers
from gateway.flow.source import Data, Path

_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Zones of the tz database that are a fixed offset and never change to daylight saving time.
_FIXED = {"EST": "America/New_York", "MST": "America/Denver", "HST": "Pacific/Honolulu"}
# What a machine's tz database holds beside zones; JavaScript's knows none of it.
_NO_ZONE = re.compile(r"(posix|right)/.*|localtime|posixrules|Factory")


def timezones(written: Data) -> Iterator[Finding]:
    owners = [(("defaults",), entries(written, "defaults")), *numbers(written)]
    owners += [(("hours", name), entries(written, "hours", name)) for name in entries(written, "hours")]
    asked = count()
    for path, owner in owners:
        if isinstance(zone := owner.get("timezone"), str):
            yield from _timezone((*path, "timezone"), zone, asked)


def _timezone(path: Path, zone: str, asked: Iterator[int]) -> Iterator[Finding]:
    if zone in _FIXED or re.fullmatch(r"Etc/GMT[+-]\d+", zone):
        hint = f"such as {_FIXED.get(zone, 'America/New_York')}"
        yield Finding(path, "a fixed offset, which knows no daylight saving time", hint, "warning")
    if not _is_zone(zone):
        hint = _zone_hint(zone) if next(asked) < MAX_NEAR else ""
        yield Finding(path, "not a time zone of the tz database", hint)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return not _NO_ZONE.fullmatch(name)


@cache
def _zones() -> tuple[str, ...]:
    return tuple(sorted(name for name in available_timezones() if "/" in name))  # it reads some 600 files


def _zone_hint(zone: str) -> str:
    """The nearest name of the form Area/City, by its whole or by its city."""
    zones = _zones()
    cities = {name.rsplit("/", 1)[-1]: name for name in reversed(zones)}
    nearest = near(zone, zones, 0.8, len(zones)) or cities.get(near(zone.rsplit("/", 1)[-1], cities, 0.8, len(zones)))
    return f"did you mean '{nearest}'?" if nearest else "such as America/Los_Angeles"


def announcements(written: Data) -> Iterator[Finding]:
    """`to` goes with `then: dial`, and with nothing else."""
    for path, section in sections.announcements(written):
        if "persona" in section:
            continue  # it answers where hours are closed: see rules.hours
        then = section.get("then")
        if then == "dial" and "to" not in section:
            yield missing((*path, "to"))
        elif then in (None, "hangup", "voicemail") and "to" in section:
            yield Finding((*path, "to"), "nobody is dialled without then: dial", "add it, or remove this", at="key")


def loops(data: Data) -> Iterator[Finding]:
    """A line that dials itself when nobody answers it: the call would go round for ever. Several: `flow.rings`."""
    for path, number in numbers(data):
        own, hours = number.get("number"), number.get("hours")
        ways: list[tuple[Path, Data]] = [((*path, "fallback", "to"), entries(number, "fallback").get("to"))]
        if isinstance(hours, str):
            ways.append((("hours", hours, "closed", "to"), entries(data, "hours", hours, "closed").get("to")))
        for place, to in ways:
            if isinstance(to, str) and to == own:
                yield Finding(place, "this is a line that would dial itself", "write another number")


def unused(data: Data) -> Iterator[Finding]:
    """Personas and hours to which no number leads. A misspelt name may mean any of them: then nothing is said."""
    lines = [number for _, number in numbers(data)]
    if not lines:
        if isinstance(data, dict) and data.get("numbers") == []:
            yield Finding((), "no number leads to this flow", "add one under numbers", "warning")
        return
    hours, personas = {*entries(data, "hours")}, {*entries(data, "personas")}
    followed = _texts(line.get("hours") for line in lines) - {ALWAYS}
    answering = _texts(line.get("persona") for line in lines)
    answering |= _texts(entries(data, "hours", name, "closed").get("persona") for name in followed)
    if not followed <= hours:
        return
    for name in hours - followed:
        yield Finding(("hours", name), "no number follows these hours", "remove them", "warning", "key")
    for name in personas - answering if answering <= personas else ():
        yield Finding(("personas", name), "no number leads to this persona", "remove it", "warning", "key")


def _texts(values: Iterable[Data]) -> set[str]:
    return {value for value in values if isinstance(value, str)}


def file_name(data: Data, file: str) -> Iterator[Finding]:
    """A flow that is not named takes its file's name, which must do for one."""
    stem = PurePath(file).stem
    if isinstance(data, dict) and data.get("name") == stem and not _SLUG.fullmatch(stem):
        word = re.sub("[^a-z0-9]+", "-", stem.lower())[:63].strip("-")
        hint = f"write name: {word}" if word else "write name: and lower-case words joined by '-'"
        yield Finding(("name",), "the file's name can't be the flow's", hint)
