"""What a schema can't say of one file: references, time zones, what is unused. For texts with {{…}} see `speech`.

Rules read completed data (`build.complete`) that the schema may have found fault with: they pass over wrong shapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePath
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from gateway.flow import speech
from gateway.flow.model import Finding
from gateway.flow.near import did_you_mean, near
from gateway.flow.schema import at
from gateway.flow.source import Data, Path
from gateway.flow.speech import entries

_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Zones of the tz database that are a fixed offset and never change to daylight saving time.
_FIXED = {"EST": "America/New_York", "MST": "America/Denver", "HST": "Pacific/Honolulu"}


def judge(data: Data, file: str, written: Data = None) -> list[Finding]:
    """Everything the rules have against one file, in no order. `written` is its data before it was completed."""
    findings = [finding for rule in _RULES for finding in rule(data)]
    return [*findings, *_file_name(data, file), *_overruled(written)]


def numbers(data: Data) -> Iterator[tuple[Path, dict[str, Data]]]:
    """The lines of a flow and their places."""
    found = data.get("numbers") if isinstance(data, dict) else None
    for n, number in enumerate(found if isinstance(found, list) else ()):
        if isinstance(number, dict):
            yield ("numbers", n), number


def _references(data: Data) -> Iterator[Finding]:
    personas = entries(data, "personas")
    lost = 0
    for path, number in numbers(data):
        persona = number.get("persona")
        if isinstance(persona, str) and personas and persona not in personas:
            lost += 1
            hint = did_you_mean(persona, personas) if lost <= speech.MAX_NEAR else ""
            yield Finding((*path, "persona"), "there is no such persona", hint)


def _labels(data: Data) -> Iterator[Finding]:
    seen: dict[str, Path] = {}
    for path, number in numbers(data):
        label = number.get("label")
        if isinstance(label, str) and seen.setdefault(label, path) is not path:
            first = f"numbers[{seen[label][-1]}]"
            yield Finding((*path, "label"), f"{first} has this label already", "a label names one line")


def _languages(data: Data) -> Iterator[Finding]:
    for name, persona in entries(data, "personas").items():
        languages = entries(persona, "languages")
        primary, allowed = languages.get("primary"), languages.get("allowed")
        codes = [primary, *allowed] if isinstance(allowed, list) else []
        if codes and primary not in codes[1:] and all(_is_code(code) for code in codes):
            path = ("personas", name, "languages", "allowed")
            yield Finding(path, "the primary language is missing", "add it")


def _is_code(code: Data) -> bool:
    """Whether nobody else has something against a language."""
    pattern = at(("defaults", "language"))["pattern"]
    return isinstance(code, str) and "${" not in code and re.search(pattern, code) is not None


def _timezone(data: Data) -> Iterator[Finding]:
    zone = entries(data, "defaults").get("timezone")
    if not isinstance(zone, str):
        return
    path = ("defaults", "timezone")
    if better := _FIXED.get(zone):
        yield Finding(path, "a fixed offset, which knows no daylight saving time", f"such as {better}", "warning")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield Finding(path, "not a time zone of the tz database", _zone_hint(zone))


def _zone_hint(zone: str) -> str:
    """The nearest name of the form Area/City, by its whole or by its city."""
    zones = sorted(name for name in available_timezones() if "/" in name)
    cities = {name.rsplit("/", 1)[-1]: name for name in reversed(zones)}
    nearest = near(zone, zones, 0.8, len(zones)) or cities.get(near(zone.rsplit("/", 1)[-1], cities, 0.8, len(zones)))
    return f"did you mean '{nearest}'?" if nearest else "such as America/Los_Angeles"


def _unused_personas(data: Data) -> Iterator[Finding]:
    if not list(numbers(data)):
        if isinstance(data, dict) and data.get("numbers") == []:
            yield Finding((), "no number leads to this flow", "add one under numbers", "warning")
        return
    used = {number.get("persona") for _, number in numbers(data)}
    for name in entries(data, "personas"):
        if name not in used:
            yield Finding(("personas", name), "no number leads to this persona", "remove it", "warning", "key")


def _file_name(data: Data, file: str) -> Iterator[Finding]:
    """A flow that is not named takes its file's name, which must do for one."""
    stem = PurePath(file).stem
    if isinstance(data, dict) and data.get("name") == stem and not _SLUG.fullmatch(stem):
        word = re.sub("[^a-z0-9]+", "-", stem.lower())[:63].strip("-")
        hint = f"write name: {word}" if word else "write name: and lower-case words joined by '-'"
        yield Finding(("name",), "the file's name can't be the flow's", hint)


def _overruled(written: Data) -> Iterator[Finding]:
    """A greeting that says it may be interrupted, where nothing may be."""
    for name, persona in entries(written, "personas").items():
        if entries(persona, "barge_in").get("enabled") is not False:
            continue
        if entries(persona, "greeting").get("interruptible") is True:
            path = ("personas", name, "greeting", "interruptible")
            yield Finding(path, "it has no effect while barge_in is off", "remove one of the two", "warning")


_RULES: tuple[Callable[[Data], Iterator[Finding]], ...] = (
    _references,
    _labels,
    _languages,
    _timezone,
    _unused_personas,
)
