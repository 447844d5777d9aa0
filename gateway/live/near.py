"""Which known name somebody most likely meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MAX_NAME = 80  # characters: what is longer is no slip


def near(name: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """The nearest of the known names, whatever their case; empty where none is like it."""
    if len(name) > MAX_NAME:
        return ""
    folded = {candidate.lower(): candidate for candidate in known}
    nearest = get_close_matches(name.lower(), list(folded), n=1, cutoff=likeness)
    return folded[nearest[0]] if nearest else ""
