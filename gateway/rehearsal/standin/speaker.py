"""The stand-in's mouth: speech in bursts faster than real time, and the clock of its play-out. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from gateway.live.messages import (
    DOWN_RATE,
    GenerationComplete,
    ModelAudio,
    OutputTranscript,
    ServerMessage,
)

CHUNK = 11_520  # bytes: 240 ms, as the real server sends
CHUNK_S = CHUNK / (2 * DOWN_RATE)
PACE = 4.0  # times real time


@dataclass(frozen=True, slots=True)
class Spoken:
    """One piece of speech and the words that belong to it."""

    pcm: bytes
    words: str


@dataclass(frozen=True, slots=True)
class Played:
    """The clock says that all of the turn's speech was played."""


class Speaker:
    """One turn of speech at a time: `begin`, `add` ... `finish`; what is due comes from `tick` at `deadline()`.

    `active` from `begin` until all was played, or until `cut`; `generating` until all was sent."""

    def __init__(self) -> None:
        self.active = False
        self.generating = False
        self.seconds = 0.0  # sent in this turn
        self._pieces: deque[Spoken] = deque()
        self._complete = False
        self._next = 0.0  # when the next piece may be sent
        self._played = 0.0  # when everything sent so far will have been played

    def begin(self, now: float) -> None:
        self.active = self.generating = True
        self.seconds = 0.0
        self._complete = False
        self._next = self._played = now

    def add(self, text: str, pcm: bytes) -> None:
        """A sentence of the turn. Its words are spread over its pieces."""
        chunks = [pcm[at : at + CHUNK] for at in range(0, len(pcm), CHUNK)]
        words = text.split()
        taken = 0
        for at, chunk in enumerate(chunks, start=1):
            upto = -(-len(words) * at // len(chunks))  # rounded up: words come with their sound, not after it
            part, taken = words[taken:upto], upto
            self._pieces.append(Spoken(chunk, "".join(f"{word} " for word in part)))

    def finish(self) -> None:
        """No more sentences will come."""
        self._complete = True

    def cut(self) -> None:
        """Fall silent: what wasn't sent is dropped."""
        self.active = self.generating = False
        self._pieces.clear()

    def rest(self) -> float:
        """The turn is over: the seconds that were sent in it. The next turn's count begins at 0."""
        seconds, self.seconds = self.seconds, 0.0
        return seconds

    def deadline(self) -> float | None:
        if not self.active:
            return None
        if not self.generating:
            return self._played
        return self._next if self._pieces or self._complete else None

    def tick(self, now: float) -> tuple[ServerMessage, ...] | Played:
        """What is due: one piece, the end of generation, or word that all was played; nothing before the deadline."""
        due = self.deadline()
        if due is None or now < due:
            return ()
        if not self.generating:
            self.active = False
            return Played()
        if self._pieces:
            return self._send(self._pieces.popleft(), now)
        self.generating = False
        return (GenerationComplete(),)

    def _send(self, piece: Spoken, now: float) -> tuple[ServerMessage, ...]:
        seconds = len(piece.pcm) / (2 * DOWN_RATE)
        self.seconds += seconds
        self._played = max(self._played, now) + seconds
        self._next = max(self._next, now - CHUNK_S) + seconds / PACE
        audio = ModelAudio(piece.pcm)
        return (audio, OutputTranscript(piece.words)) if piece.words else (audio,)
