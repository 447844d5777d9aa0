"""Text -> speech, from what this machine has: SVOX Pico (py-nanotts), macOS `say`, espeak as a program, else tones.

`choose` takes the first that works, and `Voice.name` says which one it is. Equal text gives equal bytes.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import platform
import re
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from gateway.rehearsal.rates import resample

RATE = 24_000  # Hz, 16-bit little-endian mono PCM
PICO_RATE = 16_000
PAUSE_MS = 160  # between sentences: shorter than any silence that ends a turn
TAIL_MS = 60  # kept after the last audible sample

_AUDIBLE = 200  # of 32768
_M_PERTURB = -6  # mallopt: what memory is filled with when it is given out, inverted; 0: with nothing
_VOLUME = 0.6  # Pico's own volume clips
_PICO_LANGUAGES = ("en-US", "en-GB", "de-DE", "es-ES", "fr-FR", "it-IT")
_PITCHES = (1.0, 0.92, 1.1, 0.84, 1.18)
_LOW = frozenset(("Charon", "Fenrir", "Orus", "Puck", "Enceladus", "Iapetus", "Umbriel", "Algieba", "Algenib"))
_CACHED = 64  # sentences: of the longest, some 50 MB
_LONGEST = 200  # characters of a sentence: some 12 s; beyond, it is cut between words
_LONGEST_WORD = 30  # Pico never returns from a word of 200 accented letters, and fails on one of 60 digits (measured)
_PROGRAM_S = 5.0  # for one sentence; a caller waits for it
_WAV_RATES = range(8_000, 48_001)
_WORD_MS, _GAP_MS = 220, 60


class VoiceError(Exception):
    """A speech engine or program failed at a sentence."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks: a BCP 47 language and a pitch, 1.0 being the engine's own."""

    language: str = "en-US"
    pitch: float = 1.0


Engine = Callable[[str, Speaker], tuple[bytes, int]]  # a sentence -> PCM and its rate


def speaker_for(name: str, language: str = "") -> Speaker:
    """A Gemini voice's stand-in: the same name sounds always the same, deep voices deep."""
    code = zlib.crc32(name.encode())
    pitch = 0.78 if name in _LOW else _PITCHES[code % len(_PITCHES)]
    english = ("en-US", "en-GB")[code // 8 % 2]
    wanted = [known for known in _PICO_LANGUAGES if language and known[:2] == language[:2].lower()]
    return Speaker(
        language if language in _PICO_LANGUAGES else (english if "en-US" in wanted or not wanted else wanted[0]), pitch
    )


def sentences(text: str) -> tuple[str, ...]:
    """The text in sentences, in order; without words, none. One that is too long comes in pieces, cut between words."""
    parts = re.split(r"(?<=[.!?…])\s+", text.strip())
    pieces = (piece for part in parts for piece in (_pieces(part) if len(part) > _LONGEST else (part,)))
    return tuple(piece for piece in pieces if re.search(r"\w", piece))


def _pieces(sentence: str) -> Iterator[str]:
    said = ""
    for word in re.findall(rf"\S{{1,{_LONGEST}}}", sentence):
        if said and len(said) + len(word) >= _LONGEST:
            yield said
            said = ""
        said = f"{said} {word}" if said else word
    yield said


class Voice:
    """One engine with a memory. `name`: "pico", "say", "espeak" or "tones". `pause_ms` follows each sentence."""

    def __init__(self, name: str, engine: Engine, pause_ms: int = PAUSE_MS) -> None:
        self.name = name
        self._engine = engine
        self._pause = bytes(pause_ms * RATE // 1000 * 2)
        self._remembered = lru_cache(maxsize=_CACHED)(self._render)

    def sentence(self, text: str, speaker: Speaker | None = None) -> bytes:
        """One sentence at RATE, with a short pause after it. Takes tens of milliseconds the first time.

        Raises VoiceError; what failed isn't remembered. Thread-safe."""
        return self._remembered(text, speaker or Speaker())

    def speak(self, text: str, speaker: Speaker | None = None) -> bytes:
        """All of the text at RATE. Raises VoiceError."""
        return b"".join(self.sentence(part, speaker) for part in sentences(text))

    def _render(self, text: str, speaker: Speaker) -> bytes:
        pcm, rate = self._engine(text, speaker)
        return trim(resample(pcm, rate, RATE), RATE) + self._pause


def trim(pcm: bytes, rate: int) -> bytes:
    """Without the silence at both ends, but for TAIL_MS after the last audible sample."""
    audible = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)) > _AUDIBLE)
    if not audible.size:
        return b""
    first = max(0, int(audible[0]) - 5 * rate // 1000)
    return pcm[first * 2 : (int(audible[-1]) + TAIL_MS * rate // 1000) * 2]


def choose(names: Sequence[str] = ("pico", "say", "espeak", "tones")) -> Voice:
    """The first of the named engines that is here. Tones always are."""
    for name in names:
        engine = _LADDER[name]()
        if engine is not None:
            return Voice(name, engine)
    return Voice("tones", tones)


def tones(text: str, speaker: Speaker) -> tuple[bytes, int]:
    """A tone per word: keeps timing and barge-in real where nothing can speak."""
    gap = np.zeros(_GAP_MS * PICO_RATE // 1000)
    pieces = [piece for word in text.split() for piece in (_tone(word, speaker.pitch), gap)]
    samples = np.concatenate(pieces) if pieces else gap
    return samples.astype("<i2").tobytes(), PICO_RATE


def _tone(word: str, pitch: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    count = _WORD_MS * PICO_RATE // 1000
    hertz = pitch * (220 + zlib.crc32(word.lower().encode()) % 12 * 30)
    shape = np.sin(np.linspace(0, np.pi, count)) ** 0.5
    return np.asarray(8_000 * shape * np.sin(2 * np.pi * hertz * np.arange(count) / PICO_RATE), np.float64)


def _pico() -> Engine | None:
    try:
        engine = importlib.import_module("py_nanotts").NanoTTS()
    except ImportError:
        return None
    lock = Lock()

    def speak(text: str, speaker: Speaker) -> tuple[bytes, int]:
        short = re.sub(rf"(\S{{{_LONGEST_WORD}}})(?=\S)", r"\1 ", text)
        try:
            with lock, _clean_memory():
                return engine.speak(short, voice=speaker.language, pitch=speaker.pitch, volume=_VOLUME), PICO_RATE
        except (RuntimeError, ValueError) as fault:
            raise VoiceError(f"Pico can't speak: {fault}") from fault

    return speak


@contextlib.contextmanager
def _clean_memory() -> Iterator[None]:
    """Zeros in what is allocated meanwhile: Pico reads memory that it never wrote, and what lay there was heard."""
    mallopt = (
        getattr(ctypes.CDLL(None), "mallopt", None) if platform.system() == "Linux" else None
    )  # glibc alone has it
    if mallopt is None:
        yield
        return
    mallopt(_M_PERTURB, 0xFF)
    try:
        yield
    finally:
        mallopt(_M_PERTURB, 0)


def _say() -> Engine | None:
    if platform.system() != "Darwin" or not shutil.which("say"):
        return None

    def speak(text: str, speaker: Speaker) -> tuple[bytes, int]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "speech.wav")
            _run(["say", "--file-format=WAVE", "--data-format=LEI16@22050", "-o", str(file), "-f", "-"], text)
            return wav_sound(file.read_bytes() if file.exists() else b"")

    return speak


def _espeak() -> Engine | None:
    program = shutil.which("espeak-ng") or shutil.which("espeak")
    if program is None:
        return None

    def speak(text: str, speaker: Speaker) -> tuple[bytes, int]:
        pitch = str(round(50 * speaker.pitch))
        return wav_sound(_run([program, "--stdin", "--stdout", "-v", speaker.language[:2], "-p", pitch], text))

    return speak


def _run(command: Sequence[str], text: str) -> bytes:
    try:
        return subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=_PROGRAM_S).stdout
    except (OSError, subprocess.SubprocessError) as fault:
        raise VoiceError(f"{command[0]} can't speak: {fault}") from fault


def wav_sound(wav: bytes) -> tuple[bytes, int]:
    """The sound and rate of a 16-bit mono WAV written to a pipe, whose lengths can't be trusted. Raises VoiceError."""
    at, rate = wav.find(b"data"), int.from_bytes(wav[24:28], "little")
    if wav[:4] != b"RIFF" or at < 0 or rate not in _WAV_RATES:
        raise VoiceError("the speech program wrote no WAV")
    return wav[at + 8 :], rate


def _tones() -> Engine:
    return tones


_LADDER: dict[str, Callable[[], Engine | None]] = {"pico": _pico, "say": _say, "espeak": _espeak, "tones": _tones}
