"""What somebody at the phone hears of the other side: when it begins to speak, and when it has fallen silent.

Pure; times are milliseconds since the stream began, exact to the sample (1/8 ms).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gateway.audio import mulaw
from gateway.rehearsal.playout import BYTES_PER_MS

QUIET_MS = 700.0  # pauses between words and sentences are shorter; after this the other side has finished
CUT_QUIET_MS = 300.0  # after a `clear` nothing of the old speech can follow, so less will do
PAUSE_MS = 400.0  # between words: the other side still counts as speaking
AUDIBLE = 330  # of 32768, -40 dBFS: above a codec's noise, below the softest beginning of a word

# One byte a code: 1 where a sample is audible. bytes.translate and find need no loop and no arrays.
_FLAGS = bytes(int(level > AUDIBLE) for level in np.abs(mulaw.decode(bytes(range(256))).astype(int)).tolist())


@dataclass(frozen=True, slots=True)
class Began:
    """The other side began to speak."""

    at_ms: float


@dataclass(frozen=True, slots=True)
class Fell:
    """The other side fell silent: `at_ms` is its last audible sample, a while ago."""

    at_ms: float


class Ear:
    """`began_ms` is where the present stretch of speech began, None in silence; `last_ms` the last audible sample."""

    def __init__(self) -> None:
        self.began_ms: float | None = None
        self.last_ms: float | None = None
        self._quiet_ms = QUIET_MS

    def speaking(self, now_ms: float) -> bool:
        """Whether the other side is in the middle of its speech."""
        return self.began_ms is not None and self.last_ms is not None and now_ms - self.last_ms < PAUSE_MS

    def expect_silence(self) -> None:
        """The other side's sound was cut off: the present stretch ends after CUT_QUIET_MS already."""
        self._quiet_ms = CUT_QUIET_MS

    def hear(self, heard: bytes, start_ms: float) -> Began | Fell | None:
        """A piece of the line, which began at `start_ms`; pieces follow one another and are shorter than QUIET_MS."""
        flags = heard.translate(_FLAGS)
        first = flags.find(1)
        if first < 0:
            return self._silence(start_ms + len(heard) / BYTES_PER_MS)
        self.last_ms = start_ms + flags.rfind(1) / BYTES_PER_MS
        if self.began_ms is not None:
            return None
        self.began_ms = start_ms + first / BYTES_PER_MS
        return Began(self.began_ms)

    def _silence(self, now_ms: float) -> Fell | None:
        if self.began_ms is None or self.last_ms is None or now_ms - self.last_ms < self._quiet_ms:
            return None
        self.began_ms = None
        self._quiet_ms = QUIET_MS
        return Fell(self.last_ms)
