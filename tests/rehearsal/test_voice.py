"""Speech: the ladder, equal bytes for equal text, lengths and levels."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.rehearsal import voice
from gateway.rehearsal.rates import resample
from gateway.rehearsal.voice import RATE, Speaker, Voice, VoiceError, choose, sentences, speaker_for

LINE = "This is a rehearsal: I am a script, not a model."


def test_pico_speaks_at_a_natural_pace() -> None:
    speech = choose(("pico",))
    seconds = len(speech.speak(LINE)) / (2 * RATE)
    assert speech.name == "pico"
    assert 2.5 < seconds < 4.5


def test_equal_text_gives_equal_bytes_from_a_fresh_voice() -> None:
    assert {choose(("pico",)).speak(LINE) for _ in range(5)} == {choose(("pico",)).speak(LINE)}


def test_pico_does_not_clip_and_ends_without_its_long_tail() -> None:
    samples = np.frombuffer(choose(("pico",)).speak(LINE), "<i2").astype(int)
    assert 8_000 < np.abs(samples).max() < 32_700
    quiet = len(samples) - 1 - int(np.flatnonzero(np.abs(samples) > 200)[-1])
    assert quiet / RATE * 1000 <= voice.PAUSE_MS + voice.TAIL_MS + 1


def test_voices_differ_and_each_stays_itself() -> None:
    speech = choose(("pico",))
    assert speaker_for("Aoede") == speaker_for("Aoede")
    assert speech.speak(LINE, speaker_for("Aoede")) != speech.speak(LINE, speaker_for("Charon"))


@pytest.mark.parametrize(
    ("language", "spoken"),
    [("de-DE", "de-DE"), ("de-AT", "de-DE"), ("en-GB", "en-GB"), ("fr-CA", "fr-FR")],
)
def test_a_language_that_pico_has_is_spoken(language: str, spoken: str) -> None:
    assert speaker_for("Kore", language).language == spoken


def test_a_language_that_pico_lacks_is_spoken_in_english() -> None:
    assert speaker_for("Kore", "ja-JP").language.startswith("en-")


def test_sentences() -> None:
    assert sentences(" One.  Two? … Three!\nFour") == ("One.", "Two?", "Three!", "Four")
    assert sentences(" ... ") == ()


def test_the_ladder_falls_to_tones_where_nothing_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_name: str) -> object:
        raise ImportError

    monkeypatch.setattr("shutil.which", lambda _program: None)
    monkeypatch.setattr("importlib.import_module", nothing)
    speech = choose()
    assert speech.name == "tones"
    assert len(speech.speak("one two three")) > len(speech.speak("one two")) > RATE // 2


def test_an_external_program_is_called_with_the_text_on_its_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = (np.sin(np.arange(2_205)) * 9_000).astype("<i2").tobytes()
    wav = (
        b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x01\0"
        + (22_050).to_bytes(4, "little")
        + bytes(8)
        + b"data\0\0\0\0"
    )
    seen: list[tuple[list[str], str]] = []

    def run(command: list[str], text: str) -> bytes:
        seen.append((command, text))
        return wav + sound

    monkeypatch.setattr("shutil.which", lambda program: f"/bin/{program}")
    monkeypatch.setattr(voice, "_run", run)
    speech = choose(("espeak",))
    assert speech.name == "espeak"
    assert len(speech.speak("-v", Speaker("en-GB"))) > 0
    assert seen == [(["/bin/espeak-ng", "--stdin", "--stdout", "-v", "en", "-p", "50"], "-v")]


def test_a_program_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _program: "/nowhere/espeak-ng")
    with pytest.raises(VoiceError, match="/nowhere/espeak-ng can't speak"):
        choose(("espeak",)).speak("Hello.")


def test_no_wav_is_named() -> None:
    with pytest.raises(VoiceError, match="wrote no WAV"):
        voice.wav_sound(b"oops")


def test_a_sentence_is_rendered_once() -> None:
    calls: list[str] = []

    def engine(text: str, speaker: Speaker) -> tuple[bytes, int]:
        calls.append(text)
        return voice.tones(text, speaker)

    speech = Voice("test", engine)
    assert speech.speak("Yes. Yes. No.") == speech.speak("Yes. Yes. No.")
    assert calls == ["Yes.", "No."]


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
