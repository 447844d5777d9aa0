"""Sound files in, a stereo call out."""

import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.audio import mulaw
from gateway.rehearsal import wav

SPEECH = Path(wav.__file__).parent / "speech"


def tone(rate: int, seconds: float = 1.0, hz: float = 440.0) -> NDArray[np.float64]:
    return np.asarray(0.5 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate))


def write(path: Path, rate: int, width: int, samples: NDArray[np.float64]) -> Path:
    """`samples` in -1..1, one column a channel, as an ordinary PCM WAV."""
    frames = samples if samples.ndim == 2 else samples[:, None]
    scaled = np.rint(frames * (2 ** (8 * width - 1) - 1)).astype(np.int64)
    if width == 1:
        raw = (scaled + 128).astype(np.uint8).tobytes()
    else:
        raw = scaled.astype("<i8").reshape(-1, 1).view(np.uint8)[:, :width].tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(frames.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(raw)
    return path


def level(pcm: NDArray[np.int16]) -> float:
    return float(np.sqrt((pcm[800:-800].astype(float) ** 2).mean()))


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100, 48_000])
def test_any_rate_and_depth_becomes_telephone_sound(tmp_path: Path, rate: int, width: int) -> None:
    pcm = wav.read_telephone(write(tmp_path / "tone.wav", rate, width, tone(rate)))
    assert len(pcm) == pytest.approx(8000, abs=1)
    assert level(pcm) == pytest.approx(0.5 * 32_768 / 2**0.5, rel=0.02)
    peak = np.argmax(np.abs(np.fft.rfft(pcm[:8000].astype(float), 8000)))
    assert peak == 440


def test_stereo_is_averaged(tmp_path: Path) -> None:
    both = np.stack([tone(8000), np.zeros(8000)], axis=1)
    pcm = wav.read_telephone(write(tmp_path / "stereo.wav", 8000, 2, both))
    assert level(pcm) == pytest.approx(0.25 * 32_768 / 2**0.5, rel=0.01)


def test_what_a_telephone_cannot_carry_is_filtered_and_not_folded_back(tmp_path: Path) -> None:
    pcm = wav.read_telephone(write(tmp_path / "high.wav", 48_000, 2, tone(48_000, hz=6000)))
    assert level(pcm) < 0.5 * 32_768 * 10 ** (-50 / 20)


def test_floating_point_files_and_unknown_chunks_are_read(tmp_path: Path) -> None:
    samples = tone(16_000).astype("<f4").tobytes()
    body = b"WAVE" + b"fmt " + struct.pack("<IHHIIHH", 16, 3, 1, 16_000, 64_000, 4, 32)
    body += b"xyzw" + struct.pack("<I", 4) + b"abcd" + b"data" + struct.pack("<I", len(samples)) + samples
    path = tmp_path / "float.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert level(wav.read_telephone(path)) == pytest.approx(0.5 * 32_768 / 2**0.5, rel=0.01)


def test_a_clip_is_cut_to_its_sound_and_knows_where_it_begins_and_ends(tmp_path: Path) -> None:
    silence = np.zeros(16_000)
    path = write(tmp_path / "one.wav", 16_000, 2, np.concatenate([silence, tone(16_000), silence, silence]))
    clip = wav.read_clip(path)
    assert clip.name == "one"
    assert clip.length_ms == pytest.approx(20 + 1000 + 60, abs=20)
    assert clip.first_ms == pytest.approx(20, abs=10)
    assert clip.last_ms == pytest.approx(1020, abs=20)
    assert clip.words == ""


def test_words_come_from_a_text_file_beside_or_from_the_caller(tmp_path: Path) -> None:
    path = write(tmp_path / "one.wav", 8000, 2, tone(8000))
    (tmp_path / "one.txt").write_text("ten of\n clubs\n")
    assert wav.read_clip(path).words == "ten of clubs"
    assert wav.read_clip(path, "other words").words == "other words"


@pytest.mark.parametrize("name", ["librivox-0880", "librivox-0890", "librivox-0930", "cards-001", "cards-005"])
def test_the_recorded_speech_is_found_within_its_files(name: str) -> None:
    clip = wav.read_clip(SPEECH / f"{name}.wav")
    assert 0 <= clip.first_ms <= 20
    assert 700 < clip.last_ms - clip.first_ms < 5200
    assert clip.last_ms <= clip.length_ms


def test_a_call_is_written_as_stereo_caller_left_agent_right(tmp_path: Path) -> None:
    caller, agent = mulaw.encode(np.full(800, 1000, np.int16)), mulaw.encode(np.full(400, -2000, np.int16))
    wav.write_call(tmp_path / "call.wav", caller, agent)
    with wave.open(str(tmp_path / "call.wav")) as file:
        assert file.getparams()[:4] == (2, 2, 8000, 800)
        samples = np.frombuffer(file.readframes(800), "<i2").reshape(-1, 2)
    assert samples[0].tolist() == [int(mulaw.decode(caller)[0]), int(mulaw.decode(agent)[0])]
    assert samples[-1].tolist() == [int(mulaw.decode(caller)[0]), 0]


def head(kind: int, rate: int = 8000) -> bytes:
    body = b"WAVE" + b"fmt " + struct.pack("<IHHIIHH", 16, kind, 1, rate, rate, 1, 8)
    body += b"data" + struct.pack("<I", 4) + b"\0\0\0\0"
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is empty"),
        (b"ID3\x03" + b"\0" * 60, "is not a WAV file"),
        (head(17), "is a compressed WAV (format 17)"),
        (head(7), "is a compressed WAV (format 7)"),
        (head(1)[:30], "is a damaged WAV file"),
        (head(1)[:20], "is a damaged WAV file"),
        (head(1, rate=0), "rate of 0 Hz"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\0\0", "is empty"),
    ],
    ids=["no bytes", "mp3", "adpcm", "mu-law", "cut in fmt", "cut before fmt", "no rate", "no samples"],
)
def test_a_bad_file_is_named_with_what_to_do(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(wav.WavError) as caught:
        wav.read_clip(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert fault in text
    assert text.endswith(")")
    assert "\n" not in text


def test_missing_silent_and_endless_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(wav.WavError, match=r"none.wav: no such file \(name a recording"):
        wav.read_clip(tmp_path / "none.wav")
    with pytest.raises(wav.WavError, match="is not a file"):
        wav.read_clip(tmp_path)
    with pytest.raises(wav.WavError, match="holds no sound"):
        wav.read_clip(write(tmp_path / "silent.wav", 8000, 2, np.zeros(8000)))
    with pytest.raises(wav.WavError, match="is longer than 120 s"):
        wav.read_clip(write(tmp_path / "long.wav", 8000, 1, np.zeros(8000 * 121)))


def test_a_breath_before_the_words_counts_as_the_first_sound(tmp_path: Path) -> None:
    breath = 0.004 * np.sin(np.arange(80) / 2)  # 10 ms at -51 dBFS, right before the words
    clip = wav.read_clip(write(tmp_path / "one.wav", 8000, 2, np.concatenate([np.zeros(8000), breath, tone(8000)])))
    assert clip.first_ms == 10
