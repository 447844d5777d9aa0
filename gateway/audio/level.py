"""How loud it is, and when somebody speaks: energy over a noise floor that follows the line. Needs no numpy.

Speech begins when frames have been louder than a gate for `onset_ms`, and ends after `hangover_ms` without one. A gate
is an absolute level and a margin over the noise floor, whichever is louder. The floor is the quietest 20 ms of the
last 1.6 s: even fast speech has gaps in that time, steady noise has none. So noise that sets in at once counts as
speech at first, and is known for noise after 1.6 s; energy alone can't tell sooner.

Levels are dBFS: 0 is a square wave at full scale, a sine at full scale is -3.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from gateway.audio.ops import avg, bias, rms, ulaw2lin

FRAME_MS = 20
SILENCE_DB = -96.0  # what digital silence counts as

_QUIET_DB = -60.0  # no line is taken to be quieter
_BLOCK = 10  # frames whose quietest one enters the floor
_BLOCKS = 8
_FULL_SCALE = 32_768


@dataclass(frozen=True, slots=True)
class Edge:
    """Speech began or ended `at_ms` into the stream: where it really did so, which is before the push that tells."""

    kind: Literal["start", "end"]
    at_ms: float


@dataclass(frozen=True, slots=True)
class Gate:
    """What a frame must reach to count as speech: `level_db`, and `margin_db` over the noise floor."""

    level_db: float
    margin_db: float

    def over(self, floor: float) -> float:
        """The amplitude, where `floor` is the noise's."""
        return max(_amplitude(self.level_db), floor * 10 ** (self.margin_db / 20))


def _amplitude(level_db: float) -> float:
    return float(_FULL_SCALE * 10 ** (level_db / 20))


# By sensitivity, as voice activity detectors have it: "high" starts and ends speech more often.
START: Mapping[Literal["high", "low"], Gate] = MappingProxyType({"high": Gate(-44, 9), "low": Gate(-36, 14)})
END: Mapping[Literal["high", "low"], Gate] = MappingProxyType({"high": Gate(-46, 8), "low": Gate(-52, 6)})


class _Floor:
    """The quietest frame of the last 1.6 s. Frames of digital silence among others are gaps, not the line's noise."""

    def __init__(self) -> None:
        self._quiet = _amplitude(_QUIET_DB)
        self._blocks = deque([self._quiet] * _BLOCKS, _BLOCKS)
        self._block = math.inf
        self._left = _BLOCK

    def hear(self, level: float) -> bool:
        """One frame's level; true if `level()` may be another one now."""
        if 0 < level < self._block:
            self._block = level
        self._left -= 1
        if self._left:
            return False
        self._blocks.append(self._quiet if self._block == math.inf else max(self._block, self._quiet))
        self._block, self._left = math.inf, _BLOCK
        return True

    def level(self) -> float:
        return min(self._blocks)


class Frames:
    """Sound in any pieces -> the level of every whole frame."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rest = b""
        self._whole = 0  # bytes in frames measured so far
        self.level: float = 0  # the last one

    @property
    def taken(self) -> int:
        """Bytes pushed so far."""
        return self._whole + len(self._rest)

    def push(self, pcm: bytes) -> Sequence[float]:
        if self._rest:
            pcm = self._rest + pcm
        size = self._size
        if len(pcm) == size:  # the usual case: exactly one frame
            self._rest = b""
            self._whole += size
            self.level = _level(pcm)
            return (self.level,)
        whole = len(pcm) - len(pcm) % size
        levels = [_level(pcm[at : at + size]) for at in range(0, whole, size)]
        if levels:
            self.level = levels[-1]
        self._rest = pcm[whole:]
        self._whole += whole
        return levels


def _level(frame: bytes) -> float:
    """The root mean square around the mean, so that an offset (DC) isn't taken for sound."""
    total, mean = rms(frame, 2), avg(frame, 2)
    power, offset = total * total, mean * mean
    if offset * 16 <= power:  # an offset this small adds less than 0.3 dB
        return float(total)
    if (power - offset) * 16 > power:
        return math.sqrt(power - offset)
    return float(rms(bias(frame, 2, -mean), 2))  # a large offset under little sound: exact, where the difference isn't


class _Judge:
    """Frame levels -> edges. Counts in frames; knows where the stream is by having seen every frame."""

    def __init__(self, onset: int, hangover: int, start: Gate, end: Gate) -> None:
        self._onset, self._hangover = onset, hangover
        self._start, self._end = start, end
        self._over, self._under = 0.0, 0.0
        self._run = 0  # frames in a row that speak against the present state
        self._seen = 0
        self.speaking = False

    def adapt(self, floor: float) -> None:
        """The noise floor has moved: set the gates anew."""
        self._over, self._under = self._start.over(floor), self._end.over(floor)

    @property
    def loud_ms(self) -> float:
        """Where the run of frames that speak against the present state begins, or will."""
        return float((self._seen - self._run) * FRAME_MS)

    def frame(self, level: float) -> Edge | None:
        self._seen += 1
        loud = level >= (self._under if self.speaking else self._over)
        if loud is self.speaking:
            self._run = 0
            return None
        self._run += 1
        if self._run < (self._hangover if self.speaking else self._onset):
            return None
        return self._turn()

    def _turn(self) -> Edge:
        """The state changes, as of the first frame of the run."""
        at_ms = self.loud_ms
        self._run = 0
        self.speaking = not self.speaking
        return Edge("start" if self.speaking else "end", at_ms)


class SpeechMeter:
    """One stream of sound: 16-bit little-endian mono PCM at `rate` Hz (a multiple of 50), or mu-law at that rate.

    It may be pushed in any pieces, bytes cut inside a sample included; the edges are the same. `onset_ms` and
    `hangover_ms` are rounded up to whole frames of 20 ms, at least one.
    """

    def __init__(
        self,
        rate: int,
        onset_ms: float = 80,
        hangover_ms: float = 300,
        start: Gate = START["high"],
        end: Gate = END["high"],
    ) -> None:
        if rate <= 0 or rate % 50:
            raise ValueError(f"rate must be a positive multiple of 50 Hz, not {rate}")
        self._bytes_per_ms = rate * 2 / 1000
        self._sounds = Frames(rate * 2 * FRAME_MS // 1000)
        self._floor = _Floor()
        self._judge = _Judge(_frames(onset_ms), _frames(hangover_ms), start, end)
        self._judge.adapt(self._floor.level())

    def push(self, pcm: bytes) -> tuple[Edge, ...]:
        """The edges that this piece of sound brings to light, in order; nearly always none."""
        edges: tuple[Edge, ...] = ()
        for level in self._sounds.push(pcm):
            edge = self._judge.frame(level)
            if edge is not None:
                edges += (edge,)
            if self._floor.hear(level):
                self._judge.adapt(self._floor.level())
        return edges

    def push_mulaw(self, mulaw: bytes) -> tuple[Edge, ...]:
        """`push` for mu-law."""
        return self.push(ulaw2lin(mulaw, 2))

    @property
    def speaking(self) -> bool:
        return self._judge.speaking

    @property
    def loud_ms(self) -> float:
        """While somebody speaks: where the last loud frame ends."""
        return self._judge.loud_ms

    @property
    def position_ms(self) -> float:
        """How much sound was pushed."""
        return self._sounds.taken / self._bytes_per_ms

    @property
    def level_db(self) -> float:
        """Of the last whole frame; SILENCE_DB before the first one and in digital silence."""
        level = self._sounds.level
        return 20 * math.log10(level / _FULL_SCALE) if level else SILENCE_DB


def spoken_ms(mulaw: bytes) -> float:
    """How much of some mu-law at 8 kHz is speech, from the first sound of it to the last."""
    meter = SpeechMeter(8000)
    times = [edge.at_ms for edge in meter.push_mulaw(mulaw)] + ([meter.loud_ms] if meter.speaking else [])
    return times[-1] - times[0] if times else 0.0


def _frames(duration_ms: float) -> int:
    return max(1, math.ceil(duration_ms / FRAME_MS))
