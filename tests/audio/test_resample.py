"""The acceptance table, measured on our converters. Figures as of 2026-11 stand beside the limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.signal import ellip, sosfilt

from gateway.audio.resample import Down3, Up2, _round
from tests.audio.signals import Floats, Pcm, db, fit, noise, quantized, tone

BAND = np.linspace(300, 3400, 63)


@dataclass(frozen=True)
class Case:
    """A converter, its rates and its limits."""

    converter: type[Up2] | type[Down3]
    source: int
    target: int
    rejection_db: float
    sinad_db: float
    design: tuple[float, float]  # stop band in dB, pass band's edge in Hz

    def run(self, pcm: Pcm) -> Pcm:
        return self.converter().push(pcm)

    def response(self, hz: float) -> complex:
        """Output over input at `hz`: gain and phase, both streams beginning at once."""
        into = quantized(tone(hz, self.source))
        (before,), _ = fit(into, self.source, hz)
        (after,), _ = fit(self.run(into), self.target, hz)
        return after / before

    def delay_ms(self, hz: float) -> float:
        turn = np.angle(self.response(hz + 10) / self.response(hz - 10))
        return float(-turn / (2 * np.pi * 20) * 1000)


DOWN = Case(Down3, 24_000, 8_000, rejection_db=90, sinad_db=92, design=(95, 3500))
UP = Case(Up2, 8_000, 16_000, rejection_db=85, sinad_db=90, design=(96, 3560))
BOTH = pytest.mark.parametrize("case", [DOWN, UP], ids=["down", "up"])


@BOTH
def test_ripple(case: Case) -> None:
    gains = [db(abs(case.response(hz))) for hz in BAND]
    assert max(gains) - min(gains) <= 0.05  # 0.020, 0.020
    assert max(abs(gain) for gain in gains) <= 0.05


def test_what_lies_above_4_khz_does_not_fold_over() -> None:
    """A tone in the band goes along: alone, what is left of the other one would vanish in rounding."""
    for hz in np.arange(4003, 12_000, 97.0):
        into = quantized(tone(hz, 24_000) + tone(1013, 24_000, level_db=-20))
        folded = abs(hz - 8000 * round(hz / 8000))
        (alias, _), _ = fit(DOWN.run(into), 8_000, folded, 1013)
        assert db(abs(tone(hz, 24_000).max() / alias)) >= DOWN.rejection_db, hz  # 94.8


def test_images_above_4_khz_are_gone() -> None:
    for hz in np.arange(53, 3999, 61.0):
        (_, image), _ = fit(UP.run(quantized(tone(hz, 8_000))), 16_000, hz, 8000 - hz)
        assert db(abs(tone(hz, 8_000).max() / image)) >= UP.rejection_db, hz  # 94.9


@BOTH
def test_sinad(case: Case) -> None:
    into = quantized(tone(997, case.source))
    (found,), rest = fit(case.run(into), case.target, 997)
    assert db(abs(found) / np.sqrt(2) / float(np.std(rest))) >= case.sinad_db  # 94.0, 92.3


@BOTH
def test_delay(case: Case) -> None:
    assert case.delay_ms(1000) <= 0.3  # 0.22, 0.28
    assert max(case.delay_ms(hz) for hz in BAND) <= 2.0  # 1.69, 1.60


def reference(case: Case, pcm: Pcm) -> Pcm:
    """The design as written down, in one go; any faster form must give the same."""
    sections = ellip(12, 0.02, *case.design, fs=max(case.source, case.target), output="sos")
    values: Floats = pcm.astype(np.float64)
    if case is UP:
        values = np.zeros(2 * len(pcm))
        values[::2] = 2.0 * pcm
    filtered = np.asarray(sosfilt(sections, values))
    return np.clip(np.round(filtered[2::3] if case is DOWN else filtered), -32_768, 32_767).astype(np.int16)


@BOTH
@pytest.mark.parametrize("level_db", [-40, -10, 10])
def test_is_the_design(case: Case, level_db: float) -> None:
    pcm = quantized(noise(0.2, case.source, level_db))
    assert np.array_equal(case.run(pcm), reference(case, pcm))


@BOTH
def test_full_scale_square_saturates_and_never_wraps(case: Case) -> None:
    half = case.source // 100
    out = case.run(np.tile(np.repeat(np.array([32_767, -32_768], np.int16), half), 10))
    assert (int(out.max()), int(out.min())) == (32_767, -32_768)
    halves = out.reshape(20, -1)
    settled = halves[:, case.target // 1000 :]  # 1 ms after each edge
    assert (settled[::2] > 20_000).all()
    assert (settled[1::2] < -20_000).all()


def test_rounding_is_half_to_even_and_clips() -> None:
    values = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 32_767.5, 1e9, -32_768.5, -1e9])
    assert _round(values).tolist() == [0, 2, 2, 0, -2, 32_767, 32_767, -32_768, -32_768]


@BOTH
@pytest.mark.parametrize("value", [32_767, -32_768])
def test_full_scale_offset_stays(case: Case, value: int) -> None:
    out = case.run(np.full(case.source, value, np.int16))[case.target // 2 :]
    assert np.abs(out.astype(int) - value).max() <= abs(value) * 0.0025  # the ripple


@BOTH
def test_silence_becomes_exactly_zero_and_leaves_no_trace(case: Case) -> None:
    converter = case.converter()
    converter.push(quantized(noise(0.1, case.source, 0)))
    quiet = np.zeros(case.source // 50, np.int16)
    frames = [converter.push(quiet) for _ in range(50)]
    assert not np.concatenate(frames[10:]).any()
    assert not converter._filter._state.any()  # no subnormals that would slow the filter down


@BOTH
def test_reset_makes_it_new(case: Case) -> None:
    converter = case.converter()
    pcm = quantized(noise(0.1, case.source, -20))[:-1]
    first = converter.push(pcm)
    converter.reset()
    assert np.array_equal(converter.push(pcm), first)


@BOTH
def test_nothing_in_nothing_out(case: Case) -> None:
    assert case.run(np.empty(0, np.int16)).tolist() == []


def test_up_gives_two_for_one_and_down_one_for_three() -> None:
    assert [len(Up2().push(np.ones(n, np.int16))) for n in (1, 2, 161, 5000)] == [2, 4, 322, 10_000]
    down = Down3()
    assert [len(down.push(np.ones(n, np.int16))) for n in (1, 1, 1, 2, 4, 480)] == [0, 0, 1, 0, 2, 160]


@pytest.mark.parametrize("extra", [0, 1, 2])
def test_flush_gives_the_rest_and_makes_it_new(extra: int) -> None:
    pcm = quantized(noise(0.1, 24_000, -10))[: 2397 + extra]
    down = Down3()
    whole = np.concatenate([down.push(pcm), down.flush()])
    longer = Down3().push(np.concatenate([pcm, np.zeros(24_000, np.int16)]))
    assert len(whole) > 799
    assert np.array_equal(whole, np.trim_zeros(longer[: 799 + 168], "b"))
    assert np.abs(longer[len(whole) :]).max() < 32  # -60 dBFS, of a sound that was cut off at -10
    assert np.array_equal(down.push(pcm), Down3().push(pcm))


def test_flush_sends_no_silence() -> None:
    down = Down3()
    assert down.flush().tolist() == []
    down.push(np.concatenate([quantized(noise(0.1, 24_000, -10)), np.zeros(12_000, np.int16)]))
    assert down.flush().tolist() == []
