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
    """A stream from its handshake until it is in the list of calls, or gone. `call_sid`: "" until it says."""

    __slots__ = ("_places", "call_sid")

    def __init__(self, places: Places) -> None:
        self._places = places
        self.call_sid = ""

    def suits(self, call_sid: str) -> bool:
        """Whether it may stay, now that it says whose it is: its call is here, or has found a place."""
        if fits := self._places.takes(call_sid):
            self.call_sid = call_sid
        return fits


class Places:
    """`here`: the CallSids of this instance, as they are at each moment."""

    def __init__(self, most: int, here: Collection[str]) -> None:
        self._most = most
        self._here = here
        self._openings: set[Opening] = set()

    def free(self, call_sid: str) -> bool:
        """Whether there is a place for this call: one that is here has its own."""
        calls = self._calls()
        return call_sid in calls or len(calls) + self._unknown() < self._most

    @property
    def crowded(self) -> bool:
        """Whether not even a stream that may be of a call here is let in."""
        calls = len(self._calls())
        return calls + self._unknown() >= self._most + min(SPARE, calls)

    def takes(self, call_sid: str) -> bool:
        """Whether a stream of this call may become one of it: of those that were let in, the first to start is."""
        calls = self._calls()
        return call_sid in calls or len(calls) < self._most

    @contextmanager
    def opening(self) -> Iterator[Opening]:
        """A stream that was let in."""
        opening = Opening(self)
        self._openings.add(opening)
        try:
            yield opening
        finally:
            self._openings.discard(opening)

    def _calls(self) -> set[str]:
        """Those here, and those whose stream is on its way: in a takeover a call is both, or only the latter."""
        return {*self._here, *(opening.call_sid for opening in self._openings if opening.call_sid)}

    def _unknown(self) -> int:
        return sum(not opening.call_sid for opening in self._openings)
