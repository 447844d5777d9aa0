"""Voice activity on the sound's own clock. At 12 kHz webrtcvad has no say, so tones count as speech."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from gateway.rehearsal import ears
from gateway.rehearsal.standin import turns
from gateway.rehearsal.standin.setup import Detection
from gateway.rehearsal.standin.turns import PREROLL_MS, Began, Detector, Ended, Listener, Turn

RATE = 12_000
MS = RATE // 1000 * 2  # bytes
RECORDED = Path(ears.__file__).parent / "speech" / "cards-001.wav"


def tone(ms: int, rate: int = RATE) -> bytes:
    times = np.arange(ms * rate // 1000) / rate
    return (8_000 * np.sin(2 * np.pi * 400 * times)).astype("<i2").tobytes()


def quiet(ms: int, rate: int = RATE) -> bytes:
    return bytes(ms * rate // 1000 * 2)


def spans(found: tuple[Turn, ...]) -> list[tuple[float, ...]]:
    return [(turn.at_ms,) if isinstance(turn, Began) else (turn.start_ms, turn.end_ms) for turn in found]


@pytest.mark.parametrize("size", [1, 479, 480, 100_000])
def test_a_turn_is_the_same_in_pieces_of_any_size(size: int) -> None:
    sound = quiet(1000) + tone(400) + quiet(1000)
    ear = Listener(Detection())
    found: tuple[Turn, ...] = ()
    for at in range(0, len(sound), size):
        found += ear.push(sound[at : at + size], RATE)
    assert found[0] == Began(1000.0)
    assert isinstance(found[1], Ended)
    start = 1000 - PREROLL_MS
    assert found[1:] == (Ended(1000.0, 1400.0, sound[start * MS : 1900 * MS], RATE),)
    assert found[1].seconds == pytest.approx(0.4)
    assert (ear.clock_ms, ear.speaking) == (2400.0, False)


def test_speaking_lasts_until_the_silence_is_long_enough() -> None:
    ear = Listener(Detection(silence_ms=300))
    assert spans(ear.push(quiet(200) + tone(200), RATE)) == [(200.0,)]
    assert ear.speaking
    assert ear.push(quiet(280), RATE) == ()
    assert spans(ear.push(quiet(20), RATE)) == [(200.0, 400.0)]


def test_flush_ends_the_turn_here_and_what_follows_is_new() -> None:
    ear = Listener(Detection())
    assert ear.flush() == ()
    assert spans(ear.push(tone(300) + bytes(7), RATE)) == [(0.0,)]
    assert spans(ear.flush()) == [(0.0, 300.0)]
    found = ear.push(quiet(100) + tone(300), RATE) + ear.flush()
    assert spans(found) == [(400.0,), (400.0, 700.0)]
    assert found[1] == Ended(400.0, 700.0, quiet(100) + tone(300), RATE)


def test_another_rate_begins_anew() -> None:
    ear = Listener(Detection())
    ear.push(tone(300), RATE)
    assert spans(ear.push(quiet(100, 24_000) + tone(300, 24_000), 24_000)) == [(0.0, 300.0), (400.0,)]


@pytest.mark.parametrize("rate", [0, 50, 8_001, 48_050, 999_950])
def test_rates_that_are_refused(rate: int) -> None:
    with pytest.raises(ValueError, match=f"{rate} Hz"):
        Listener(Detection()).push(bytes(100), rate)


def test_manual_activity_counts_alone() -> None:
    ear = Listener(Detection(manual=True))
    assert ear.push(tone(500), RATE) == ()
    assert ear.start() == (Began(500.0),)
    assert ear.start() == ()
    assert ear.push(tone(100), RATE) == ()
    assert ear.end() == (Ended(500.0, 600.0, tone(100), RATE),)
    assert ear.end() == ()


def test_a_very_long_turn_is_kept_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MAX_MS", 100)
    ear = Listener(Detection(manual=True))
    ear.start()
    ear.push(tone(1000), RATE)
    [ended] = ear.end()
    assert isinstance(ended, Ended)
    assert (ended.seconds, len(ended.pcm)) == (1.0, 100 * MS)


def recorded() -> bytes:
    with wave.open(str(RECORDED)) as file:
        return bytes(file.readframes(file.getnframes()))


@pytest.mark.parametrize("engine", ["webrtcvad", "none"])
def test_a_person_is_heard_with_both_detectors_or_with_one(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_name: str) -> object:
        raise ImportError

    if engine == "none":
        monkeypatch.setattr("importlib.import_module", nothing)
    ear = Listener(Detection())
    found = ear.push(quiet(1000, 16_000) + recorded() + quiet(1000, 16_000), 16_000)
    assert [type(turn) for turn in found] == [Began, Ended]
    [(start,), (_, end)] = spans(found)
    assert 950 <= start <= 1_250
    assert 1_600 <= end <= 2_150


def frames(detector: Detector, sound: bytes) -> list[float]:
    size = 640
    changes = []
    for at in range(0, len(sound) - size + 1, size):
        if detector.frame(sound[at : at + size]):
            changes.append(detector.since_ms)
    return changes


def test_what_is_loud_but_no_voice_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_voiced", lambda _rate: lambda _frame: False)
    assert frames(Detector(16_000, Detection()), tone(1000, 16_000)) == []


def test_noise_that_goes_on_after_the_voice_ends_the_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    voiced = [True] * 20 + [False] * 200
    monkeypatch.setattr(turns, "_voiced", lambda _rate: lambda _frame: voiced.pop(0))
    assert frames(Detector(16_000, Detection(silence_ms=200)), tone(800, 16_000)) == [0.0, 400.0]
