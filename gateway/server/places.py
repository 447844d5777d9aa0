"""How many calls this instance carries at a time.

Each has one place, also while a later stream of it takes over from an earlier one, and so has each stream that has not
yet said whose it is: a burst of handshakes opens no more than there is room for.

Only `start` says whose a stream is. Where no place is free, a few are let in that far all the same: a stream of a call
that is here, noticed as broken or not, needs none, and to be refused could end its call.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

SPARE = 2  # streams at a time, and no more than there are calls; of the four of Cloud Run's slots that are no call's


class Opening:
    """A stream that has not said yet whose it is."""

    __slots__ = ("_places",)

    def __init__(self, places: Places) -> None:
        self._places = places

    def suits(self, call_sid: str) -> bool:
        """Whether it may stay, now that it is known to be of this call."""
        return self._places.settle(self, call_sid)


class Places:
    """`here`: the CallSids of this instance, as they are at each moment."""

    def __init__(self, most: int, here: Collection[str]) -> None:
        self._most = most
        self._here = here
        self._seated: set[Opening] = set()
        self._spare: set[Opening] = set()

    @property
    def full(self) -> bool:
        """Whether a call that isn't here finds no place."""
        return len(self._here) + len(self._seated) >= self._most

    @property
    def crowded(self) -> bool:
        """Whether not even a stream that may be of a call here is let in."""
        return self.full and len(self._spare) >= min(SPARE, len(self._here))

    def free(self, call_sid: str) -> bool:
        """Whether there is a place for this call: one that is here has its own."""
        return call_sid in self._here or not self.full

    @contextmanager
    def opening(self) -> Iterator[Opening]:
        """A stream from its handshake until it is its call's, or gone."""
        opening = Opening(self)
        (self._spare if self.full else self._seated).add(opening)
        try:
            yield opening
        finally:
            self._seated.discard(opening)
            self._spare.discard(opening)

    def settle(self, opening: Opening, call_sid: str) -> bool:
        """See `Opening.suits`. One of another call takes a place that has become free meanwhile."""
        if opening in self._seated or call_sid in self._here:
            return True
        if self.full:
            return False
        self._spare.discard(opening)
        self._seated.add(opening)
        return True
