"""Which known word somebody most likely meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

MAX_KNOWN = 256  # words that a search looks at: more are written by a program, which makes no slips
MAX_NEAR = 50  # unknown words of one file and kind for which a neighbour is looked for: each takes a search
MAX_WORD = 80  # characters: a longer word is a sentence


def near(word: str, known: Iterable[str], likeness: float = 0.6, most: int = MAX_KNOWN) -> str:
    """The nearest known word, or nothing. Case and '-' for '_' don't count as a difference."""
    if len(word) > MAX_WORD:
        return ""
    plain = {name.lower().replace("-", "_"): name for name in islice(known, most)}
    found = get_close_matches(word.lower().replace("-", "_"), plain, 1, likeness)
    return plain[found[0]] if found else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint for a word that is not known: its neighbour, else all there are if they are few, else nothing."""
    names = sorted(known)
    if nearest := near(word, names):
        return f"did you mean '{nearest}'?"
    return f"known here: {', '.join(names)}" if 0 < len(names) <= 12 else ""
