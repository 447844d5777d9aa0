"""Whose turn it is, by the caller's sound: voice activity on the audio's own clock, so that a burst works. Pure.

Energy over a floor (gateway.audio.level) AND webrtcvad mode 3 where it is installed: together they start on neither
hum nor clicks.
"""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gateway.audio.level import END, FRAME_MS, START, Edge, SpeechMeter
from gateway.rehearsal.standin.setup import Detection

PREROLL_MS = 300  # kept before the start, so that a soft beginning isn't lost
MAX_MS = 60_000  # of one utterance that is kept for recognition
RATES = range(1_000, 48_001, 50)  # Hz; what lies beyond would only fill the memory
VOICED_RATES = (8_000, 16_000, 32_000, 48_000)  # what webrtcvad takes

Voiced = Callable[[bytes], bool]  # one frame of 20 ms


@dataclass(frozen=True, slots=True)
class Began:
    """Speech began, `at_ms` on the clock of the input audio."""

    at_ms: float


@dataclass(frozen=True, slots=True)
class Ended:
    """Speech ended: its sound, with a little before it and the silence after it."""

    start_ms: float
    end_ms: float
    pcm: bytes
    rate: int

    @property
    def seconds(self) -> float:
        return (self.end_ms - self.start_ms) / 1000


Turn = Began | Ended


class Detector:
    """Frames of 20 ms -> is somebody speaking. Made anew after each pause of the stream."""

    def __init__(self, rate: int, wanted: Detection) -> None:
        self._meter = SpeechMeter(rate, wanted.onset_ms, wanted.silence_ms, START[wanted.start], END[wanted.end])
        self._voiced = _voiced(rate)
        onset = max(1, -(-wanted.onset_ms // FRAME_MS))
        self._rose_ms = 0.0  # the energy
        self._needed = -(-onset // 2)
        self._recent: deque[bool] = deque(maxlen=onset + 2)
        self._silence = max(1, -(-wanted.silence_ms // FRAME_MS))
        self._quiet = 0  # frames in a row without voice
        self._seen = 0
        self.since_ms = 0.0  # when the present state began
        self.speaking = False

    def frame(self, pcm: bytes) -> bool:
        """One frame; true if `speaking` has changed."""
        edges = self._meter.push(pcm)
        voiced = self._voiced(pcm)
        self._seen += 1
        self._recent.append(voiced)
        self._quiet = 0 if voiced else self._quiet + 1
        if self.speaking:
            return self._stop(edges)
        if edges:
            self._rose_ms = edges[-1].at_ms
        if not self._meter.speaking or sum(self._recent) < self._needed:
            return False
        return self._turn(max(self._rose_ms, float((self._seen - len(self._recent)) * FRAME_MS)))

    def _stop(self, edges: tuple[Edge, ...]) -> bool:
        if edges:  # the meter was speaking, so this is its end
            return self._turn(edges[-1].at_ms)
        if self._quiet < self._silence:
            return False
        return self._turn(float((self._seen - self._quiet) * FRAME_MS))

    def _turn(self, at_ms: float) -> bool:
        self.speaking = not self.speaking
        self.since_ms = at_ms
        self._recent.clear()
        return True


def _voiced(rate: int) -> Voiced:
    if rate not in VOICED_RATES:
        return lambda _frame: True
    try:
        detector = importlib.import_module("webrtcvad").Vad(3)
    except ImportError:
        return lambda _frame: True
    return lambda frame: bool(detector.is_speech(frame, rate))


class Listener:
    """The caller's sound -> Began and Ended. Manual: only what lies between `start` and `end` counts."""

    def __init__(self, wanted: Detection) -> None:
        self._wanted = wanted
        self._rate = 0  # none yet
        self._detector: Detector | None = None
        self._rest = b""
        self._sound = bytearray()
        self._clock_ms = 0.0
        self._offset_ms = 0.0  # the clock when the detector was made
        self._start_ms: float | None = None

    @property
    def clock_ms(self) -> float:
        """How much sound has come."""
        return self._clock_ms

    @property
    def speaking(self) -> bool:
        return self._start_ms is not None

    def push(self, pcm: bytes, rate: int) -> tuple[Turn, ...]:
        """Sound in any pieces. Raises ValueError for a rate that isn't one of RATES."""
        found = () if rate == self._rate and rate else self._change(rate)
        size = rate * FRAME_MS // 1000 * 2
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % size
        self._rest = pcm[whole:]
        for at in range(0, whole, size):
            found += self._frame(pcm[at : at + size])
        return found

    def flush(self) -> tuple[Turn, ...]:
        """The stream pauses: a turn that is going on ends here."""
        self._detector, self._rest = None, b""
        found = self._end(self._clock_ms)
        self._sound.clear()
        return found

    def start(self) -> tuple[Turn, ...]:
        """activityStart."""
        return self._begin(self._clock_ms)

    def end(self) -> tuple[Turn, ...]:
        """activityEnd."""
        return self._end(self._clock_ms)

    def _change(self, rate: int) -> tuple[Turn, ...]:
        if rate not in RATES:
            raise ValueError(f"{rate} Hz is no multiple of 50 from 1000 to 48000")
        found = self.flush() if self._rate else ()  # the first sound ends no activity that was marked before it
        self._rate = rate
        return found

    def _frame(self, pcm: bytes) -> tuple[Turn, ...]:
        self._clock_ms += FRAME_MS
        self._keep(pcm)
        if self._wanted.manual:
            return ()
        if self._detector is None:
            self._detector = Detector(self._rate, self._wanted)
            self._offset_ms = self._clock_ms - FRAME_MS
        if not self._detector.frame(pcm):
            return ()
        at_ms = self._offset_ms + self._detector.since_ms
        return self._begin(at_ms) if self._detector.speaking else self._end(at_ms)

    def _keep(self, pcm: bytes) -> None:
        if self.speaking:
            if len(self._sound) < MAX_MS * self._rate // 1000 * 2:
                self._sound += pcm
        elif not self._wanted.manual:
            self._sound += pcm
            keep = (PREROLL_MS + self._wanted.onset_ms) * self._rate // 1000 * 2
            del self._sound[: max(0, len(self._sound) - keep)]

    def _begin(self, at_ms: float) -> tuple[Turn, ...]:
        if self.speaking:
            return ()
        self._start_ms = at_ms
        return (Began(at_ms),)

    def _end(self, at_ms: float) -> tuple[Turn, ...]:
        if self._start_ms is None:
            return ()
        ended = Ended(self._start_ms, max(at_ms, self._start_ms), bytes(self._sound), self._rate)
        self._start_ms = None
        self._sound.clear()
        return (ended,)
