"""Speech quality by PESQ (ITU-T P.862), ours against libsamplerate's best, on recorded people.

The judges are in the dependency group `quality`; without them the tests say so and are skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from gateway.audio.line import Downlink, Uplink
from gateway.audio.mulaw import decode, encode
from tests.audio.signals import FULL_SCALE, RECORDINGS, Floats, Pcm, recording

pytestmark = pytest.mark.slow
WHY = "PESQ and libsamplerate judge the sound: install the dependency group `quality`"


def converted(pcm: Pcm, ratio: float) -> Pcm:
    """libsamplerate's sinc_best over the whole sound at once."""
    samplerate = pytest.importorskip("samplerate", reason=WHY)
    values = cast(Floats, samplerate.resample(pcm / 32_768, ratio, "sinc_best"))
    return np.clip(np.rint(values * 32_768), -32_768, 32_767).astype(np.int16)


def score(reference: Pcm, heard: Pcm, rate: int) -> float:
    pesq = pytest.importorskip("pesq", reason=WHY)
    size = min(len(reference), len(heard))
    return float(pesq.pesq(rate, reference[:size], heard[:size], "nb" if rate == 8000 else "wb"))


def spoken(path: Path) -> Pcm:
    """A recording as P.862 wants it: at -26 dBov, with half a second of silence around it."""
    pcm = recording(path).astype(np.float64)
    level = FULL_SCALE * 10 ** (-26 / 20) / np.sqrt(np.mean(pcm**2))
    return np.pad(np.clip(np.rint(pcm * level), -32_768, 32_767).astype(np.int16), 8000)


def down(path: Path) -> float:
    """24 kHz -> mu-law -> what the caller hears, narrow band: ours less theirs."""
    speech = spoken(path)
    model, line = converted(speech, 1.5), converted(speech, 0.5)
    downlink = Downlink()
    ours = score(line, decode(downlink.push(model.tobytes()) + downlink.flush()), 8000)
    best = score(line, decode(encode(converted(model, 1 / 3))), 8000)
    return shown(f"down {path.stem}", ours, best)


def up(path: Path) -> float:
    """Mu-law -> 16 kHz -> what the model hears, wide band, against the speech before mu-law: ours less theirs."""
    line = converted(spoken(path), 0.5)
    ideal, mulaw = converted(line, 2), encode(line)
    ours = score(ideal, np.frombuffer(Uplink().push(mulaw), np.int16), 16_000)
    best = score(ideal, converted(decode(mulaw), 2), 16_000)
    return shown(f"up {path.stem}", ours, best)


def shown(what: str, ours: float, best: float) -> float:
    print(f"{what}: ours {ours:.3f}, sinc_best {best:.3f}")  # noqa: T201 (pytest -s shows the measurement)
    return ours - best


@pytest.mark.parametrize(("direction", "mean", "each"), [(down, 0.02, 0.1), (up, 0.05, 0.1)], ids=["down", "up"])
def test_is_as_good_as_sinc_best(direction: Callable[[Path], float], mean: float, each: float) -> None:
    """In the mean over the recordings, and none of them far off."""
    differences = [direction(path) for path in RECORDINGS]
    assert len(differences) == 5
    assert np.mean(differences) >= -mean
    assert min(differences) >= -each
