"""Rules for `numbers`: each line has one number or looks for one, and names what exists."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.flow.build import ALWAYS
from gateway.flow.countries import calling_codes
from gateway.flow.model import Finding
from gateway.flow.rules.words import missing, strangers
from gateway.flow.schema import at
from gateway.flow.sections import entries, items, numbers
from gateway.flow.source import Data, Path

_WITH_AREA_CODES = (
    "US",
    "CA",
)  # Twilio's AvailablePhoneNumbers: AreaCode is for these two alone
# Codes that people write for a country and that ISO 3166 has not given to any.
_MEANT = {"UK": "GB", "EN": "GB", "EL": "GR", "JA": "JP", "DA": "DK", "CS": "CZ"}


def judge(written: Data) -> Iterator[Finding]:
    yield from _references(written)
    yield from _labels(written)
    for path, number in numbers(written):
        yield from _one_of_two(path, number)
        yield from _area_code(path, number)
        yield from _language(path, number, written)


def unknown_country(path: Path, code: Data) -> Iterator[Finding]:
    """What is no code of two capitals is the schema's to refuse."""
    if isinstance(code, str) and re.fullmatch("[A-Z]{2}", code) and code not in calling_codes().values():
        hint = f"did you mean '{_MEANT[code]}'?" if code in _MEANT else f"such as {at(path)['examples'][0]}"
        yield Finding(path, "there is no country with this code", hint)


def _references(written: Data) -> Iterator[Finding]:
    lines = list(numbers(written))
    if personas := entries(written, "personas"):
        named = (((*path, "persona"), number.get("persona")) for path, number in lines)
        yield from strangers(named, personas, "there is no such persona")
    named = (((*path, "hours"), number.get("hours")) for path, number in lines)
    shared = (("defaults", "hours"), entries(written, "defaults").get("hours"))
    hours = entries(written, "hours")
    message, otherwise = "there are no such hours", f"add them under hours, or write {ALWAYS}"
    follows = [(path, name) for path, name in (shared, *named) if name != ALWAYS]
    yield from strangers(follows, hours and {*hours, ALWAYS}, message, otherwise)


def _labels(written: Data) -> Iterator[Finding]:
    seen: dict[str, Path] = {}
    for path, number in numbers(written):
        label = number.get("label")
        if isinstance(label, str) and seen.setdefault(label, path) is not path:
            first = f"numbers[{seen[label][-1]}]"
            yield Finding((*path, "label"), f"{first} has this label already", "a label names one line")


def _one_of_two(path: Path, number: dict[str, Data]) -> Iterator[Finding]:
    if "number" not in number and "search" not in number:
        yield missing((*path, "number"), ", or search for one")
    elif "number" in number and "search" in number:
        message = "this line has a number already"
        yield Finding((*path, "search"), message, "remove number or search", at="key")


def _area_code(path: Path, number: dict[str, Data]) -> Iterator[Finding]:
    search = entries(number, "search")
    country, path = search.get("country"), (*path, "search")
    yield from unknown_country((*path, "country"), country)
    if "area_code" in search and country not in _WITH_AREA_CODES and country in calling_codes().values():
        message = "only numbers of the United States and Canada have an area code here"
        yield Finding((*path, "area_code"), message, "remove it, or say what the number contains")


def _language(path: Path, number: dict[str, Data], written: Data) -> Iterator[Finding]:
    """A line in a language to which a persona that answers it must not change, by day or when it is closed."""
    language, named = number.get("language"), number.get("hours", entries(written, "defaults").get("hours"))
    closed = entries(written, "hours", named, "closed").get("persona") if isinstance(named, str) else None
    for persona in (number.get("persona"), closed):
        allowed = items(written, "personas", persona, "languages", "allowed") if isinstance(persona, str) else []
        if isinstance(language, str) and allowed and language not in allowed:
            hint = f"add it to personas.{persona}.languages.allowed"
            when = " when it is closed" if persona == closed else ""
            yield Finding((*path, "language"), f"the persona that answers{when} does not speak it", hint)
            return
