"""The mouth: bursts, words with their sound, and the clock of the play-out."""

from __future__ import annotations

from gateway.live.messages import GenerationComplete, ModelAudio, OutputTranscript
from gateway.rehearsal.standin.speaker import CHUNK, CHUNK_S, PACE, Played, Speaker

STEP = CHUNK_S / PACE


def chunk(fill: int) -> bytes:
    return bytes([fill]) * CHUNK


def test_a_turn() -> None:
    mouth = Speaker()
    assert (mouth.active, mouth.deadline(), mouth.tick(0.0)) == (False, None, ())
    mouth.begin(0.0)
    assert (mouth.active, mouth.generating, mouth.deadline(), mouth.tick(1.0)) == (True, True, None, ())
    mouth.add("one two three", chunk(1) + chunk(2) + bytes(100))
    mouth.finish()
    assert mouth.deadline() == 0.0
    assert mouth.tick(0.0) == (ModelAudio(chunk(1)), OutputTranscript("one "))
    assert (mouth.deadline(), mouth.tick(0.0)) == (STEP, ())
    assert mouth.tick(STEP) == (ModelAudio(chunk(2)), OutputTranscript("two "))
    assert mouth.tick(2 * STEP) == (ModelAudio(bytes(100)), OutputTranscript("three "))
    seconds = 2 * CHUNK_S + 100 / 48_000
    assert mouth.tick(0.2) == (GenerationComplete(),)
    assert (mouth.active, mouth.generating, mouth.deadline()) == (True, False, seconds)
    assert (mouth.tick(seconds - 0.001), mouth.tick(seconds)) == ((), Played())
    assert (mouth.active, mouth.deadline()) == (False, None)
    assert (mouth.rest(), mouth.seconds) == (seconds, 0.0)


def test_words_come_with_their_sound_never_after_it() -> None:
    mouth = Speaker()
    mouth.begin(0.0)
    mouth.add("only", chunk(1) + chunk(2))
    assert mouth.tick(0.0) == (ModelAudio(chunk(1)), OutputTranscript("only "))
    assert mouth.tick(STEP) == (ModelAudio(chunk(2)),)


def test_the_play_out_waits_for_speech_that_comes_late() -> None:
    mouth = Speaker()
    mouth.begin(0.0)
    mouth.add("a", chunk(1))
    mouth.tick(0.0)
    assert mouth.deadline() is None  # the next sentence isn't ready
    mouth.add("b", chunk(2))
    mouth.finish()
    assert mouth.tick(5.0) == (ModelAudio(chunk(2)), OutputTranscript("b "))
    assert mouth.tick(6.0) == (GenerationComplete(),)
    assert mouth.deadline() == 5.0 + CHUNK_S  # from when it was sent, not from the turn's begin


def test_a_late_tick_catches_up_by_one_piece_at_most() -> None:
    mouth = Speaker()
    mouth.begin(0.0)
    mouth.add("", chunk(1) * 9)
    times = []
    for _ in range(9):
        times.append(max(5.0, mouth.deadline() or 0.0))
        assert mouth.tick(times[-1]) == (ModelAudio(chunk(1)),)
    assert sum(time == 5.0 for time in times) == 1 + PACE


def test_nothing_to_say_is_a_turn_as_well() -> None:
    mouth = Speaker()
    mouth.begin(3.0)
    mouth.add("", b"")
    mouth.finish()
    assert (mouth.tick(3.0), mouth.tick(3.0), mouth.rest()) == ((GenerationComplete(),), Played(), 0.0)


def test_cut_drops_what_was_not_sent() -> None:
    mouth = Speaker()
    mouth.begin(0.0)
    mouth.add("a b", chunk(1) + chunk(2))
    mouth.tick(0.0)
    mouth.cut()
    assert (mouth.active, mouth.generating, mouth.deadline(), mouth.tick(9.0)) == (False, False, None, ())
    assert mouth.rest() == CHUNK_S
    mouth.begin(9.0)
    mouth.add("c", bytes(2))
    assert mouth.tick(9.0) == (ModelAudio(bytes(2)), OutputTranscript("c "))
