"""Ways into a state without a way out, and turns at wrong times."""

from __future__ import annotations

import pytest

from gateway.call.turn import Patience
from gateway.live import messages as live
from gateway.twilio.media import Stopped
from tests.call.script import IDLE, PROTECTED, STARTED, Script, pcm, plan
from tests.call.test_call import answer, opened


def reached_the_model(call: Script) -> int:
    return sum(len(order.pcm) for order in call.all if isinstance(order, live.SendAudio))


def test_a_caller_who_says_hello_does_not_keep_a_dead_model_alive() -> None:
    call = Script(plan())(STARTED)
    for _ in range(10):
        call.speaks(400).silent(1600)
    assert call.ended == "model-unavailable"


def test_a_caller_who_says_hello_is_heard_though_the_greeting_never_comes() -> None:
    call = opened(greeting=PROTECTED)
    for _ in range(5):
        call.speaks(400).silent(1600)
    assert call.now > 1000 + Patience().greeting
    assert reached_the_model(call)


@pytest.mark.parametrize("reason", ["", "PROHIBITED_INPUT_CONTENT"])
def test_a_protected_greeting_that_the_model_declines_opens_the_ears(reason: str) -> None:
    call = opened(greeting=PROTECTED)(live.TurnComplete(reason)).speaks(200)
    assert reached_the_model(call)


def test_a_protected_greeting_that_ends_idle_opens_the_ears() -> None:
    call = answer(opened(greeting=PROTECTED), "Good day.", 600)
    call(live.TurnComplete("", "IN_PROGRESS"))(live.TurnComplete("", "IDLE")).silent(800).heard().speaks(200)
    assert reached_the_model(call)


def test_the_idle_clock_does_not_run_while_the_agent_is_heard() -> None:
    call = answer(opened(idle=IDLE), "A long answer.", 8000)
    call(live.TurnComplete("", "IN_PROGRESS"))(live.TurnComplete("", "IDLE")).silent(4000)
    assert call.notes("idle-prompt") == []


def test_transcripts_without_words_are_not_the_caller_speaking() -> None:
    call = opened(idle=IDLE)
    for _ in range(8):
        call.silent(5000)(live.InputTranscript("", finished=True))
    assert call.ended == "idle"


def test_a_response_time_is_from_the_turn_that_is_answered() -> None:
    call = answer(opened().speaks(600).silent(500), "One.", 300)(live.TurnComplete()).silent(500).heard().silent(5000)
    answer(call, "Two.", 300)(live.TurnComplete()).silent(500).heard()
    assert [note.fields["response_ms"] is None for note in call.notes("turn")] == [False, True]


def test_noise_is_not_answered_by_a_prompt() -> None:
    call = opened(idle=IDLE).speaks(200)
    while not call.notes("idle-prompt"):
        call.silent(100)
    answer(call, "Are you there?", 300).silent(400).heard()(Stopped("CA1"))
    assert call.notes("turn")[0].fields["response_ms"] is None


def test_words_that_straggle_in_while_the_agent_speaks_are_not_of_the_end_of_its_turn() -> None:
    call = opened().speaks(600).silent(500)(live.InputTranscript("A table "))(live.ModelAudio(pcm(3000)))
    call(live.InputTranscript("for two."))(live.GenerationComplete()).silent(3100).heard()
    last = [note for note in call.notes("turn") if note.fields["speaker"] == "caller"][-1]
    assert isinstance(last.fields["end_ms"], int)
    assert last.fields["end_ms"] < 1300
