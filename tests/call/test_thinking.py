"""A model that has ended a turn and says that it thinks, and that more follows."""

from __future__ import annotations

import pytest

from gateway.flow.model import Idle
from gateway.live import cues
from gateway.live import messages as live
from tests.call.script import IDLE, Script, pcm
from tests.call.test_recovery import LOST, opened, texts


def thinks(call: Script) -> Script:
    """The model has said 'one moment', and that more follows."""
    call(live.OutputTranscript("One moment."))(live.ModelAudio(pcm(300)))(live.GenerationComplete())
    return call(live.TurnComplete("", "IN_PROGRESS")).silent(500).heard()


def test_a_model_that_thinks_is_given_time_and_then_asked() -> None:
    call = thinks(opened().speaks(800).silent(400)).silent(19_000)
    assert texts(call.all) == []
    assert texts(call.silent(1500).all) == [cues.nudge()]


def test_a_model_that_thinks_and_says_that_it_is_done_owes_nothing() -> None:
    call = thinks(opened().speaks(800).silent(400))(live.TurnComplete("", "IDLE")).silent(30_000)
    assert texts(call.all) == []


def test_a_model_that_has_thought_speaks() -> None:
    call = thinks(opened().speaks(800).silent(400)).silent(9_000)(live.ModelAudio(pcm(300)))(live.GenerationComplete())
    call(live.TurnComplete("", "IDLE")).silent(500).heard().silent(30_000)
    assert texts(call.all) == []


def test_a_caller_who_asks_again_meanwhile_is_answered_in_the_usual_time() -> None:
    call = thinks(opened().speaks(800).silent(400)).silent(1000).speaks(1000).silent(4500)
    assert texts(call.all) == [cues.nudge()]


def test_a_session_that_breaks_while_it_thinks_is_asked_to_go_on() -> None:
    call = thinks(opened().speaks(800).silent(400)).silent(1000)(LOST).silent(200)(live.Ready())
    assert texts(call.last) == [cues.nudge()]


def test_a_cough_meanwhile_hurries_nobody() -> None:
    call = thinks(opened().speaks(800).silent(400)).silent(1000).speaks(120).silent(16_000)
    assert texts(call.all) == []
    assert texts(call.silent(4_000).all) == [cues.nudge()]


def test_a_model_that_thinks_without_a_word_is_given_time_too() -> None:
    call = opened().speaks(800).silent(400)(live.InputTranscript("Which is best?"))
    call.silent(3_000)(live.TurnComplete("", "IN_PROGRESS")).silent(19_500)
    assert texts(call.all) == []
    assert texts(call.silent(1_000).all) == [cues.nudge()]


def test_it_says_so_again_and_again_and_is_asked_in_the_end() -> None:
    call = opened().speaks(800).silent(400)(live.InputTranscript("Which is best?"))
    for _ in range(5):
        call(live.TurnComplete("", "IN_PROGRESS")).silent(5_000)
    assert texts(call.all) == [cues.nudge()]


def test_a_caller_who_asks_again_across_its_word_is_answered_in_the_usual_time() -> None:
    call = opened().speaks(800).silent(400).speaks(600)(live.TurnComplete("", "IN_PROGRESS")).speaks(600)
    assert texts(call.silent(5_000).all) == [cues.nudge()]


def test_a_model_that_was_cut_short_thinks_no_more() -> None:
    """By a phantom: the caller said nothing, and would wait for the rest of the twenty seconds."""
    call = opened().speaks(800).silent(400)(live.OutputTranscript("One moment."))(live.ModelAudio(pcm(2000)))
    call(live.TurnComplete("", "IN_PROGRESS")).silent(500)(live.Interrupted()).silent(4_500)
    assert texts(call.all) == [cues.nudge()]


def test_the_session_after_one_that_broke_while_it_thought_is_given_no_such_time() -> None:
    call = thinks(opened().speaks(800).silent(400)).silent(1000)(LOST).silent(200)(live.Ready()).silent(4_500)
    assert texts(call.all) == [cues.nudge()] * 2


def test_the_time_to_think_counts_from_the_last_word() -> None:
    call = opened().speaks(800).silent(400)(live.OutputTranscript("Let me see, and so on."))(live.ModelAudio(pcm(8000)))
    call(live.GenerationComplete())(live.TurnComplete("", "IN_PROGRESS")).silent(8_200).heard().silent(18_000)
    assert texts(call.all) == []
    assert texts(call.silent(3_000).all) == [cues.nudge()]


@pytest.mark.parametrize("idle", [None, IDLE], ids=["", "idle policy"])
def test_it_may_say_so_after_its_last_word_was_heard(idle: Idle | None) -> None:
    """`turnComplete` comes when the service takes the sound to be played."""
    call = opened(idle=idle).speaks(800).silent(400)(live.OutputTranscript("One moment."))(live.ModelAudio(pcm(300)))
    call(live.GenerationComplete()).silent(500).heard()(live.TurnComplete("", "IN_PROGRESS")).silent(19_000)
    assert texts(call.all) == []
    assert texts(call.silent(1_500).all) == [cues.nudge()]
