"""Hearing: known lines by people on a phone line, and everything else."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from gateway.audio import mulaw
from gateway.rehearsal import ears
from gateway.rehearsal.ears import Ears, normal
from gateway.rehearsal.rates import resample
from gateway.rehearsal.voice import choose

SPEECH = Path(ears.__file__).parent / "speech"
LINES = {
    "cards-001": "Ten of clubs.",
    "cards-005": "Eight of spades, four of clubs, seven of hearts.",
    "librivox-0880": "He was not an ill disposed young man.",
    "librivox-0890": "Unless to be rather cold hearted, and rather selfish, is to be ill disposed.",
    "librivox-0930": "He might even have been made amiable himself.",
}


@pytest.fixture(scope="module")
def known() -> Ears:
    return Ears(tuple(LINES.values()))


def recorded(name: str) -> bytes:
    with wave.open(str(SPEECH / f"{name}.wav")) as file:
        return bytes(file.readframes(file.getnframes()))


def over_the_phone(pcm: bytes, rate: int) -> bytes:
    """As 8 kHz mu-law, back to PCM at 8 kHz."""
    narrow = np.frombuffer(resample(pcm, rate, 8_000), "<i2")
    return mulaw.decode(mulaw.encode(narrow)).astype("<i2").tobytes()


@pytest.mark.parametrize("name", LINES)
def test_people_are_understood_on_a_phone_line(known: Ears, name: str) -> None:
    assert known.hear(over_the_phone(recorded(name), 16_000), 8_000) == LINES[name]


@pytest.mark.parametrize(
    "words",
    ["Could you tell me the weather tomorrow?", "Hello.", "Yes, please.", "Where do you live?", "Seven of diamonds."],
)
def test_other_speech_is_not_forced_onto_a_line(known: Ears, words: str) -> None:
    assert known.hear(over_the_phone(choose(("pico",)).speak(words), 24_000), 8_000) == ""


@pytest.mark.parametrize("name", sorted(LINES)[1:])
def test_a_single_known_line_does_not_swallow_everything(name: str) -> None:
    alone = Ears(("Ten of clubs.",))
    assert alone.hear(over_the_phone(recorded("cards-001"), 16_000), 8_000) == "Ten of clubs."
    assert alone.hear(over_the_phone(recorded(name), 16_000), 8_000) == ""


def test_part_of_a_line_is_not_the_line(known: Ears) -> None:
    assert known.hear(recorded("librivox-0890")[: 16_000 * 2 * 2], 16_000) == ""


def test_silence_is_nothing(known: Ears) -> None:
    assert known.hear(bytes(32_000), 16_000) == ""
    assert known.hear(b"", 16_000) == ""


def test_a_line_with_a_word_outside_the_dictionary_is_told() -> None:
    heard = Ears(("Xyzzy plugh", "Ten of clubs."))
    assert heard.unknown == ("Xyzzy plugh",)
    assert heard.hear(recorded("cards-001"), 16_000) == "Ten of clubs."


def test_without_lines_or_engine_there_are_no_ears(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_name: str) -> object:
        raise ImportError

    assert Ears(()).engine == "none"
    monkeypatch.setattr("importlib.import_module", nothing)
    deaf = Ears(("Ten of clubs.",))
    assert (deaf.engine, deaf.hear(recorded("cards-001"), 16_000)) == ("none", "")


def test_normal_words() -> None:
    assert normal(" I\u2019d like -- to MOVE, it! ") == "i'd like to move it"
