"""What a schema can't say of one file: references, names in texts, time zones, what is unused.

Rules read completed data (`build.complete`) that the schema may have found fault with: they pass over wrong shapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePath
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from gateway.flow import template
from gateway.flow.model import Finding
from gateway.flow.near import did_you_mean, near
from gateway.flow.source import Data, Path

_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# The texts in which {{name}} is filled in, as ways through a persona.
_TEXTS: tuple[tuple[str, ...], ...] = (("instructions",), ("greeting", "text"), ("idle", "say"))


def judge(data: Data, file: str) -> list[Finding]:
    """Everything the rules have against one file, in no order."""
    findings = [finding for rule in _RULES for finding in rule(data)]
    return [*findings, *_file_name(data, file)]


def entries(data: Data, *keys: str) -> dict[str, Data]:
    """The section at these keys, or nothing where there is none of that shape."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def numbers(data: Data) -> Iterator[tuple[Path, dict[str, Data]]]:
    """The lines of a flow and their places."""
    found = data.get("numbers") if isinstance(data, dict) else None
    for n, number in enumerate(found if isinstance(found, list) else ()):
        if isinstance(number, dict):
            yield ("numbers", n), number


def texts(data: Data) -> Iterator[tuple[Path, str]]:
    """The personas' texts that may hold `{{name}}`, and their places."""
    for name, persona in entries(data, "personas").items():
        for way in _TEXTS:
            text = entries(persona, *way[:-1]).get(way[-1])
            if isinstance(text, str):
                yield ("personas", name, *way), text


def _references(data: Data) -> Iterator[Finding]:
    personas = entries(data, "personas")
    for path, number in numbers(data):
        persona = number.get("persona")
        if isinstance(persona, str) and personas and persona not in personas:
            yield Finding((*path, "persona"), "there is no such persona", did_you_mean(persona, personas))


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
        if isinstance(primary, str) and isinstance(allowed, list) and primary not in allowed:
            path = ("personas", name, "languages", "allowed")
            yield Finding(path, f"the primary language {primary} is missing", f"add {primary}")


def _timezone(data: Data) -> Iterator[Finding]:
    zone = entries(data, "defaults").get("timezone")
    if not isinstance(zone, str):
        return
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        nearest = near(zone, available_timezones())
        hint = f"did you mean '{nearest}'?" if nearest else "such as America/Los_Angeles"
        yield Finding(("defaults", "timezone"), "not a time zone of the tz database", hint)


def _names(data: Data) -> Iterator[Finding]:
    known = (*entries(data, "variables"), *template.BUILT_IN)
    for path, text in texts(data):
        try:
            used = template.names(text)
        except template.TemplateError as error:
            yield Finding(path, error.message, "write {{name}}", piece=error.piece)
            continue
        for name in dict.fromkeys(used):
            if name not in known:
                yield Finding(path, f"there is no name '{name}'", _name_hint(name, known), piece=_hole(text, name))


def _name_hint(name: str, known: tuple[str, ...]) -> str:
    nearest = near(name, known)
    return f"did you mean '{nearest}'?" if nearest else f"add it to variables; known: {', '.join(known)}"


def _hole(text: str, name: str) -> str:
    """The hole of this name as it is written, for the place."""
    match = re.search(r"\{\{\s*" + re.escape(name) + r"\s*\}\}", text)
    return match.group() if match else ""


def _plain_variables(data: Data) -> Iterator[Finding]:
    for name, text in entries(data, "variables").items():
        if isinstance(text, str) and "{{" in text:
            yield Finding(("variables", name), "a variable holds no other name", "write the text out", piece="{{")


def _unused_personas(data: Data) -> Iterator[Finding]:
    if not list(numbers(data)):
        if isinstance(data, dict) and data.get("numbers") == []:
            yield Finding((), "no number leads to this flow", "add one under numbers", "warning")
        return
    used = {number.get("persona") for _, number in numbers(data)}
    for name in entries(data, "personas"):
        if name not in used:
            yield Finding(("personas", name), "no number leads to this persona", "remove it", "warning", "key")


def _unused_variables(data: Data) -> Iterator[Finding]:
    held = " ".join(text for _, text in texts(data))
    for name in entries(data, "variables"):
        if not _hole(held, name):
            yield Finding(("variables", name), "no text names this variable", "remove it", "warning", "key")


def _file_name(data: Data, file: str) -> Iterator[Finding]:
    """A flow that is not named takes its file's name, which must do for one."""
    stem = PurePath(file).stem
    if isinstance(data, dict) and data.get("name") == stem and not _SLUG.fullmatch(stem):
        yield Finding(
            ("name",), "the file's name can't be the flow's", "write name: and lower-case words joined by '-'"
        )


_RULES: tuple[Callable[[Data], Iterator[Finding]], ...] = (
    _references,
    _labels,
    _languages,
    _timezone,
    _names,
    _plain_variables,
    _unused_personas,
    _unused_variables,
)
