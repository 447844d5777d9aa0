"""Twilio's play-out buffer: what a media server sends is played at 8 bytes a millisecond, in the order received.

Pure; time is an argument, in milliseconds since the stream began. A mark comes back when the sound before it has been
played, or at once if nothing is buffered; `clear` empties the buffer and returns every pending mark
(twilio.com/docs/voice/media-streams/websocket-messages).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

BYTES_PER_MS = 8  # mono 8 kHz G.711
SILENCE = b"\xff"  # mu-law's zero


@dataclass(frozen=True, slots=True)
class Cut:
    """What a `clear` did at `at_ms`: `lost_ms` of sound will never be heard, `marks` come back unplayed."""

    at_ms: float
    lost_ms: float
    marks: tuple[str, ...]


class Playout:
    """The buffer and what came out of it. `heard` holds one byte a sample since the stream began, silence included."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self._queue: deque[bytes] = deque()
        self._queued = 0  # bytes in the queue
        self._marks: deque[tuple[int, str]] = deque()  # the sample at which each is played, and its name

    @property
    def queued_ms(self) -> float:
        """How much sound is still to be played."""
        return self._queued / BYTES_PER_MS

    def play(self, mulaw: bytes, now_ms: float) -> tuple[str, ...]:
        """Buffers sound behind what is there. Returns the marks that were played until now."""
        played = self.advance(now_ms)
        if mulaw:
            self._queue.append(mulaw)
            self._queued += len(mulaw)
        return played

    def mark(self, name: str, now_ms: float) -> tuple[str, ...]:
        """Puts a mark behind what is buffered. Returns the marks played until now: with it, if nothing is buffered."""
        played = self.advance(now_ms)
        if not self._queued:
            return (*played, name)
        self._marks.append((len(self.heard) + self._queued, name))
        return played

    def clear(self, now_ms: float) -> tuple[tuple[str, ...], Cut]:
        """Empties the buffer. Returns the marks played until now, and what was cut."""
        played = self.advance(now_ms)
        cut = Cut(now_ms, self.queued_ms, tuple(name for _, name in self._marks))
        self._queue.clear()
        self._queued = 0
        self._marks.clear()
        return played, cut

    def advance(self, now_ms: float) -> tuple[str, ...]:
        """Plays until `now_ms` (a time already passed changes nothing). Returns the marks reached, in order."""
        missing = int(now_ms * BYTES_PER_MS) - len(self.heard)
        if missing > 0:
            self._render(missing)
        played = []
        while self._marks and self._marks[0][0] <= len(self.heard):
            played.append(self._marks.popleft()[1])
        return tuple(played)

    def _render(self, missing: int) -> None:
        while missing and self._queue:
            piece = self._queue.popleft()
            if len(piece) > missing:
                self._queue.appendleft(piece[missing:])
                piece = piece[:missing]
            self.heard += piece
            self._queued -= len(piece)
            missing -= len(piece)
        self.heard += SILENCE * missing
