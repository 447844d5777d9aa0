"""The agent's sound in fits and starts: a stall is told once, and a cushion keeps the next one away."""

from __future__ import annotations

from gateway.call.speech import CUSHION_MS, LONGEST_CUSHION_MS, Speech
from gateway.live import messages as live
from gateway.twilio.media import Play
from tests.call.script import STARTED, Script, pcm, plan


def played_ms(speech: Speech, now: float) -> float:
    return sum(len(order.mulaw) for order in speech.pump(now) if isinstance(order, Play)) / 8


def stalled(at: float, times: int = 1) -> Speech:
    """A turn of 100 ms pieces, each a second after the last; the last one at `at`."""
    speech = Speech(lead_ms=400)
    for nth in range(times, -1, -1):
        now = at - nth
        speech.sound(pcm(100), now, 0)
        if nth:
            speech.pump(now)
            speech.pump(now + 0.4)  # the cushion's time is over
    return speech


def test_sound_that_ran_dry_in_mid_sentence_is_told_once() -> None:
    speech = stalled(10.0)
    assert 880 <= speech.stall() <= 920
    assert speech.stall() == 0


def test_sound_in_time_and_a_turn_of_its_own_are_no_stall() -> None:
    speech = Speech(lead_ms=400)
    speech.sound(pcm(100), 1.0, 0)
    speech.pump(1.0)
    speech.sound(pcm(100), 1.15, 0)  # 50 ms late: nobody hears that
    speech.pump(1.15)
    assert speech.stall() == 0
    speech.complete()
    speech.sound(pcm(100), 9.0, 0)
    assert speech.stall() == 0


def test_after_a_stall_a_little_is_gathered_first_and_not_for_long() -> None:
    speech = Speech(lead_ms=400)
    speech.sound(pcm(100), 1.0, 0)
    speech.pump(1.0)
    speech.sound(pcm(20), 2.0, 0)
    assert played_ms(speech, 2.0) == 0
    assert speech.deadline() == 2.0 + CUSHION_MS / 1000
    assert played_ms(speech, 2.0 + CUSHION_MS / 1000) > 0


def test_what_fills_the_cushion_or_ends_the_turn_waits_for_nothing() -> None:
    assert played_ms(stalled(2.0), 2.0) >= 90
    speech = stalled(2.0, times=3)  # by now more is gathered than one piece has
    assert played_ms(speech, 2.0) == 0
    speech.complete()
    assert played_ms(speech, 2.0) >= 90


def test_the_cushion_is_bounded_and_goes_away() -> None:
    speech = stalled(20.0, times=12)
    speech.sound(pcm(LONGEST_CUSHION_MS), 20.0, 0)
    assert played_ms(speech, 20.0) > 0
    now = 21.0
    for _ in range(5):
        speech.complete()
        speech.cut(now, 0)
        now += 1
        speech.sound(pcm(20), now, 0)
    assert played_ms(speech, now) > 0


def test_a_call_counts_its_stalls() -> None:
    call = Script(plan())(STARTED).at(0.1)(live.Ready())
    call(live.ModelAudio(pcm(200))).wait(1.0)(live.ModelAudio(pcm(200))).wait(0.1)
    (note,) = call.notes("agent-stalled")
    assert 700 <= note.fields["gap_ms"] <= 900
    call(live.GenerationComplete()).wait(60)
    assert call.notes("call-ended")[0].fields["stalls"] == {"count": 1, "ms": note.fields["gap_ms"]}
