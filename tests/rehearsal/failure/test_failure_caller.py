"""The caller who counts, by a clock of the test's own."""

from __future__ import annotations

from gateway.audio import mulaw
from gateway.rehearsal import counting
from gateway.rehearsal.failure.caller import FRAMES, PATIENCE_S, QUIET_S, WORDS, Caller, sound
from gateway.rehearsal.phone import FRAME
from gateway.rehearsal.playout import SILENCE

FRAME_S = 0.02
QUIET = SILENCE * FRAME


class Phone:
    """Holds the caller's clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.caller = Caller(lambda: self.now)
        self.spoken: list[bytes] = []

    def frames(self, count: int, heard: bytes = QUIET) -> Phone:
        for _ in range(count):
            self.caller.hear(heard, 0.0)
            frame = self.caller.speak(0.0)
            assert frame is not None
            self.spoken.append(frame)
            self.now += FRAME_S
        return self

    def seconds(self, seconds: float, heard: bytes = QUIET) -> Phone:
        return self.frames(round(seconds / FRAME_S), heard)

    @property
    def words(self) -> list[int]:
        return [word.number for word in counting.words(mulaw.decode(b"".join(self.spoken)), 8_000)]


AGENT = sound(9)[0]  # a frame of somebody's speech


def test_it_waits_for_the_greeting_then_counts() -> None:
    phone = Phone().seconds(1).seconds(1, AGENT)
    assert phone.words == []
    assert phone.seconds(QUIET_S + 2).words == list(range(WORDS))


def test_it_counts_on_after_each_answer() -> None:
    phone = Phone().seconds(1, AGENT).seconds(2).seconds(1, AGENT).seconds(2)
    assert phone.words == list(range(2 * WORDS))
    assert [word.number for word in phone.caller.said] == list(range(2 * WORDS))


def test_it_speaks_again_when_nobody_answers() -> None:
    phone = Phone().seconds(1, AGENT).seconds(QUIET_S + 1.5 + PATIENCE_S + 1)
    assert phone.words == list(range(2 * WORDS))


def test_a_filter_that_rings_is_no_speech() -> None:
    ringing = bytes((0xFE, 0x7D)) * (FRAME // 2)
    assert Phone().seconds(1, AGENT).seconds(QUIET_S + 2, ringing).words == list(range(WORDS))


def test_it_hangs_up_when_the_agent_has_finished() -> None:
    phone = Phone().seconds(1, AGENT)
    phone.caller.leave()
    assert phone.frames(5, AGENT).seconds(QUIET_S - 2 * FRAME_S).words == []
    phone.now += 3 * FRAME_S
    assert phone.caller.speak(0.0) is None


def test_what_is_said_between_two_streams_is_lost() -> None:
    phone = Phone().seconds(1, AGENT).seconds(QUIET_S + 2 * FRAME_S).frames(FRAMES)
    phone.now += 2 * counting.WORD_MS / 1000  # no stream
    phone.caller.moved()
    phone.seconds(1)
    assert [word.number for word in phone.caller.said] == list(range(WORDS))
    assert len(phone.words) < WORDS
    assert phone.words[-1] == WORDS - 1
