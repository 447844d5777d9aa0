"""What sound costs: microseconds per 20 ms of one call, and how that compares with audioop.ratecv in the same run.

    python -m bench.audio

ratecv converts the same pieces, with state, but hardly filters: a yardstick for this machine, no alternative.
Each figure is the best of several runs, so that what else the machine does counts little. Takes about 5 seconds.
"""

from __future__ import annotations

import importlib
import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from timeit import Timer
from typing import Any

import numpy as np
import scipy

from gateway.audio.level import SpeechMeter
from gateway.audio.line import Downlink, Uplink
from gateway.audio.mulaw import decode, encode

audioop: Any = importlib.import_module("audioop")  # after ours, which has dealt with its warning

RUNS = 7
RUN_S = 0.04


@dataclass(frozen=True)
class Row:
    """`push` takes `ms` of sound; `yardstick` does the same by audioop."""

    name: str
    ms: int
    push: Callable[[], object]
    yardstick: Callable[[], object]


class Ratecv:
    """audioop's converter as a stream, mu-law on the line's side."""

    def __init__(self) -> None:
        self._state: Any = None

    def up(self, mulaw: bytes) -> bytes:
        pcm, self._state = audioop.ratecv(audioop.ulaw2lin(mulaw, 2), 2, 1, 8000, 16_000, self._state)
        return bytes(pcm)

    def down(self, pcm: bytes) -> bytes:
        converted, self._state = audioop.ratecv(pcm, 2, 1, 24_000, 8000, self._state)
        return bytes(audioop.lin2ulaw(converted, 2))


def sound(rate: int, ms: int) -> bytes:
    """Noise at -20 dBFS."""
    values = np.random.default_rng(1).normal(0, 3277, rate * ms // 1000)
    return np.clip(np.rint(values), -32_768, 32_767).astype(np.int16).tobytes()


def mulaw(ms: int) -> bytes:
    return encode(np.frombuffer(sound(8000, ms), np.int16))


def up(ms: int) -> Row:
    frame = mulaw(ms)
    return Row("Uplink.push", ms, partial(Uplink().push, frame), partial(Ratecv().up, frame))


def down(ms: int) -> Row:
    pcm = sound(24_000, ms)
    return Row("Downlink.push", ms, partial(Downlink().push, pcm), partial(Ratecv().down, pcm))


def codec() -> list[Row]:
    frame, pcm = mulaw(20), sound(8000, 20)
    return [
        Row("mulaw.decode", 20, partial(decode, frame), partial(audioop.ulaw2lin, frame, 2)),
        Row("mulaw.encode", 20, partial(encode, np.frombuffer(pcm, np.int16)), partial(audioop.lin2ulaw, pcm, 2)),
    ]


def meters() -> list[Row]:
    frame, pcm = mulaw(20), sound(16_000, 20)
    mulaw_ratecv = partial(Ratecv().up, frame)
    return [
        Row("SpeechMeter.push_mulaw, 8 kHz", 20, partial(SpeechMeter(8000).push_mulaw, frame), mulaw_ratecv),
        Row("SpeechMeter.push, 16 kHz", 20, partial(SpeechMeter(16_000).push, pcm), mulaw_ratecv),
    ]


def cost_us(call: Callable[[], object], ms: int) -> float:
    """Per 20 ms of sound."""
    timer = Timer(call)
    number = max(1, round(RUN_S / max(min(timer.repeat(3, 20)) / 20, 1e-8)))
    return min(timer.repeat(RUNS, number)) / number * 1e6 * 20 / ms


def main() -> None:
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}; µs per 20 ms of sound"
    )
    print(f"{'':32}{'push':>8}{'ours':>8}{'audioop':>9}{'ratio':>7}")
    for row in [up(20), up(40), down(20), down(40), down(240), *codec(), *meters()]:
        ours, theirs = cost_us(row.push, row.ms), cost_us(row.yardstick, row.ms)
        print(f"{row.name:32}{row.ms:>5} ms{ours:>8.2f}{theirs:>9.2f}{ours / theirs:>7.2f}")


if __name__ == "__main__":
    main()
