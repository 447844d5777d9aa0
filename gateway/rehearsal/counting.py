"""Numbers as sound: a word is two tones, one of 16 low ones and one of 16 high ones, so that whoever hears it can tell
which number it was, and a row of them shows what is missing and what came twice.

A word lasts 240 ms, a message of the real server's: its words and its sound are cut in the same places. webrtcvad and
the energy meter take it for speech (measured through mu-law at three levels).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gateway.rehearsal.voice import RATE, Speaker

WORD_MS = 240
TONE_MS = 200  # the rest is the pause that parts one word from the next
NUMBERS = 256
OTHER = NUMBERS - 1  # stands for any word that is no number

LOWS = np.arange(400.0, 1040.0, 40.0)
HIGHS = np.arange(1200.0, 2800.0, 100.0)
AMPLITUDE = 5_000
LOUD = 400  # of 32768: far above what mu-law and the filters leave in a pause
STEP_MS = 10
LEAST_MS = 60  # a shorter piece can't be told from a click
WHOLE_MS = 100  # half of the tone: so much of a word makes it heard

Complex = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Word:
    """One number, `at_ms` after the sound's beginning; `ms` of its tone were there."""

    number: int
    at_ms: float
    ms: float

    @property
    def whole(self) -> bool:
        return self.ms >= WHOLE_MS


def say(text: str, _speaker: Speaker) -> tuple[bytes, int]:
    """A voice's engine (see `voice`): each word of the text as its number."""
    words = [word.strip(".,!?") for word in text.split()]
    numbers = [int(word) % NUMBERS if word.isdecimal() else OTHER for word in words]
    return b"".join(spoken(number, RATE) for number in numbers), RATE


@lru_cache(maxsize=2 * NUMBERS)
def spoken(number: int, rate: int) -> bytes:
    """One word, 16-bit PCM, WORD_MS long."""
    count = TONE_MS * rate // 1000
    t = np.arange(count) / rate
    edge = np.minimum(1.0, np.minimum(np.arange(count), np.arange(count)[::-1]) / (rate * 0.008))
    low, high = LOWS[number // 16], HIGHS[number % 16]
    tone = AMPLITUDE * edge * (np.sin(2 * np.pi * low * t) + np.sin(2 * np.pi * high * t))
    sound: bytes = tone.astype("<i2").tobytes()
    return sound + bytes(2 * ((WORD_MS - TONE_MS) * rate // 1000))


def words(pcm: NDArray[np.int16], rate: int) -> tuple[Word, ...]:
    """The numbers in a sound, those too that were cut off in the middle, in order. One that came in pieces, because the
    line ran dry for a moment, is one."""
    found: list[Word] = []
    for begin, end in _loud(pcm, rate):
        for word in _in(pcm, begin, end, rate):
            before = found[-1] if found else None
            if before and before.number == word.number and before.ms + word.ms <= TONE_MS + STEP_MS:
                word = Word(word.number, before.at_ms, before.ms + word.ms)
                found.pop()
            found.append(word)
    return tuple(found)


class Ears:
    """Ears (see `rehearsal.ears`) that know numbers alone."""

    def __init__(self) -> None:
        self.engine = "counting"
        self.unknown: tuple[str, ...] = ()

    def hear(self, pcm: bytes, rate: int) -> str:
        """The whole numbers, as text."""
        found = words(np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2"), rate)
        return " ".join(str(word.number) for word in found if word.whole)


def _loud(pcm: NDArray[np.int16], rate: int) -> Iterator[tuple[int, int]]:
    """Where there is sound: from sample to sample."""
    step = STEP_MS * rate // 1000
    count = len(pcm) // step
    level = np.sqrt((pcm[: count * step].reshape(count, step).astype(np.float64) ** 2).mean(axis=1))
    edges = np.flatnonzero(np.diff(np.concatenate(([False], level > LOUD, [False])).astype(np.int8)))
    for begin, end in edges.reshape(-1, 2):
        yield int(begin) * step, int(end) * step


def _in(pcm: NDArray[np.int16], begin: int, end: int, rate: int) -> Iterator[Word]:
    """The words of one piece of sound. One that is longer than a tone is several, which were joined at a cut."""
    tone = TONE_MS * rate // 1000
    pieces = max(1, round((end - begin) / tone))
    for at in range(pieces):
        first = begin + at * (end - begin) // pieces
        last = begin + (at + 1) * (end - begin) // pieces
        if (last - first) * 1000 >= LEAST_MS * rate:
            yield Word(_number(pcm[first:last], rate), first * 1000 / rate, (last - first) * 1000 / rate)


def _number(pcm: NDArray[np.int16], rate: int) -> int:
    """By the tone's first part: no more is needed, and it may be all there is."""
    begin = pcm[: WHOLE_MS * rate // 1000]
    power = np.abs(_turns(len(begin), rate) @ begin)
    return int(np.argmax(power[: len(LOWS)])) * 16 + int(np.argmax(power[len(LOWS) :]))


@lru_cache(maxsize=64)
def _turns(count: int, rate: int) -> Complex:
    """One row a tone: what, times the samples, gives its strength in them."""
    tones = np.concatenate((LOWS, HIGHS))
    angles = 2 * np.pi / rate * np.outer(tones, np.arange(count))
    return np.asarray(np.exp(-1j * angles) * np.hanning(count), np.complex128)
