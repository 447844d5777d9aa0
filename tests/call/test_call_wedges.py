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
    for _ in range(IDLE.times):
        call.silent(2100)(live.InputTranscript("", finished=True))
        answer(call, "Are you there?", 200)(live.TurnComplete()).silent(400).heard()
    assert call.silent(2100).ended == "idle"


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


# words that come after their answer


def told_late(*words: str) -> Script:
    """The agent has answered and was heard to its end; only then come the words that it answered."""
    call = answer(opened().speaks(800).silent(500), "It is four.", 300)(live.TurnComplete()).silent(400).heard()
    for word in words:
        call.silent(200)(live.InputTranscript(word))
    return call


def test_a_cough_after_late_words_asks_for_nothing() -> None:
    call = told_late("What time", " is it?").silent(3000).speaks(200).silent(12_000)
    assert not any(isinstance(order, live.SendText) for order in call.all)
    assert call.notes("model-silent") == []


def test_late_words_are_one_turn_before_what_is_said_next() -> None:
    call = told_late("What time", " is it?").silent(3000).speaks(800).silent(500)(live.InputTranscript("And the day?"))
    answer(call, "Friday.", 300)(live.TurnComplete()).silent(400).heard()
    assert call.said() == [
        ("agent", "It is four."),
        ("caller", "What time is it?"),
        ("caller", "And the day?"),
        ("agent", "Friday."),
    ]
    times = [note.fields["start_ms"] for note in call.notes("turn") if note.fields["speaker"] == "caller"]
    assert times[0] < 200 < 4000 < times[1]


def test_the_end_of_a_transcript_changes_nothing() -> None:
    call = (
        told_late("What time is it?").silent(2500)(live.InputTranscript("", finished=True)).speaks(200).silent(12_000)
    )
    assert call.notes("model-silent") == []


def test_words_that_come_long_after_are_another_turn() -> None:
    """A caller too quiet for the level: the model hears them, and says nothing."""
    call = told_late("What time is it?").silent(2500)(live.InputTranscript("Hello?")).silent(4_200)
    assert len(call.notes("model-silent")) == 1


def test_late_words_are_told_at_the_end_of_the_call_too() -> None:
    assert told_late("What time is it?")(Stopped("CA1")).said()[-1] == ("caller", "What time is it?")
