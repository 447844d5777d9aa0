"""WAV files: a recording of any rate and depth becomes a clip for the phone line, and a call becomes a stereo file."""

from __future__ import annotations

import math
import struct
import warnings
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import resample_poly

from gateway.audio import mulaw

RATE = 8000  # Hz, the telephone's
MAX_CLIP_S = 120  # what a caller says in one breath; longer is surely the wrong file
MAX_FILE_BYTES = 256 * 1024 * 1024  # two minutes of 192 kHz 32-bit stereo are 184 MB
WINDOW = 80  # samples: 10 ms, in which a level is taken
QUIETEST = 40.0  # RMS of 16-bit samples, -58 dBFS: below this nothing is called sound
BELOW_SPEECH = 0.06  # -24 dB against the loud passages: breath and room, not words
LEAD, TAIL = 20 * 8, 60 * 8  # samples kept around the sound: soft beginnings and ends stay, the room's noise doesn't
# What scipy's reader lets out when a file is cut off or its head lies.
BROKEN = (ValueError, TypeError, EOFError, ArithmeticError, LookupError, MemoryError, UnboundLocalError, struct.error)

Floats = NDArray[np.float64]
Pcm = NDArray[np.int16]


class WavError(Exception):
    """A sound file that can't be used. The text names the file, says why and what to do."""

    def __init__(self, path: Path, fault: str, hint: str) -> None:
        super().__init__(f"{path}: {fault} ({hint})")
        self.path = path


@dataclass(frozen=True, slots=True)
class Clip:
    """Something the caller says: 8 kHz mu-law, cut to its sound. `first_ms` and `last_ms` are where sound begins and
    ends within it. `words` is empty where nobody told them."""

    name: str
    mulaw: bytes
    first_ms: float
    last_ms: float
    words: str = ""

    @property
    def length_ms(self) -> float:
        return len(self.mulaw) / 8


def read_clip(path: Path, words: str = "") -> Clip:
    """The recording at `path` as a clip. Without `words`, a text file beside it (one.txt for one.wav) gives them.
    Raises WavError."""
    pcm = read_telephone(path)
    first, last = sound_bounds(pcm)
    if last <= first:
        raise WavError(path, "holds no sound", "record it louder, or pick another file")
    start = max(0, first - LEAD)
    kept = pcm[start : last + TAIL]
    return Clip(path.stem, mulaw.encode(kept), _audible(kept) / 8, (last - start) / 8, words or _beside(path))


def read_telephone(path: Path) -> Pcm:
    """The whole file as 8 kHz mono samples: channels averaged, rates converted through a low-pass. Raises WavError."""
    rate, samples = _read(path)
    mono = _unit(samples, path)
    if not len(mono):
        raise WavError(path, "is empty", "record something first")
    if len(mono) > MAX_CLIP_S * rate:
        raise WavError(path, f"is longer than {MAX_CLIP_S} s", "cut it: one file is what the caller says in one turn")
    if not np.isfinite(mono).all():
        raise WavError(path, "holds samples that are no numbers", "export it again as 16-bit PCM")
    common = math.gcd(rate, RATE)
    telephone = mono if rate == RATE else resample_poly(mono, RATE // common, rate // common)
    return np.clip(np.rint(telephone * 32_768), -32_768, 32_767).astype(np.int16)


def sound_bounds(pcm: Pcm) -> tuple[int, int]:
    """The first and the last sample of what is to be heard, to 10 ms; (0, 0) if all is silence."""
    if len(pcm) < WINDOW:
        return 0, 0
    levels = _levels(pcm)
    loud = np.flatnonzero(levels > max(QUIETEST, BELOW_SPEECH * float(np.percentile(levels, 95))))
    return (int(loud[0]) * WINDOW, (int(loud[-1]) + 1) * WINDOW) if len(loud) else (0, 0)


def _audible(pcm: Pcm) -> int:
    """Where anything at all is to be heard, be it a breath: what a detector may take for the beginning of speech."""
    levels = _levels(pcm)
    return int(np.argmax(levels > QUIETEST)) * WINDOW


def _levels(pcm: Pcm) -> Floats:
    """The RMS of each 10 ms."""
    framed = pcm[: len(pcm) // WINDOW * WINDOW].astype(np.float64).reshape(-1, WINDOW)
    return np.asarray(np.sqrt((framed**2).mean(axis=1)), np.float64)


def write_call(path: Path, caller: bytes, agent: bytes) -> None:
    """Two mu-law tracks on one time line as a stereo 8 kHz 16-bit WAV: caller left, agent right."""
    length = max(len(caller), len(agent))
    tracks = np.zeros((length, 2), np.int16)
    tracks[: len(caller), 0] = mulaw.decode(caller)
    tracks[: len(agent), 1] = mulaw.decode(agent)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(tracks.astype("<i2").tobytes())


def _read(path: Path) -> tuple[int, NDArray[np.generic]]:
    if not path.exists():
        raise WavError(path, "no such file", "name a recording, or leave --say out for the built-in ones")
    if not path.is_file():
        raise WavError(path, "is not a file", "name one WAV file per --say")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise WavError(path, "is larger than 256 MB", "cut it: one file is what the caller says in one turn")
    try:
        with warnings.catch_warnings():  # scipy warns of chunks that it skips (LIST, bext): nothing is wrong with them
            warnings.simplefilter("ignore", wavfile.WavFileWarning)
            rate, samples = wavfile.read(path)
    except OSError as error:
        raise WavError(path, f"can't be read: {error.strerror or error}", "check the file's permissions") from error
    except BROKEN as error:
        raise _unreadable(path) from error
    if not 1000 <= rate <= 768_000:
        raise WavError(path, f"has a sample rate of {rate} Hz", "export it again as 16-bit PCM, 8 to 48 kHz")
    return rate, samples


def _unreadable(path: Path) -> WavError:
    """Why a file isn't a plain WAV, told from its head."""
    with path.open("rb") as file:
        head = file.read(256)
    convert = f"convert it: ffmpeg -i {path.name} -c:a pcm_s16le {path.stem}-pcm.wav"
    if not head:
        return WavError(path, "is empty", "record something first")
    if head[:4] not in (b"RIFF", b"RIFX", b"RF64") or head[8:12] != b"WAVE":
        return WavError(path, "is not a WAV file", convert)
    at = head.find(b"fmt ")
    kind = int.from_bytes(head[at + 8 : at + 10], "little") if at > 0 else 0
    if kind not in (0, 1, 3, 0xFFFE):
        return WavError(path, f"is a compressed WAV (format {kind})", convert)
    return WavError(path, "is a damaged WAV file", convert)


def _unit(samples: NDArray[np.generic], path: Path) -> Floats:
    """Mono samples in -1..1. 24-bit samples come in the upper bits of 32 (scipy.io.wavfile)."""
    scales: dict[str, tuple[float, float]] = {
        "uint8": (128.0, 128.0),
        "int16": (0.0, 32_768.0),
        "int32": (0.0, 2_147_483_648.0),
        "float32": (0.0, 1.0),
        "float64": (0.0, 1.0),
    }
    kind = samples.dtype.newbyteorder("=").name
    if kind not in scales:
        raise WavError(path, f"has {kind} samples", "export it again as 16-bit PCM")
    middle, scale = scales[kind]
    mono = samples.astype(np.float64)
    if mono.ndim > 1:
        mono = mono.mean(axis=1)
    return (mono - middle) / scale


def _beside(path: Path) -> str:
    text = path.with_suffix(".txt")
    if not text.is_file():
        return ""
    return " ".join(text.read_text(encoding="utf-8", errors="replace").split())
