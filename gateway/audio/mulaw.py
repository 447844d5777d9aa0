"""G.711 mu-law, one byte a sample, and 16-bit linear samples.

Decoding is audioop's, exact in all 256 codes. Encoding follows the Recommendation's own decision values; audioop's
encoder differs from it in 508 of the 65,536 inputs, all of them negative, and is worse in quiet passages.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.audio.ops import ulaw2lin

SILENCE = 0xFF  # the code of +0

# ITU-T G.711, tables 2a and 2b: the decision values x_n, as runs of (intervals, width) from zero up to x_128 = 8159.
_RUNS = ((1, 1), (15, 2), (16, 4), (16, 8), (16, 16), (16, 32), (16, 64), (16, 128), (16, 256))
_SCALE = 4  # the Recommendation counts in 14 bits, sign included


def decode(mulaw: bytes) -> NDArray[np.int16]:
    """Linear samples, one a byte; a read-only array."""
    return np.frombuffer(ulaw2lin(mulaw, 2), np.int16)


def encode(pcm: NDArray[np.int16]) -> bytes:
    """The code word of the interval that each sample lies in."""
    return _CODES.take(pcm.view(np.uint16)).tobytes()


def _codes() -> NDArray[np.uint8]:
    """The code of every 16-bit sample, indexed by its bits as an unsigned number.

    Between x_n and x_n+1 lies 255 - n, between -x_n+1 and -x_n lies 127 - n; x_128 is virtual, louder input clips.
    A sample right on a decision value belongs to the interval above it, negative ones too, as in the reference
    implementation (ITU-T G.191, ones' complement); the Recommendation leaves it open.
    """
    widths = np.repeat([width for _, width in _RUNS], [count for count, _ in _RUNS])
    levels = np.cumsum(widths)[:-1] * _SCALE
    samples = np.arange(65_536, dtype=np.uint16).view(np.int16)
    above = np.searchsorted(levels, samples, side="right")
    below = len(levels) - np.searchsorted(-levels[::-1], samples, side="right")
    return np.where(samples >= 0, 255 - above, 127 - below).astype(np.uint8)


_CODES = _codes()
