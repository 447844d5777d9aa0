"""When the other side begins to speak and when it has fallen silent."""

from gateway.rehearsal.ear import Began, Ear, Fell

QUIET, LOUD = b"\xff" * 160, b"\x80" * 160  # 20 ms of silence; of the loudest sample
FAINT = b"\xf0" * 160  # -48 dBFS: line noise


def hear(ear: Ear, *frames: bytes, start_ms: float = 0) -> list[Began | Fell]:
    changes = []
    for index, frame in enumerate(frames):
        change = ear.hear(frame, start_ms + 20 * index)
        if change is not None:
            changes.append(change)
    return changes


def test_speech_begins_and_ends_to_the_sample() -> None:
    ear = Ear()
    begin = QUIET[:40] + LOUD[:120]  # from 5 ms on
    end = LOUD[:80] + QUIET[:80]  # until 10 ms
    assert hear(ear, QUIET, begin, LOUD, end, *[QUIET] * 40) == [Began(25.0), Fell(69.875)]


def test_noise_is_not_speech() -> None:
    assert hear(Ear(), *[FAINT] * 100) == []


def test_a_pause_between_words_does_not_end_speech() -> None:
    ear = Ear()
    assert hear(ear, LOUD, *[QUIET] * 34, LOUD) == [Began(0.0)]
    assert hear(ear, *[QUIET] * 35, start_ms=720) == [Fell(719.875)]


def test_after_a_cut_a_shorter_silence_will_do_once() -> None:
    ear = Ear()
    hear(ear, LOUD)
    ear.expect_silence()
    assert hear(ear, *[QUIET] * 16, start_ms=20) == [Fell(19.875)]
    assert hear(ear, LOUD, *[QUIET] * 16, start_ms=400) == [Began(400.0)]


def test_speaking_means_in_the_middle_of_speech() -> None:
    ear = Ear()
    assert not ear.speaking(0)
    hear(ear, LOUD)
    assert ear.speaking(400)
    assert not ear.speaking(420)
