"""From 8 to 16 kHz and from 24 to 8 kHz, as a stream: an order-12 elliptic low-pass whose state is carried along.

Cutting the stream differently doesn't change one bit of the output, and nothing is held back: a push gives every
sample that its input completes. The filter runs at the higher rate in float64; results are rounded half to even and
clipped to 16 bits. A push costs some 10 µs whatever it is given, so larger ones are cheaper.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.signal import ellip

from gateway.audio.cascade import Floats, cascade

Pcm = NDArray[np.int16]

_ORDER = 12
_RIPPLE_DB = 0.02
_TINY = 1e-20  # far below a bit; smaller state soon is subnormal, which the processor handles slowly
_TAIL = 168  # samples at 8 kHz, 21 ms: what is left of the filter's answer then is below hearing


def _lowpass(rate: int, pass_hz: float, stop_db: float, gain: float) -> Floats:
    """Second-order sections. Telephone speech ends at 3.4 kHz; a pass band that goes on beyond it keeps the delay
    at its end below 2 ms, and the stop band must begin at 4 kHz. What it does is measured in tests/audio."""
    sections = cast(Floats, ellip(_ORDER, _RIPPLE_DB, stop_db, pass_hz, fs=rate, output="sos"))
    sections[0, :3] *= gain
    return sections


_UP = _lowpass(16_000, pass_hz=3560, stop_db=96, gain=2)  # half of what goes in is zeros, hence the gain
_DOWN = _lowpass(24_000, pass_hz=3500, stop_db=95, gain=1)


class _Filter:
    """The low-pass and its state."""

    def __init__(self, sections: Floats) -> None:
        self._sections = sections
        self.reset()

    def reset(self) -> None:
        self._state: Floats = np.zeros((1, len(self._sections), 2))

    def push(self, samples: Pcm) -> Floats:
        """As many values as samples; a fresh array, and `samples` isn't kept. `samples` mustn't be empty."""
        filtered: Floats = np.array(samples, np.float64, ndmin=2)
        cascade(self._sections, filtered, self._state)
        if abs(filtered[0, -1]) < 1:
            self._state[np.abs(self._state) < _TINY] = 0
        return cast(Floats, filtered[0])


def _round(values: Floats) -> Pcm:
    whole = np.rint(values)
    np.minimum(whole, 32_767, out=whole)
    np.maximum(whole, -32_768, out=whole)
    return whole.astype(np.int16)


_NOTHING: Pcm = np.empty(0, np.int16)


class Up2:
    """8 kHz to 16 kHz: a zero after every sample, then the filter, which takes the images from 4 kHz up away."""

    def __init__(self) -> None:
        self._filter = _Filter(_UP)
        self._stuffed: Pcm = np.zeros(640, np.int16)  # 40 ms; every other one stays zero

    def push(self, pcm: Pcm) -> Pcm:
        """Twice as many samples."""
        size = 2 * len(pcm)
        if not size:
            return _NOTHING
        if size > len(self._stuffed):
            self._stuffed = np.zeros(size, np.int16)
        self._stuffed[0:size:2] = pcm
        return _round(self._filter.push(self._stuffed[:size]))

    def reset(self) -> None:
        self._filter.reset()


class Down3:
    """24 kHz to 8 kHz: the filter, then the newest of every three samples."""

    def __init__(self) -> None:
        self._filter = _Filter(_DOWN)
        self._skip = 2  # samples before the next one to take

    def push(self, pcm: Pcm) -> Pcm:
        """A third as many samples; what isn't divisible by three is made up for by the next push."""
        if not len(pcm):
            return _NOTHING
        taken = self._filter.push(pcm)[self._skip :: 3]
        self._skip = (self._skip - len(pcm)) % 3
        return _round(taken)

    def flush(self) -> Pcm:
        """What the filter still holds of the sound so far, at most 21 ms without the silence at its end; then reset."""
        tail = self.push(np.zeros(3 * _TAIL - 2 + self._skip, np.int16))
        self.reset()
        return np.trim_zeros(tail, "b")

    def reset(self) -> None:
        self._filter.reset()
        self._skip = 2
