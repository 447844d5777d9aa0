"""Sound as loud and as busy as speech, ready to be sent: base64 in pieces, two seconds of it, over and over."""

from __future__ import annotations

import base64
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gateway.audio.mulaw import encode

SECONDS = 2
PITCH_HZ, SYLLABLES_HZ = 120, 4
PEAK = 16_000  # -6 dBFS


def voice(rate: int) -> NDArray[np.int16]:
    """A buzz of twenty harmonics in syllables, and some breath."""
    t = np.arange(rate * SECONDS) / rate
    buzz = sum(np.sin(2 * np.pi * PITCH_HZ * n * t) / n for n in range(1, 21))
    breath = np.random.default_rng(1).normal(0, 0.05, len(t))
    wave = (buzz + breath) * (0.55 + 0.45 * np.sin(2 * np.pi * SYLLABLES_HZ * t))
    return np.asarray(wave / np.abs(wave).max() * PEAK, np.int16)


@cache
def phone_pieces() -> tuple[bytes, ...]:
    """mu-law, 20 ms each."""
    return _pieces(encode(voice(8000)), 160)


@cache
def model_pieces(ms: int) -> tuple[bytes, ...]:
    """PCM16 at 24 kHz, `ms` each."""
    return _pieces(voice(24_000).tobytes(), 48 * ms)


def _pieces(sound: bytes, size: int) -> tuple[bytes, ...]:
    """Whole ones only."""
    return tuple(base64.b64encode(sound[at : at + size]) for at in range(0, len(sound) - size + 1, size))
