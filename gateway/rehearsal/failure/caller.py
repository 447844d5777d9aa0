"""A caller who counts: listens, says the next few numbers, listens again. It costs next to nothing: the sound of every
number is made once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gateway.audio import mulaw
from gateway.rehearsal import counting
from gateway.rehearsal.phone import FRAME, FRAME_MS
from gateway.rehearsal.playout import SILENCE, Cut

WORDS = 4  # in a turn
QUIET_S = 0.5  # of the agent's silence: it has finished
PATIENCE_S = 4.0  # nobody answers: the caller speaks again
RATE = 8_000
FRAMES = counting.WORD_MS // FRAME_MS  # of a word

_SOFT = 0x52  # mu-law, sign aside, counts down with loudness: below this it is louder than a filter's ringing
_LOUD = bytes(byte for byte in range(256) if byte & 0x7F < _SOFT)


@dataclass(frozen=True, slots=True)
class Said:
    """A word that the caller has begun to say. Time is the caller's clock."""

    number: int
    at: float


class Caller:
    """Who holds the phone (`rehearsal.phone.Person`), through all streams of one call. `leaving`: hang up at the next
    quiet moment."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.said: list[Said] = []
        self.leaving = False
        self._clock = clock
        self._frames: deque[bytes] = deque()
        self._number = 0
        self._waits = True  # for an answer, at first for the greeting: nothing was heard since the last word
        self._heard_at = clock()  # the last sound of either side
        self._frame_at = clock()  # the last frame that was spoken

    def begin(self) -> None:
        """The phone is taken up only now."""
        self._heard_at = self._frame_at = self._clock()

    def leave(self) -> None:
        self.leaving = True

    def hear(self, heard: bytes, _start_ms: float) -> None:
        if heard and len(heard.translate(None, _LOUD)) < len(heard):
            self._heard_at = self._clock()
            self._waits = False

    def cut(self, cut: Cut) -> None:
        """The agent was interrupted: what it had still to say was not heard."""

    def moved(self) -> None:
        """Another stream opens. A caller doesn't stop in mid-word: what fell between the streams is said and lost."""
        passed = int((self._clock() - self._frame_at) * 1000 / FRAME_MS)
        for _ in range(min(passed, len(self._frames))):
            self._next()

    def speak(self, _now_ms: float) -> bytes | None:
        now = self._frame_at = self._clock()
        if self._frames:
            self._heard_at = now
            return self._next()
        if self.leaving and not self._talking(now):
            return None
        if self._due(now):
            self._begin()
        return SILENCE * FRAME

    def _talking(self, now: float) -> bool:
        """Whether the agent speaks, or has not answered yet and may still do so."""
        return now - self._heard_at < (PATIENCE_S if self._waits else QUIET_S)

    def _due(self, now: float) -> bool:
        return not self.leaving and not self._talking(now)

    def _begin(self) -> None:
        for _ in range(WORDS):
            self._frames.extend(sound(self._number))
            self._number = (self._number + 1) % counting.OTHER
        self._waits = True

    def _next(self) -> bytes:
        if len(self._frames) % FRAMES == 0:
            number = (self._number - len(self._frames) // FRAMES) % counting.OTHER
            self.said.append(Said(number, self._clock()))
        return self._frames.popleft()


@lru_cache(maxsize=counting.NUMBERS)
def sound(number: int) -> tuple[bytes, ...]:
    """One word in frames of mu-law."""
    coded = mulaw.encode(np.frombuffer(counting.spoken(number, RATE), "<i2").astype(np.int16))
    return tuple(coded[at : at + FRAME] for at in range(0, len(coded), FRAME))
