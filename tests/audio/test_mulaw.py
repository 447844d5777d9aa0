from __future__ import annotations

import importlib

import numpy as np
import pytest

from gateway.audio import mulaw

EVERY_CODE = bytes(range(256))
EVERY_SAMPLE = np.arange(-32_768, 32_768).astype(np.int16)
audioop = importlib.import_module("audioop")  # after ours, which has dealt with its warning


def g191(sample: int) -> int:
    """The encoder of ITU-T G.191's text, in words: ones' complement, 14 bits, bias 33, segment and step, inverted."""
    sign, magnitude = (0x80, ~sample) if sample < 0 else (0, sample)
    biased = min((magnitude >> 2) + 33, 0x1FFF)
    segment = biased.bit_length() - 6
    step = (biased >> (segment + 1)) & 0x0F
    return ~(sign | segment << 4 | step) & 0xFF


def test_every_code_decodes_as_audioop_has_it() -> None:
    assert mulaw.decode(EVERY_CODE).tobytes() == audioop.ulaw2lin(EVERY_CODE, 2)


def test_every_sample_encodes_as_g711_defines_it() -> None:
    assert mulaw.encode(EVERY_SAMPLE) == bytes(g191(int(sample)) for sample in EVERY_SAMPLE)


@pytest.mark.parametrize(
    ("sample", "code"),
    [
        (0, 0xFF), (3, 0xFF), (4, 0xFE), (11, 0xFE), (12, 0xFD), (123, 0xF0), (124, 0xEF), (379, 0xE0), (380, 0xDF),
        (16_251, 0x90), (16_252, 0x8F), (31_611, 0x81), (31_612, 0x80), (32_635, 0x80), (32_767, 0x80),
        (-1, 0x7F), (-4, 0x7F), (-5, 0x7E), (-124, 0x70), (-125, 0x6F), (-16_252, 0x10), (-16_253, 0x0F),
        (-31_613, 0x00), (-32_768, 0x00),
    ],
)  # fmt: skip
def test_decision_values_of_tables_2a_and_2b(sample: int, code: int) -> None:
    assert mulaw.encode(np.array([sample], np.int16)) == bytes([code])


def test_codes_survive_a_round_trip_but_for_negative_zero() -> None:
    assert mulaw.encode(mulaw.decode(EVERY_CODE)) == EVERY_CODE.replace(b"\x7f", b"\xff")


def test_audioop_encodes_508_negative_samples_one_step_off() -> None:
    theirs = np.frombuffer(audioop.lin2ulaw(EVERY_SAMPLE.tobytes(), 2), np.uint8).astype(int)
    ours = np.frombuffer(mulaw.encode(EVERY_SAMPLE), np.uint8).astype(int)
    differing = EVERY_SAMPLE[ours != theirs]
    assert len(differing) == 508
    assert (differing < 0).all()
    assert np.abs(ours - theirs).max() == 1


def test_silence_is_zero_and_nothing_stays_nothing() -> None:
    assert mulaw.decode(bytes([mulaw.SILENCE])).tolist() == [0]
    assert mulaw.encode(np.zeros(2, np.int16)) == bytes([mulaw.SILENCE]) * 2
    assert mulaw.encode(mulaw.decode(b"")) == b""
