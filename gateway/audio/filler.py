"""A soft double tone that tells a caller the line is alive while the model is away."""

from __future__ import annotations

import numpy as np

from gateway.audio.mulaw import encode

RATE = 8000
TONES_HZ = (440.0, 554.4)  # a major third: friendly, and no tone that a telephone network means something by
TONE_MS = 160
PAUSE_MS = 60
PEAK = 1_000  # -30 dB of full scale: well below speech


def filler() -> bytes:
    """Mu-law at 8 kHz, some 400 ms: it swells and fades, so nothing clicks."""
    time = np.arange(RATE * TONE_MS // 1000) / RATE
    swell = np.sin(np.pi * np.arange(time.size) / time.size) ** 2
    pause = np.zeros(RATE * PAUSE_MS // 1000)
    low, high = (PEAK * swell * np.sin(2 * np.pi * hz * time) for hz in TONES_HZ)
    return encode(np.concatenate([low, pause, high, pause]).astype(np.int16))


FILLER = filler()
