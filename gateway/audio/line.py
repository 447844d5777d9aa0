"""The door: a phone line's sound (mu-law, 8 kHz) to the model's (PCM16, 16 kHz) and back (PCM16, 24 kHz).

One of each per call. PCM is 16-bit little-endian mono, as are the machines this runs on.
"""

from __future__ import annotations

import numpy as np

from gateway.audio.mulaw import decode, encode
from gateway.audio.resample import Down3, Up2


class Uplink:
    """The caller's sound on its way to the model."""

    def __init__(self) -> None:
        self._up = Up2()

    def push(self, mulaw: bytes) -> bytes:
        """Mu-law at 8 kHz in, PCM16 at 16 kHz out: four bytes for one. Any length."""
        return self._up.push(decode(mulaw)).tobytes()

    def reset(self) -> None:
        """Forget the sound so far: the next push begins a new stream."""
        self._up.reset()


class Downlink:
    """The model's sound on its way to the caller."""

    def __init__(self) -> None:
        self._down = Down3()
        self._half = b""  # the first byte of a sample whose second one is still to come

    def push(self, pcm: bytes) -> bytes:
        """PCM16 at 24 kHz in, mu-law at 8 kHz out. Any length; half a sample at the end waits for the next push."""
        if self._half:
            pcm = self._half + pcm
        whole = len(pcm) // 2
        self._half = pcm[2 * whole :]
        return encode(self._down.push(np.frombuffer(pcm, np.int16, whole)))

    def flush(self) -> bytes:
        """The end of a turn: the rest of the sound, at most 21 ms; then as new. Half a sample left over is dropped."""
        self._half = b""
        return encode(self._down.flush())

    def reset(self) -> None:
        """Barge-in: forget the sound so far, its rest included."""
        self._half = b""
        self._down.reset()
