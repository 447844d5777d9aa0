"""Test signals and measurements, shared by the tests of the audio room. No converter of ours is used here."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
Floats = NDArray[np.float64]

FULL_SCALE = 32_768
RECORDINGS = tuple(sorted((Path(__file__).parents[2] / "gateway" / "rehearsal" / "speech").glob("*.wav")))


def recording(path: Path) -> Pcm:
    """Recorded human speech, 16 kHz."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def quantized(values: Floats) -> Pcm:
    assert np.abs(values).max(initial=0) < FULL_SCALE, "the test signal itself must not clip"
    return np.rint(values).astype(np.int16)


def tone(hz: float, rate: int, seconds: float = 0.5, level_db: float = -3) -> Floats:
    """A sine whose peak is `level_db` below full scale."""
    at = np.arange(round(rate * seconds)) / rate
    return np.asarray(FULL_SCALE * 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * at))


def noise(seconds: float, rate: int, level_db: float, seed: int = 1) -> Floats:
    """White noise with an RMS of `level_db` dBFS; peaks are cut off at full scale."""
    values = np.random.default_rng(seed).normal(0, FULL_SCALE * 10 ** (level_db / 20), round(seconds * rate))
    return np.clip(values, 1 - FULL_SCALE, FULL_SCALE - 1)


def fit(signal: Pcm | Floats, rate: int, *frequencies: float) -> tuple[list[complex], Floats]:
    """The settled part of `signal` (after 50 ms) as sines plus an offset, by least squares: amplitude and phase of
    each as a complex number, the phase against a sine that begins with the stream, and what is left over."""
    skip = rate // 20
    at = np.arange(skip, len(signal)) / rate
    waves = [f(2 * np.pi * hz * at) for hz in frequencies for f in (np.sin, np.cos)]
    basis = np.stack([*waves, np.ones_like(at)], axis=1)
    values = signal[skip:].astype(np.float64)
    weights = np.linalg.lstsq(basis, values, rcond=None)[0]
    found = [complex(weights[i], weights[i + 1]) for i in range(0, 2 * len(frequencies), 2)]
    return found, values - basis @ weights


def db(ratio: float) -> float:
    return float(20 * np.log10(max(ratio, 1e-10)))
