"""Resampling: a tone keeps its pitch and level, what would alias is gone."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.rehearsal.rates import resample


@pytest.mark.parametrize(("source", "target"), [(16_000, 24_000), (8_000, 16_000), (22_050, 24_000), (24_000, 16_000)])
def test_resampling_keeps_a_tone_in_pitch_and_level(source: int, target: int) -> None:
    tone = (10_000 * np.sin(2 * np.pi * 1_000 * np.arange(source) / source)).astype("<i2")
    out = np.frombuffer(resample(tone.tobytes(), source, target), "<i2").astype(float)
    expected = 10_000 * np.sin(2 * np.pi * 1_000 * np.arange(len(out)) / target)
    inner = slice(200, -200)
    assert len(out) == target
    assert np.abs(out - expected)[inner].max() < 10


def test_resampling_down_removes_what_would_alias() -> None:
    tone = (10_000 * np.sin(2 * np.pi * 10_500 * np.arange(24_000) / 24_000)).astype("<i2")
    out = np.frombuffer(resample(tone.tobytes(), 24_000, 16_000), "<i2").astype(float)
    assert np.abs(out[200:-200]).max() < 10


def test_the_same_rate_and_nothing_at_all() -> None:
    assert resample(b"\x01\x02\x03", 8_000, 8_000) == b"\x01\x02"
    assert resample(b"", 8_000, 16_000) == resample(b"\x01", 8_000, 16_000) == b""
    assert len(resample(b"\x01\x02", 8_000, 48_000)) == 12
    assert resample(b"\x01\x02", 48_000, 8_000) == b""


def test_full_scale_does_not_wrap_round() -> None:
    square = np.repeat(np.tile([32_767, -32_768], 50), 20).astype("<i2")
    out = np.frombuffer(resample(square.tobytes(), 8_000, 16_000), "<i2").astype(int)
    assert out.max() == 32_767
    assert out.min() == -32_768
    assert (np.sign(out[4::80]) == 1).all()
