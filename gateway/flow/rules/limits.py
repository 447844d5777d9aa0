"""Rules for `limits`: what contradicts itself, or holds back everyone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set

from gateway.flow.countries import calling_codes
from gateway.flow.durations import milliseconds
from gateway.flow.model import Finding
from gateway.flow.rules.lines import unknown_country
from gateway.flow.sections import entries, items
from gateway.flow.source import Data

_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")


def judge(data: Data) -> Iterator[Finding]:
    limits = entries(data, "limits")
    yield from _warning_after_the_end(limits)
    countries = items(limits, "countries")
    for n, code in enumerate(countries):
        yield from unknown_country(("limits", "countries", n), code)
    yield from _nobody(limits)


def _warning_after_the_end(limits: dict[str, Data]) -> Iterator[Finding]:
    warn_at, end = _length(limits.get("warn_at")), _length(limits.get("max_duration"))
    if warn_at is not None and end is not None and warn_at >= end:
        yield Finding(("limits", "warn_at"), "the call has ended by then", "make it shorter than max_duration")


def _length(duration: Data) -> int | None:
    return milliseconds(duration) if isinstance(duration, str) else None


def _nobody(limits: dict[str, Data]) -> Iterator[Finding]:
    """Entries that let nobody in, as another key keeps them out."""
    allow, deny = _prefixes(limits, "allow"), set(_prefixes(limits, "deny").values())
    countries = {code for code in items(limits, "countries") if isinstance(code, str)}
    for n, prefix in allow.items():
        path = ("limits", "allow", n)
        if _covered(prefix, deny):
            yield Finding(path, "limits.deny keeps all of them out", "remove one of the two", "warning")
        elif countries and not countries & _countries(prefix[1:]):
            yield Finding(path, "these numbers lie in none of limits.countries", "add their country", "warning")
    closed = _closed(deny) if deny and countries else set()
    for n, code in enumerate(items(limits, "countries")):
        if isinstance(code, str) and code in closed:
            path = ("limits", "countries", n)
            yield Finding(path, "limits.deny keeps all of it out", "remove one of the two", "warning")


def _prefixes(limits: dict[str, Data], key: str) -> dict[int, str]:
    """Those that the schema takes, by their places."""
    found = enumerate(items(limits, key))
    return {n: text for n, text in found if isinstance(text, str) and _PREFIX.fullmatch(text)}


def _covered(prefix: str, by: Set[str]) -> bool:
    return any(prefix[:length] in by for length in range(2, len(prefix) + 1))


def _closed(deny: Set[str]) -> set[str]:
    """The countries of which no number is left."""
    codes = calling_codes()
    return {*codes.values()} - {country for digits, country in codes.items() if not _covered(f"+{digits}", deny)}


def _countries(digits: str) -> set[str]:
    """Those in which a number that begins with these digits may lie."""
    codes = calling_codes()
    within = {country for code, country in codes.items() if code.startswith(digits)}
    longest = max((code for code in codes if digits.startswith(code)), key=len, default="")
    return within | ({codes[longest]} if longest else set())
