"""Where the caller's speech begins and ends on a telephone line: level against the statistics of the line's noise.

What a line sounds like while nobody speaks is learned as the mean and the variance of its level, from its first frame
on. Speech begins with enough frames over the start's gate and ends with enough under the end's; both gates lie some
decibels and some standard deviations over the noise, so that steady noise is told from speech down to 5 dB and voices
in the background are left alone. Single frames that disagree delay either and undo neither. Noise that sets in during
the call counts as speech until it has gone on for 1.6 s as no speech does: without gaps.

The figures were chosen by `python -m bench.endpointing`, which compares this with other detectors.
"""

from __future__ import annotations

import math
from collections import deque

from gateway.audio.level import FRAME_MS, Edge, Frames
from gateway.audio.ops import ulaw2lin

LONGEST_MS = 60_000  # speech that goes on for longer is noise: something must end it, the model waits for that

_FULL_SCALE = 32_768
_BYTES_PER_MS = 8 * 2  # as linear samples
_QUIET_DB = -60.0  # no line is taken to be quieter
_LOUD_DB = -32.0  # a line that is louder with its first sound is somebody speaking
_START_DB, _START_MARGIN_DB, _START_DEVIATIONS = -46.0, 3.5, 3.0
_END_DB, _END_MARGIN_DB, _END_DEVIATIONS = -50.0, 2.5, 2.0
_FIRST = 10  # frames that are simply averaged
_RISE, _FALL = 1 / 40, 1 / 10  # of the difference, per frame: within 0.8 s and 0.2 s
_SWING_DB = 8.0  # what differs by more than that is the noise's end or speech's, and not its variation
_SETBACK = 3  # frames of silence that one loud frame undoes: speech ends where fewer than a quarter are loud
_WINDOW = 80  # frames: 1.6 s, in which all speech has gaps
_GAPS = 16  # of them are gaps, a fifth
_STEP = 10  # frames from one look for gaps to the next


class Endpointer:
    """One line's mu-law in any pieces -> the edges of speech, the same whatever the pieces.

    Durations are rounded up to whole frames of 20 ms, at least one. A start's `at_ms` is where the first frame that
    counted begins, an end's where the last loud one ends: both lie before the push that tells. Starts and ends
    alternate, a start comes first, and no edge lies before the one that precedes it.
    """

    __slots__ = ("_end", "_frames", "_line", "_recent", "_seen", "_start", "speaking")

    def __init__(self, prefix_padding_ms: float, silence_ms: float) -> None:
        self._frames = Frames(_BYTES_PER_MS * FRAME_MS)
        self._line = _Line()
        self._start = _Start(prefix_padding_ms)
        self._end = _End(silence_ms)
        self._recent: deque[float] = deque(maxlen=_WINDOW)  # levels of speech
        self._seen = 0  # frames
        self.speaking = False

    def need(self, prefix_padding_ms: float) -> None:
        """From now on a start takes this much speech."""
        self._start.needed = _frames(prefix_padding_ms)

    def push(self, mulaw: bytes) -> list[Edge]:
        """The edges that this piece brings to light, in order; nearly always none."""
        found = (self._frame(amplitude) for amplitude in self._frames.push(ulaw2lin(mulaw, 2)))
        return [edge for edge in found if edge is not None]

    @property
    def position_ms(self) -> float:
        """How much sound was pushed."""
        return self._frames.taken / _BYTES_PER_MS

    @property
    def loud_ms(self) -> float:
        """While somebody speaks: where the last loud frame ends."""
        return float(self._end.last * FRAME_MS)

    def _frame(self, amplitude: float) -> Edge | None:
        self._seen += 1
        level = _level(amplitude)
        return self._listen(level, amplitude > 0) if not self.speaking else self._follow(level, amplitude > 0)

    def _listen(self, level: float, sounds: bool) -> Edge | None:
        """Nobody has been speaking. Frames of digital silence are gaps and say nothing about the line."""
        line = self._line
        if sounds and line.new:
            line.learn(min(level, _LOUD_DB))
        elif sounds and level < line.start:
            line.learn(level)
        first = self._start.hear(level >= line.start, self._seen)
        if first is None:
            return None
        self.speaking = True
        self._recent.clear()
        self._end.begin(self._seen)
        return Edge("start", float(first * FRAME_MS))

    def _follow(self, level: float, sounds: bool) -> Edge | None:
        """Somebody has been speaking."""
        line = self._line
        self._recent.append(level)
        if sounds and level < line.end:
            line.learn(level)
        over = self._end.hear(level >= line.end, self._seen)
        spoken = self._seen - self._end.since
        if not over and spoken >= _WINDOW and not spoken % _STEP:
            line.doubt(sorted(self._recent)[_GAPS])
        if not over and spoken * FRAME_MS < LONGEST_MS:
            return None
        self.speaking = False
        return Edge("end", self.loud_ms)


class _Start:
    """Counts the frames that speak for a start, those that don't against them."""

    __slots__ = ("_first", "_risen", "needed")

    def __init__(self, prefix_padding_ms: float) -> None:
        self.needed = _frames(prefix_padding_ms)
        self._risen = 0
        self._first = 0

    def hear(self, loud: bool, seen: int) -> int | None:
        """The `seen`th frame. The frame with which speech began, once it has; counts anew after that."""
        if not loud:
            self._risen = max(0, self._risen - 1)
            return None
        if not self._risen:
            self._first = seen - 1
        self._risen += 1
        if self._risen < self.needed:
            return None
        self._risen = 0
        return max(self._first, seen - 2 * self.needed)  # not where noise had only begun to hover about the gate


class _End:
    """Counts the frames that speak for an end; each loud one undoes some."""

    __slots__ = ("_needed", "_quiet", "last", "since")

    def __init__(self, silence_ms: float) -> None:
        self._needed = _frames(silence_ms)
        self.begin(0)

    def begin(self, seen: int) -> None:
        """Speech was noticed with the `seen`th frame."""
        self._quiet = 0
        self.since = seen
        self.last = seen  # the end of the last loud frame

    def hear(self, loud: bool, seen: int) -> bool:
        """The `seen`th frame; whether speech is over."""
        if not loud:
            self._quiet += 1
            return self._quiet >= self._needed
        self._quiet = max(0, self._quiet - _SETBACK)
        if not self._quiet:
            self.last = seen
        return False


class _Line:
    """The noise of a line, and the levels (`start`, `end`; dBFS) from which a frame is more than that."""

    __slots__ = ("_heard", "_mean", "_variance", "end", "start")

    def __init__(self) -> None:
        self._heard = 0
        self._mean = _QUIET_DB
        self._variance = 1.0
        self._set()

    @property
    def new(self) -> bool:
        """Nothing was heard of it yet."""
        return not self._heard

    def learn(self, level: float) -> None:
        """A frame without speech. Falls faster than it rises: speech that was taken for noise is put right soon."""
        self._heard += 1
        share = 1 / self._heard if self._heard <= _FIRST else 0.0
        off = level - self._mean
        self._mean += (share or (_FALL if off < 0 else _RISE)) * off
        if self._heard > 1:
            self._variance += (share or _RISE) * (min(off * off, _SWING_DB**2) - self._variance)
        self._set()

    def doubt(self, gaps: float) -> None:
        """The level of the gaps in what counts as speech: where even they are loud, they are the noise."""
        if gaps > self.end:
            self._mean = gaps
            self._set()

    def _set(self) -> None:
        deviation = math.sqrt(self._variance)
        self.start = max(_START_DB, self._mean + max(_START_MARGIN_DB, _START_DEVIATIONS * deviation))
        self.end = max(_END_DB, self._mean + max(_END_MARGIN_DB, _END_DEVIATIONS * deviation))


def _level(amplitude: float) -> float:
    return max(_QUIET_DB, 20 * math.log10(amplitude / _FULL_SCALE)) if amplitude else _QUIET_DB


def _frames(duration_ms: float) -> int:
    return max(1, math.ceil(duration_ms / FRAME_MS))
