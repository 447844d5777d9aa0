"""Telephone lines with known speech on them: recorded people, noises to mix in, and where the speech truly is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import gateway.rehearsal
from gateway.audio.mulaw import encode
from gateway.rehearsal.wav import read_telephone

Floats = NDArray[np.float64]

RATE = 8000
SPEECH_DB = -26  # dBFS, of the loud parts: the nominal level of ITU-T P.56
LEAD_S, TAIL_S = 2.5, 2.0  # the line before and after somebody speaks
WINDOW = 80  # samples: 10 ms
SHORTEST = 5  # windows: what is shorter is a click of the lips
SPEECH = 0.06  # of the loud windows' level, -24 dB
VOICES = 8  # in the background
KNOCK_MS = 30
FULL_SCALE = 32_768


@dataclass(frozen=True)
class Voice:
    """A recording at SPEECH_DB, and where in it somebody speaks."""

    sound: Floats
    begins_ms: int
    ends_ms: int


@dataclass(frozen=True)
class Line:
    """mu-law with one utterance in it; `snr_db` None: nothing else."""

    mulaw: bytes
    begins_ms: float
    ends_ms: float


@dataclass(frozen=True)
class Noise:
    """A kind of noise, so many dB below speech."""

    kind: str
    snr_db: int

    def __str__(self) -> str:
        return f"{self.kind} {self.snr_db} dB"


NOISES = (*(Noise(kind, snr) for kind in ("white", "pink", "hum", "babble") for snr in (20, 10, 5)), Noise("knocks", 0))


@cache
def voices() -> tuple[Voice, ...]:
    paths = sorted((Path(gateway.rehearsal.__file__).parent / "speech").glob("*.wav"))
    return tuple(_voice(read_telephone(path).astype(np.float64)) for path in paths)


def lines(noise: Noise | None, seed: int) -> Iterator[Line]:
    """Each voice once, on a line of its own; voices in the background are those of the others."""
    rng = np.random.default_rng(seed)
    for index, voice in enumerate(voices()):
        lead, tail = (np.zeros(round(RATE * seconds)) for seconds in (LEAD_S, TAIL_S))
        sound = np.concatenate([lead, voice.sound, tail])
        if noise is not None:
            sound += _scaled(noise, len(sound), rng, index)
        yield Line(_mulaw(sound), LEAD_S * 1000 + voice.begins_ms, LEAD_S * 1000 + voice.ends_ms)


def only(noise: Noise, seconds: float, seed: int) -> bytes:
    """The noise alone, as mu-law."""
    return _mulaw(_scaled(noise, round(RATE * seconds), np.random.default_rng(seed), -1))


def _voice(sound: Floats) -> Voice:
    levels = np.sqrt((sound[: len(sound) // WINDOW * WINDOW].reshape(-1, WINDOW) ** 2).mean(axis=1))
    loud = levels > SPEECH * np.percentile(levels, 95)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(int), [0]]))).reshape(-1, 2)
    runs = [(int(begin), int(end)) for begin, end in edges if end - begin >= SHORTEST]
    level = np.sqrt((levels[loud] ** 2).mean())
    return Voice(sound * _amplitude(SPEECH_DB) / level, runs[0][0] * 10, runs[-1][1] * 10)


def _scaled(noise: Noise, size: int, rng: np.random.Generator, spare: int) -> Floats:
    match noise.kind:
        case "white":
            sound = rng.normal(0, 1, size)
        case "pink":
            sound = _pink(size, rng)
        case "hum":
            sound = _hum(size, rng)
        case "babble":
            sound = _babble(size, rng, spare)
        case _:
            return _knocks(size, rng) * _amplitude(SPEECH_DB - noise.snr_db + 6)
    return np.asarray(sound / np.sqrt((sound**2).mean()) * _amplitude(SPEECH_DB - noise.snr_db))


def _pink(size: int, rng: np.random.Generator) -> Floats:
    spectrum = np.fft.rfft(rng.normal(0, 1, size))
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    return np.asarray(np.fft.irfft(spectrum / np.sqrt(np.maximum(hertz, 50)), size))


def _hum(size: int, rng: np.random.Generator) -> Floats:
    """Mains at 50 Hz with its harmonics."""
    at = np.arange(size) / RATE
    parts = [np.sin(2 * np.pi * 50 * n * at + rng.uniform(0, 2 * np.pi)) / n for n in (1, 2, 3, 4, 5, 6, 7, 9, 11, 13)]
    return np.asarray(np.sum(parts, axis=0))


def _babble(size: int, rng: np.random.Generator, spare: int) -> Floats:
    """All other recordings, over and over, by VOICES at a time."""
    spoken = [
        np.concatenate([voice.sound[voice.begins_ms * 8 : voice.ends_ms * 8], np.zeros(int(rng.integers(800, 4000)))])
        for index, voice in enumerate(voices())
        if index != spare
    ]
    sound = np.zeros(size)
    for _ in range(VOICES):
        whole = np.concatenate([spoken[index] for index in rng.permutation(len(spoken))])
        sound += np.resize(np.roll(whole, int(rng.integers(len(whole)))), size)
    return sound


def _knocks(size: int, rng: np.random.Generator) -> Floats:
    """One a second, over a quiet line."""
    sound = rng.normal(0, 0.01, size)
    decay = np.exp(-np.arange(KNOCK_MS * 8 * 3) / (KNOCK_MS * 8) * 2.3)
    for second in range(size // RATE):
        at = round((second + rng.uniform(0.1, 0.7)) * RATE)
        length = min(len(decay), size - at)
        sound[at : at + length] += rng.normal(0, 1, length) * decay[:length]
    return sound


def _amplitude(level_db: float) -> float:
    return float(FULL_SCALE * 10 ** (level_db / 20))


def _mulaw(sound: Floats) -> bytes:
    return encode(np.clip(np.rint(sound), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16))
