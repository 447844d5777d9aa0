"""Durations as people write them: a whole number and its unit (`300ms`, `12s`, `10m`, `2h`, `30d`)."""

from __future__ import annotations

import re

UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_FORM = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")


def milliseconds(text: str) -> int | None:
    """What a duration lasts; None if the text is none."""
    match = _FORM.fullmatch(text)
    return int(match[1]) * UNITS[match[2]] if match else None


def with_unit(number: float | str, example: str, low: str, high: str) -> str:
    """What a bare number most likely means: the unit of the example first, then the first one within the bounds."""
    usual = example.lstrip("0123456789")
    for unit in (usual, *UNITS):
        ms = milliseconds(f"{number}{unit}")
        if ms is not None and (milliseconds(low) or 0) <= ms <= (milliseconds(high) or 0):
            return f"{number}{unit}"
    return example
