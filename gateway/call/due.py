"""What the model owes, and how far it is pressed where it says nothing: a nudge, the session by its handle, a fresh
one, the end."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from gateway.live import cues

Cue = Callable[[str], str]  # what is told; it is given what was said before, where the session doesn't know it


class Step(IntEnum):
    NUDGE = 1
    RESUME = 2
    FRESH = 3
    GIVE_UP = 4


def nudge(_before: str) -> str:
    return cues.nudge()


class Due:
    """One call's. `cue` is what a silent model was asked first."""

    __slots__ = ("_owing", "_step", "_thought_at", "asked", "cue")

    def __init__(self) -> None:
        self.cue: Cue = nudge
        self.asked: Cue | None = None  # what we asked it to say, and it has not said
        self._owing = False
        self._step = 0
        self._thought_at: float | None = None

    def owes(self, asked: Cue | None = None) -> None:
        """The model is due to speak, though the caller asked for nothing: it got a tool's result, or was cut short, or
        we `asked`."""
        self._owing, self.asked = True, asked

    def thinks(self, now: float) -> None:
        """The model has ended a turn and says that more follows; it may say so again and again."""
        if self._thought_at is None:
            self._thought_at = now

    def idles(self) -> None:
        """The model has ended a turn, or was cut short in it: nothing follows of itself."""
        self._thought_at = None

    def lost(self, *, unfinished: bool) -> None:
        """The session is no more; `unfinished`: in mid-sentence. What it was about to say is the next one's to say."""
        self._owing = self.owing or unfinished
        self._thought_at = None

    def spoke(self) -> None:
        """The agent speaks, or has chosen to say nothing: it isn't stuck, and owes nothing."""
        self._step = 0
        self._owing, self._thought_at, self.asked = False, None, None

    def press(self, cue: Cue | None) -> Step:
        """The next step with a model that says nothing; the first asks it by `cue`, or a plain nudge. One that has
        thought long enough is given no more time than any other."""
        self._owing, self._thought_at = self.owing, None
        self._step += 1
        if self._step == Step.NUDGE:
            self.cue = cue or nudge
        return Step(min(self._step, Step.GIVE_UP))

    @property
    def owing(self) -> bool:
        """Whether the model has something to say whatever the caller does."""
        return self._owing or self._thought_at is not None

    @property
    def thinking_since(self) -> float | None:
        """Since when (seconds, monotonic) it has said that it thinks; None where it doesn't."""
        return self._thought_at

    @property
    def nudged(self) -> bool:
        """Whether the model was asked to speak and hasn't yet."""
        return self._step > 0
