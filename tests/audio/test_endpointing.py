from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audio.endpointing import LONGEST_MS, Endpointer
from gateway.audio.level import Edge
from gateway.audio.mulaw import encode
from tests.audio.signals import RECORDINGS, Floats, noise, quantized, recording, tone

RATE = 8000
NOTHING: list[tuple[str, float]] = []


def silence(ms: int) -> bytes:
    return b"\xff" * (ms * 8)


def hiss(ms: int, level_db: float, seed: int = 1) -> bytes:
    return encode(quantized(noise(ms / 1000, RATE, level_db, seed)))


def speech(ms: int, level_db: float = -26) -> bytes:
    """Syllables: 160 ms of sound, 40 ms of near silence, and so on; `ms` is a multiple of 200."""
    return (hiss(160, level_db) + hiss(40, level_db - 40)) * (ms // 200)


def told(*sound: bytes, ear: Endpointer | None = None) -> list[tuple[str, float]]:
    ear = ear or Endpointer(80, 500)
    return [(edge.kind, edge.at_ms) for edge in ear.push(b"".join(sound))]


def person(path: Path) -> Floats:
    """A recording at 8 kHz, a little under the nominal level; every second sample, which is good enough for ears."""
    sound = recording(path).astype(np.float64)
    sound = (sound[::2][: len(sound) // 2] + sound[1::2][: len(sound) // 2]) / 2
    return np.asarray(sound * (3000 / np.sqrt((sound**2).mean())))


# Where speech is -----------------------------------------------------------------------------------------------------


def test_edges_stand_where_speech_began_and_ended() -> None:
    assert told(silence(1000), speech(1000), silence(1000)) == [("start", 1000), ("end", 1960)]


def test_an_edge_comes_as_soon_as_it_is_certain() -> None:
    ear = Endpointer(80, 200)
    assert told(hiss(1000, -55), hiss(79, -20), ear=ear) == NOTHING
    assert told(hiss(1, -20), ear=ear) == [("start", 1000)]
    assert told(hiss(199, -55), ear=ear) == NOTHING
    assert told(hiss(1, -55), ear=ear) == [("end", 1080)]


def test_speaking_is_the_state_after_the_last_edge() -> None:
    ear = Endpointer(80, 500)
    states = []
    for piece in (silence(1000), speech(1000), silence(1000)):
        ear.push(piece)
        states.append(ear.speaking)
    assert states == [False, True, False]


def test_position_counts_what_was_pushed() -> None:
    ear = Endpointer(80, 500)
    for size in (160, 1, 7):
        ear.push(bytes([255]) * size)
    assert ear.position_ms == 21


def test_durations_are_rounded_up_to_frames() -> None:
    assert told(silence(20), hiss(20, -20), silence(40), ear=Endpointer(0, 21)) == [("start", 20), ("end", 40)]


def test_pauses_shorter_than_the_silence_do_not_end_speech() -> None:
    assert told(speech(1000), silence(440), speech(1000), silence(1000)) == [("start", 0), ("end", 2400)]


def test_a_start_may_need_more_speech_for_a_while() -> None:
    ear = Endpointer(80, 200)
    ear.need(200)
    assert told(silence(500), hiss(180, -20), silence(500), ear=ear) == NOTHING
    ear.need(80)
    assert told(hiss(180, -20), silence(500), ear=ear) == [("start", 1180), ("end", 1360)]


def test_a_click_delays_an_end_and_undoes_it_not() -> None:
    ear = Endpointer(80, 500)
    told(silence(1000), speech(1000), silence(300), ear=ear)
    assert told(hiss(20, -20), ear=ear) == NOTHING
    assert told(silence(219), ear=ear) == NOTHING  # 500 less the 340 that had gone by, and 60 for the click
    assert told(silence(1), ear=ear) == [("end", 1960)]


def test_clicks_are_no_speech() -> None:
    assert told((silence(100) + hiss(60, -6)) * 20) == NOTHING


# What the line does --------------------------------------------------------------------------------------------------


def test_digital_silence_is_no_speech() -> None:
    assert told(silence(5000)) == NOTHING


@pytest.mark.parametrize("level_db", [-70, -50, -40, -33])
def test_the_noise_of_a_line_is_no_speech(level_db: float) -> None:
    assert told(hiss(10_000, level_db)) == NOTHING
    assert told(silence(3000), hiss(10_000, level_db)) == NOTHING


def test_a_humming_line_is_no_speech() -> None:
    assert told(encode(quantized(tone(50, RATE, 10, -34)))) == NOTHING


def test_noise_that_sets_in_is_known_for_noise_after_a_while() -> None:
    (start, start_ms), (end, end_ms) = told(hiss(5000, -58), hiss(20_000, -30))
    assert (start, start_ms, end) == ("start", 5000, "end")
    assert 6600 <= end_ms <= 6800


def test_speech_over_noise_that_set_in_is_heard() -> None:
    ear = Endpointer(80, 500)
    told(hiss(3000, -58), hiss(5000, -36), ear=ear)
    loud = encode(quantized(noise(1, RATE, -20) + noise(1, RATE, -36, 2)))
    assert told(loud, hiss(1000, -36, 3), ear=ear) == [("start", 8000), ("end", 9000)]


def test_a_line_that_grows_quiet_is_heard_better() -> None:
    ear = Endpointer(80, 500)
    assert told(hiss(5000, -34), hiss(1000, -58), ear=ear) == NOTHING
    assert told(speech(1000, -42), silence(1000), ear=ear) == [("start", 6000), ("end", 6960)]


def test_who_speaks_from_the_first_frame_is_heard() -> None:
    assert told(speech(1000, -20), silence(1000)) == [("start", 0), ("end", 960)]


def test_what_never_ends_is_ended() -> None:
    """Half of all frames loud, the others not much less: gaps as in speech, and never silence."""
    swinging = (hiss(100, -20) + hiss(100, -30) + hiss(60, -58)) * 400
    (start, start_ms), (end, end_ms) = told(hiss(1000, -58), swinging)[:2]
    assert (start, start_ms, end) == ("start", 1000, "end")
    assert LONGEST_MS <= end_ms <= 1000 + LONGEST_MS + 80


# People --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
@pytest.mark.parametrize("snr_db", [None, 20, 10])
def test_people_are_heard_once_and_soon(path: Path, snr_db: int | None) -> None:
    lead, tail = np.zeros(2 * RATE), np.zeros(RATE * 3 // 2)
    line = np.concatenate([lead, person(path), tail])
    if snr_db is not None:
        line = line + noise(len(line) / RATE, RATE, -20.8 - snr_db)[: len(line)]
    edges = Endpointer(80, 500).push(encode(np.clip(np.rint(line), -32_768, 32_767).astype(np.int16)))
    assert [edge.kind for edge in edges] == ["start", "end"]
    assert 1960 <= edges[0].at_ms <= 2000 + 340
    assert edges[1].at_ms >= 2000 + len(person(path)) / 8 - 560  # breath and room at its end


# Any pieces ----------------------------------------------------------------------------------------------------------

STREAM = hiss(700, -50) + speech(800) + hiss(600, -50, 2) + speech(600, -34) + hiss(700, -48, 3) + hiss(40, -20)


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=40))
def test_any_pieces_give_the_same_edges(cuts: list[int]) -> None:
    ear = Endpointer(60, 300)
    bounds = [0, *sorted(cuts), len(STREAM)]
    found = [edge for begin, end in pairwise(bounds) for edge in ear.push(STREAM[begin:end])]
    assert found == Endpointer(60, 300).push(STREAM)
    assert len(found) == 4


@settings(max_examples=60, deadline=None)
@given(
    pieces=st.lists(st.tuples(st.integers(1, 60), st.integers(-60, -6)), max_size=30),
    prefix_ms=st.integers(0, 1000),
    silence_ms=st.integers(100, 1000),
)
def test_edges_alternate_and_never_go_back(pieces: list[tuple[int, int]], prefix_ms: int, silence_ms: int) -> None:
    ear = Endpointer(prefix_ms, silence_ms)
    edges: list[Edge] = []
    for frames, level_db in pieces:
        found = ear.push(hiss(frames * 20, level_db))
        assert all(edge.at_ms <= ear.position_ms for edge in found)
        edges += found
    assert [edge.kind for edge in edges] == (["start", "end"] * len(edges))[: len(edges)]
    assert [edge.at_ms for edge in edges] == sorted(edge.at_ms for edge in edges)
