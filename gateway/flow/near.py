"""Which known word somebody most likely meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def near(word: str, known: Iterable[str]) -> str:
    """The nearest known word, or nothing. Case and '-' for '_' don't count as a difference."""
    plain = {name.lower().replace("-", "_"): name for name in known}
    found = get_close_matches(word.lower().replace("-", "_"), plain, 1, 0.6)
    return plain[found[0]] if found else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint for a word that is not known: its neighbour, else all there are if they are few, else nothing."""
    names = sorted(known)
    if nearest := near(word, names):
        return f"did you mean '{nearest}'?"
    return f"known here: {', '.join(names)}" if 0 < len(names) <= 12 else ""
