"""Speech: the ladder, equal bytes for equal text, lengths and levels."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gateway.rehearsal import voice
from gateway.rehearsal.voice import RATE, Speaker, Voice, VoiceError, choose, sentences, speaker_for

LINE = "This is a rehearsal: I am a script, not a model."


def test_pico_speaks_at_a_natural_pace() -> None:
    speech = choose(("pico",))
    seconds = len(speech.speak(LINE)) / (2 * RATE)
    assert speech.name == "pico"
    assert 2.5 < seconds < 4.5


def test_equal_text_gives_equal_bytes_from_a_fresh_voice() -> None:
    """Whatever lies in the memory that others gave back."""
    spoken = set()
    for seed in range(6):
        dirt = [random.Random(seed).randbytes(size) for size in (100, 900, 2_000, 9_000, 65_536, 300_000) * 50]
        del dirt
        spoken.add(choose(("pico",)).speak(LINE))
    assert len(spoken) == 1


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
    seen: list[tuple[list[str], str]] = []

    def run(command: list[str], text: str) -> bytes:
        seen.append((command, text))
        return wav(22_050)

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


def test_a_sentence_that_is_too_long_is_cut_between_words() -> None:
    text = "word " * 100 + "x" * 450 + " end."
    parts = sentences("Short. " + text)
    assert parts[0] == "Short."
    assert all(len(part) <= 200 for part in parts)
    assert "".join(parts[1:]).replace(" ", "") == text.replace(" ", "")
    assert sentences("one two. " * 2) == ("one two.", "one two.")


def test_what_failed_is_not_remembered() -> None:
    faults = [VoiceError("once")]

    def engine(text: str, speaker: Speaker) -> tuple[bytes, int]:
        if faults:
            raise faults.pop()
        return voice.tones(text, speaker)

    speech = Voice("test", engine)
    with pytest.raises(VoiceError, match="once"):
        speech.sentence("Yes.")
    assert len(speech.sentence("Yes.")) > RATE // 2


def pico(monkeypatch: pytest.MonkeyPatch, speak: Callable[[str], bytes]) -> Voice:
    """Pico's rung of the ladder with another engine beneath it."""
    nano = SimpleNamespace(speak=lambda text, **_how: speak(text))
    monkeypatch.setattr("importlib.import_module", lambda _name: SimpleNamespace(NanoTTS=lambda: nano))
    return choose(("pico",))


@pytest.mark.parametrize("fault", [RuntimeError("error in processing unit"), ValueError("SSML tags too long")])
def test_pico_s_faults_are_named(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    def speak(_text: str) -> bytes:
        raise fault

    with pytest.raises(VoiceError, match=f"Pico can't speak: {fault}"):
        pico(monkeypatch, speak).speak("Hello.")


def test_pico_gets_no_word_that_it_never_returns_from(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def speak(text: str) -> bytes:
        said.append(text)
        return bytes(2)

    pico(monkeypatch, speak).speak("\u00e9" * 70 + " " + "a" * 30)
    assert said == [" ".join(("\u00e9" * 30, "\u00e9" * 30, "\u00e9" * 10, "a" * 30))]


def test_pico_speaks_what_it_fails_at_in_one_word() -> None:
    assert len(choose(("pico",)).speak("1" * 90)) / (2 * RATE) > 10


def test_pico_works_where_the_c_library_has_no_mallopt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _name: SimpleNamespace())
    assert pico(monkeypatch, lambda _text: bytes(2)).name == "pico"


def test_macos_say_writes_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    written = [True]

    def run(command: Sequence[str], text: str) -> bytes:
        assert text == "Hello."
        if written.pop():
            Path(command[command.index("-o") + 1]).write_bytes(wav(24_000))
        return b""

    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("shutil.which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(voice, "_run", run)
    speech = choose(("say",))
    assert (speech.name, len(speech.speak("Hello.")) > RATE // 4) == ("say", True)
    written.append(False)
    with pytest.raises(VoiceError, match="wrote no WAV"):
        choose(("say",)).speak("Hello.")


def wav(rate: int) -> bytes:
    """What a program writes to a pipe: lengths that aren't known yet."""
    sound = (np.sin(np.arange(2_205)) * 9_000).astype("<i2").tobytes()
    head = b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x01\0" + rate.to_bytes(4, "little") + bytes(8)
    return head + b"data\0\0\0\0" + sound


@pytest.mark.parametrize("rate", [0, 4_000, 4_000_000_000])
def test_an_absurd_rate_is_no_wav(rate: int) -> None:
    with pytest.raises(VoiceError, match="wrote no WAV"):
        voice.wav_sound(wav(rate))
