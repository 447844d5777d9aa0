from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audio.level import END, SILENCE_DB, START, Edge, Gate, SpeechMeter, spoken_ms
from gateway.audio.mulaw import encode
from tests.audio.signals import RECORDINGS, noise, quantized, recording, tone

RATE = 16_000


def silence(seconds: float) -> bytes:
    return bytes(2 * round(RATE * seconds))


def hiss(seconds: float, level_db: float, seed: int = 1) -> bytes:
    return quantized(noise(seconds, RATE, level_db, seed)).tobytes()


def speech(seconds: float, level_db: float = -20) -> bytes:
    """Syllables: 160 ms of sound, 40 ms of near silence, and so on; `seconds` is a multiple of 0.2."""
    return (hiss(0.16, level_db) + hiss(0.04, level_db - 40)) * round(seconds * 5)


def edges(*sound: bytes, meter: SpeechMeter | None = None) -> list[tuple[str, float]]:
    meter = meter or SpeechMeter(RATE)
    return [(edge.kind, edge.at_ms) for edge in meter.push(b"".join(sound))]


# Where speech is -----------------------------------------------------------------------------------------------------


def test_edges_stand_where_speech_began_and_ended() -> None:
    sound = silence(1) + speech(1) + silence(1)
    assert edges(sound) == [("start", 1000.0), ("end", 1960.0)]


def test_speech_from_the_very_first_frame() -> None:
    assert edges(speech(1), silence(1)) == [("start", 0.0), ("end", 960.0)]


def test_an_edge_comes_as_soon_as_it_is_certain() -> None:
    meter = SpeechMeter(RATE, onset_ms=100, hangover_ms=200)
    assert edges(silence(1), hiss(0.099, -20), meter=meter) == []
    assert edges(hiss(0.001, -20), meter=meter) == [("start", 1000.0)]
    assert edges(silence(0.199), meter=meter) == []
    assert edges(silence(0.001), meter=meter) == [("end", 1100.0)]


def test_speaking_is_the_state_after_the_last_edge() -> None:
    meter = SpeechMeter(RATE)
    states = []
    for piece in (silence(1), speech(1), silence(1)):
        meter.push(piece)
        states.append(meter.speaking)
    assert states == [False, True, False]


def test_onset_and_hangover_are_rounded_up_to_frames() -> None:
    meter = SpeechMeter(RATE, onset_ms=0, hangover_ms=21)
    assert edges(hiss(0.02, -20), silence(0.02), meter=meter) == [("start", 0.0)]
    assert edges(silence(0.02), meter=meter) == [("end", 20.0)]


def test_pauses_shorter_than_the_hangover_do_not_end_speech() -> None:
    assert edges(speech(1), silence(0.24), speech(1), silence(1)) == [("start", 0.0), ("end", 2200.0)]


def test_clicks_are_no_speech() -> None:
    assert edges((silence(0.1) + hiss(0.06, -6)) * 20) == []


# What the line does --------------------------------------------------------------------------------------------------


def test_digital_silence_is_no_speech() -> None:
    assert edges(silence(5)) == []


@pytest.mark.parametrize("value", [1, -300, 20_000, -32_768, 32_767])
def test_an_offset_is_no_speech(value: int) -> None:
    meter = SpeechMeter(RATE)
    assert edges(np.full(2 * RATE, value, np.int16).tobytes(), meter=meter) == []
    assert meter.level_db == SILENCE_DB


@pytest.mark.parametrize("offset", [0, 100, 3000, 12_000, -20_000])
def test_speech_on_an_offset_is_speech(offset: int) -> None:
    pcm = np.frombuffer(silence(1) + speech(1, -26) + silence(1), np.int16).astype(int) + offset
    assert edges(pcm.astype(np.int16).tobytes()) == [("start", 1000.0), ("end", 1960.0)]


@pytest.mark.parametrize("level_db", [-70, -60, -50])
def test_the_noise_of_a_line_is_no_speech(level_db: float) -> None:
    assert edges(hiss(5, level_db)) == []


@pytest.mark.parametrize("level_db", [-40, -30, -20, -10])
def test_steady_noise_is_known_for_noise_within_two_seconds(level_db: float) -> None:
    (start, end) = edges(hiss(10, level_db))
    assert start == ("start", 0.0)
    assert end[0] == "end"
    assert end[1] <= 2000


def test_a_step_in_the_noise_gives_at_most_one_false_alarm() -> None:
    (start, end) = edges(hiss(5, -55), hiss(5, -35), hiss(5, -45), silence(1), hiss(5, -60))
    assert start == ("start", 5000.0)
    assert end[0] == "end"
    assert end[1] <= 7000


def test_a_lost_frame_in_noise_does_not_make_the_rest_speech() -> None:
    meter = SpeechMeter(RATE)
    edges(hiss(4, -35), meter=meter)
    assert edges(silence(0.02), hiss(4, -35), meter=meter) == []


def test_speech_over_noise_is_found() -> None:
    at = [hiss(4, -40), hiss(0.5, -20), hiss(2, -40)]
    assert edges(*at)[-2:] == [("start", 4000.0), ("end", 4500.0)]


def test_after_a_loud_passage_quiet_speech_is_found_again() -> None:
    found = edges(hiss(4, -20), silence(2), speech(1, -38), silence(1))
    assert found[-2:] == [("start", 6000.0), ("end", 6960.0)]


# Recorded people -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
@pytest.mark.parametrize("gate", ["high", "low"])
def test_recorded_speech_is_one_utterance(path: Path, gate: str) -> None:
    voice = recording(path).tobytes()
    meter = SpeechMeter(RATE, start=START["high" if gate == "high" else "low"], end=END["low"], hangover_ms=500)
    (start, end) = edges(silence(1), voice, silence(2), meter=meter)
    length_ms = len(voice) / RATE / 2 * 1000
    assert (start[0], end[0]) == ("start", "end")
    assert 1000 <= start[1] < 1500
    assert 1000 + length_ms * 0.75 < end[1] <= 1000 + length_ms + 20


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_recorded_speech_in_mulaw_over_line_noise(path: Path) -> None:
    voice = 0.5 * recording(path)[::2]  # telephone quality is none of the matter here
    calm = noise(3, 8000, -55)
    mulaw = encode(quantized(np.concatenate([calm, voice + noise(len(voice) / 8000, 8000, -55), calm])))
    meter = SpeechMeter(8000, hangover_ms=800)
    found = [edge for at in range(0, len(mulaw), 160) for edge in meter.push_mulaw(mulaw[at : at + 160])]
    assert [edge.kind for edge in found] == ["start", "end"]
    assert 3000 <= found[0].at_ms < 3500
    assert 2500 < found[1].at_ms - found[0].at_ms + 2000 < len(voice) / 8 + 2020


# Gates ---------------------------------------------------------------------------------------------------------------


def test_sensitivity_decides_over_faint_speech() -> None:
    faint = [silence(1), hiss(0.5, -40), silence(1)]
    assert edges(*faint, meter=SpeechMeter(RATE, start=START["high"])) == [("start", 1000.0), ("end", 1500.0)]
    assert edges(*faint, meter=SpeechMeter(RATE, start=START["low"])) == []
    assert edges(*faint, meter=SpeechMeter(RATE, start=Gate(-30, 6))) == []


def test_sensitivity_decides_over_a_fading_end() -> None:
    fading = [silence(1), hiss(0.5, -20), hiss(0.5, -49), silence(1)]
    assert edges(*fading, meter=SpeechMeter(RATE, end=END["high"]))[1] == ("end", 1500.0)
    assert edges(*fading, meter=SpeechMeter(RATE, end=END["low"]))[1] == ("end", 2000.0)


def test_a_gate_is_the_louder_of_level_and_margin() -> None:
    gate = Gate(level_db=-40, margin_db=6)
    assert gate.over(10) == pytest.approx(327.68)
    assert gate.over(1000) == pytest.approx(1995, abs=1)


# The stream ----------------------------------------------------------------------------------------------------------

STREAM = b"".join([hiss(0.3, -55), speech(0.6), silence(0.5), hiss(0.21, -30), silence(0.4)])
CUTS = st.lists(st.one_of(st.integers(0, len(STREAM)), st.integers(0, 700)), max_size=40)


@settings(deadline=None)
@given(CUTS)
def test_edges_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    whole, meter = SpeechMeter(RATE), SpeechMeter(RATE)
    expected = whole.push(STREAM)
    found: list[Edge] = []
    for a, b in pairwise([0, *sorted(cuts), len(STREAM)]):
        found.extend(meter.push(STREAM[a:b]))
        assert meter.position_ms == b / 32
    assert tuple(found) == expected
    assert len(found) == 4
    assert meter.level_db == whole.level_db


def test_mulaw_is_heard_as_its_pcm() -> None:
    mulaw = encode(np.frombuffer(STREAM, np.int16))
    meter = SpeechMeter(RATE)
    assert [(e.kind, e.at_ms) for e in meter.push_mulaw(mulaw)] == edges(STREAM)
    assert meter.position_ms == len(mulaw) / 16


@pytest.mark.parametrize("peak_db", [-1, -20, -57])
def test_level_is_dbfs(peak_db: float) -> None:
    meter = SpeechMeter(8000)
    assert meter.level_db == SILENCE_DB
    meter.push(quantized(tone(1000, 8000, level_db=peak_db)).tobytes())
    assert meter.level_db == pytest.approx(peak_db - 3.01, abs=0.2)
    meter.push(np.tile(np.array([32_767, -32_768], np.int16), 80).tobytes())
    assert meter.level_db == pytest.approx(0, abs=0.01)


def test_level_of_a_loud_frame_far_off_centre() -> None:
    meter = SpeechMeter(8000)
    meter.push(np.repeat(np.array([-32_768, 32_767], np.int16), [144, 16]).tobytes())
    assert meter.level_db == pytest.approx(20 * np.log10(2 * 0.3), abs=0.01)


@pytest.mark.parametrize("rate", [0, -8000, 11_025])
def test_rates_that_have_no_whole_frames_are_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="multiple of 50 Hz"):
        SpeechMeter(rate)


def test_importing_it_warns_nobody_and_needs_no_numpy() -> None:
    code = "import sys, gateway.audio.level; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_only_audioop_s_own_warning_is_silenced() -> None:
    code = "import warnings as w; a = w.filters[:]; import gateway.audio.level; assert w.filters == a"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_how_much_of_a_piece_of_sound_is_speech() -> None:
    quiet, loud = b"\xff" * 8 * 500, encode(quantized(tone(440, 8_000, 0.3)))
    assert spoken_ms(quiet + loud + quiet) == 300
    assert spoken_ms(quiet + loud) == 300
    assert spoken_ms(quiet) == 0
