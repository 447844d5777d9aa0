from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audio.line import Downlink, Uplink
from gateway.audio.mulaw import SILENCE, decode, encode
from gateway.audio.resample import Down3, Up2
from tests.audio.signals import noise, quantized, tone

# Loud, then silent until the filter's state is cleared, then quiet.
SOUND = np.concatenate(
    [quantized(noise(0.03, 24_000, 0)), np.zeros(9000, np.int16), quantized(noise(0.05, 24_000, -40))]
)
MULAW = encode(SOUND)
PCM = SOUND.tobytes() + b"\x01"  # half a sample at the end
MULAW_UP = Uplink().push(MULAW)
PCM_DOWN = Downlink().push(PCM)

CUTS = st.lists(st.one_of(st.integers(0, len(PCM)), st.integers(0, 12)), max_size=40)


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    """`stream` cut at these places; equal ones make empty pieces."""
    return [stream[a:b] for a, b in pairwise([0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)])]


@settings(deadline=None)
@given(CUTS)
def test_uplink_is_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    uplink = Uplink()
    assert b"".join(map(uplink.push, pieces(MULAW, cuts))) == MULAW_UP


@settings(deadline=None)
@given(CUTS)
def test_downlink_is_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    downlink = Downlink()
    assert b"".join(map(downlink.push, pieces(PCM, cuts))) == PCM_DOWN


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 160, 641])
def test_even_pieces(size: int) -> None:
    uplink, downlink = Uplink(), Downlink()
    mulaw, pcm = MULAW[:3000], PCM[:3001]
    assert b"".join(uplink.push(mulaw[i : i + size]) for i in range(0, 3000, size)) == Uplink().push(mulaw)
    assert b"".join(downlink.push(pcm[i : i + size]) for i in range(0, 3001, size)) == Downlink().push(pcm)


def test_the_chain_is_decoding_filtering_encoding() -> None:
    assert Up2().push(decode(MULAW)).tobytes() == MULAW_UP
    assert encode(Down3().push(SOUND)) == PCM_DOWN


def test_lengths() -> None:
    assert len(Uplink().push(bytes([SILENCE]) * 160)) == 640
    assert len(Downlink().push(bytes(960))) == 160
    assert Uplink().push(b"") == b""
    assert Downlink().push(b"") == b""


def test_silence_stays_silence() -> None:
    assert Uplink().push(bytes([SILENCE]) * 160) == bytes(640)
    assert Downlink().push(bytes(960)) == bytes([SILENCE]) * 160


def test_flush_ends_a_turn() -> None:
    pcm = quantized(tone(440, 24_000, seconds=0.1)).tobytes()
    downlink = Downlink()
    said = downlink.push(pcm + b"\x01") + downlink.flush()
    longer = Downlink().push(pcm + bytes(48_000))
    assert len(pcm) // 6 < len(said) <= len(pcm) // 6 + 168
    assert said == longer[: len(said)]
    assert downlink.flush() == b""
    assert downlink.push(pcm) == Downlink().push(pcm)


def test_reset_forgets() -> None:
    downlink, uplink = Downlink(), Uplink()
    downlink.push(PCM[:4321])
    downlink.reset()
    uplink.push(MULAW[:99])
    uplink.reset()
    assert downlink.push(PCM) == PCM_DOWN
    assert uplink.push(MULAW) == MULAW_UP
