"""The agent ends the call: its last words are heard, then the line closes.

    OPEN        nothing was asked for
    ASKED       the agent asked for the end; its last words are due, unless it has said them already
    LAST_WORDS  it says them, or has no more to say
    OVER        they were heard, or took too long: hang up

A caller who speaks into the last words has something to say: the line stays open, and the agent asks again.
"""

from __future__ import annotations

from enum import Enum, auto

BEGIN_S = 4.0  # from the request, or from the end of what is playing then, to the first of the last words
HEARD_S = 10.0  # from the last sound to its being heard: marks get lost, and so does the end of a turn
LONGEST_S = 30.0  # in all: an agent who never comes to an end is cut short


class _State(Enum):
    OPEN = auto()
    ASKED = auto()
    LAST_WORDS = auto()
    OVER = auto()


class Farewell:
    """`waits`: the model waits for its tools, so that a turn which ends after the request is its last one. Time is
    seconds, monotonic; `free_at` is when the sound sent so far will have been played."""

    __slots__ = ("_asked_at", "_since", "_state", "_waits")

    def __init__(self, waits: bool) -> None:
        self._waits = waits
        self._state = _State.OPEN
        self._asked_at = 0.0
        self._since = 0.0

    def asked(self, now: float) -> None:
        """The agent asked for the end of the call, and was answered. Once more is nothing new."""
        if self._state is _State.OPEN:
            self._state, self._asked_at, self._since = _State.ASKED, now, now

    def sound(self, now: float) -> None:
        """A piece of the agent's sound came."""
        if self.closing:
            self._state, self._since = _State.LAST_WORDS, now

    def complete(self, now: float, *, quiet: bool) -> None:
        """The agent's turn is complete; `quiet`: and nothing of it is still to be heard."""
        if self._state is _State.ASKED and self._waits:
            self._state, self._since = _State.LAST_WORDS, now
        if quiet:
            self.heard()

    def heard(self) -> None:
        """The agent's turn was heard to its end."""
        if self._state is _State.LAST_WORDS:
            self._state = _State.OVER

    def interrupted(self) -> bool:
        """The caller barged in: the line stays open. Whether it was about to close."""
        closing = self.closing
        if closing:
            self._state = _State.OPEN
        return closing

    def over(self, now: float, free_at: float) -> bool:
        """Whether the line is to close now."""
        due = self.deadline(free_at)
        if due is not None and now >= due:
            self._state = _State.OVER
        return self._state is _State.OVER

    def deadline(self, free_at: float) -> float | None:
        """When the line closes by time alone; None where it doesn't."""
        if not self.closing:
            return None
        patience = BEGIN_S if self._state is _State.ASKED else HEARD_S
        return min(max(self._since, free_at) + patience, self._asked_at + LONGEST_S)

    @property
    def closing(self) -> bool:
        """Whether the end was asked for and has not come yet."""
        return self._state in (_State.ASKED, _State.LAST_WORDS)
