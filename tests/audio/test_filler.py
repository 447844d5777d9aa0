"""The tone that fills a gap."""

from __future__ import annotations

import numpy as np

from gateway.audio.filler import FILLER, PEAK
from gateway.audio.level import SpeechMeter
from gateway.audio.mulaw import decode


def test_it_is_short_soft_and_does_not_click() -> None:
    sound = decode(FILLER).astype(float)
    assert 300 <= len(FILLER) / 8 <= 600
    assert 0.8 * PEAK < np.abs(sound).max() <= 1.1 * PEAK
    assert np.abs(np.diff(sound)).max() < PEAK / 2
    assert abs(sound[0]) < 20
    assert abs(sound[-1]) < 20


def test_its_echo_is_not_taken_for_a_caller() -> None:
    """What a hybrid returns is 20 dB below what was sent."""
    meter = SpeechMeter(8000, onset_ms=80, hangover_ms=300)
    echo = (decode(FILLER) / 10).astype(np.int16)
    assert not list(meter.push(echo.tobytes()))
