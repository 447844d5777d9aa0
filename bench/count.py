"""A counting tone: each 20 ms frame of the caller's says its own number, and still does after the resampler. Pure.

A frame is two sines of whole cycles, one of sixteen low and one of sixteen high pitches: 256 numbers, then from the
start. A frame that is lost, doubled or out of order breaks the count, however many others make up for its length.
"""

from __future__ import annotations

import base64
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gateway.audio.mulaw import encode

RATE, HEARD_RATE = 8000, 16_000  # the phone's, and the model's
STEP_HZ = 50  # a cycle more in 20 ms
LOW, HIGH = 6, 24  # cycles of the lowest pitch in each group: 300 and 1,200 Hz
GROUP = 16
PEAK = 8000
FRAME = HEARD_RATE // STEP_HZ
SLIDE = 8  # samples between the delays that are tried: the resampler's own is some of them

Counts = NDArray[np.int64]


@cache
def pieces() -> tuple[bytes, ...]:
    """mu-law, 20 ms each, in base64: number 0 to 255."""
    t = np.arange(RATE // STEP_HZ) * STEP_HZ / RATE
    low, high = ([np.sin(2 * np.pi * (first + nth) * t) for nth in range(GROUP)] for first in (LOW, HIGH))
    frames = (one + other for one in low for other in high)
    return tuple(base64.b64encode(encode(np.asarray(PEAK * frame, np.int16))) for frame in frames)


def faults(pcm: bytes) -> list[str]:
    """What is wrong with the count in 16 kHz sound that was heard; of its last frame some may be missing."""
    sound = np.frombuffer(pcm, np.int16).astype(float)
    best = max((_read(sound[at:]) for at in range(0, FRAME, SLIDE)), key=lambda read: read[1])
    counts, purity = best
    if purity < 0.5:
        return [f"count: no tone in it ({purity:.2f})"]
    steps = np.diff(counts) % (GROUP * GROUP)
    return [f"count: {_wrong(int(step))} at frame {at + 1}" for at, step in enumerate(steps) if step != 1]


def _wrong(step: int) -> str:
    lost = 1 < step < GROUP * GROUP // 2
    return f"{step - 1} frames lost" if lost else f"{(1 - step) % (GROUP * GROUP)} frames doubled"


def _read(sound: NDArray[np.float64]) -> tuple[Counts, float]:
    """The number of each frame, and which share of the sound are the two tones that say it, in the worst frame but 1 %:
    a frame that is read at the wrong place holds others."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    power = np.abs(np.fft.rfft(frames)) ** 2
    low, high = power[:, LOW : LOW + GROUP], power[:, HIGH : HIGH + GROUP]
    share = (low.max(axis=1) + high.max(axis=1)) / np.maximum(power.sum(axis=1), 1.0)
    counts = low.argmax(axis=1) * GROUP + high.argmax(axis=1)
    return counts, float(np.quantile(share, 0.01)) if len(share) else 0.0
