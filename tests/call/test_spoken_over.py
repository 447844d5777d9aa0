"""The caller speaks over the agent while its session breaks, or right before or after: nobody but the gateway can tell
that the agent was cut short, and what the caller said is heard by the next session."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.call.carry import Carry
from gateway.call.facts import Draining, ModelGone
from gateway.flow.model import BargeIn, Greeting, Vad
from gateway.live import cues
from gateway.live import messages as live
from gateway.twilio.media import Clear
from tests.call.script import GREETING, PERSONA, PROTECTED, STARTED, Script, pcm, plan
from tests.call.test_context import told
from tests.call.test_recovery import HANDLE, LOST, opened, opens, sound_ms, texts

OURS = replace(PERSONA, vad=Vad("low", "low", 20, 500, mode="gateway"))
DEAF = replace(PERSONA, barge_in=BargeIn(False))


def talking(call: Script, ms: int = 5000) -> Script:
    """In mid-sentence, with `ms` of sound sent, and a second of it heard."""
    return call(live.OutputTranscript("We open at nine"))(live.ModelAudio(pcm(ms))).silent(1000)


def clears(call: Script) -> int:
    return sum(isinstance(order, Clear) for order in call.all)


# before


@pytest.mark.parametrize("silence_ms", [0, 400], ids=["speaking", "just-finished"])
def test_who_was_cutting_in_has_cut_in_and_is_heard(silence_ms: int) -> None:
    call = talking(opened()).speaks(600).silent(silence_ms)(LOST)
    assert (clears(call), len(call.notes("barge-in"))) == (1, 1)
    call.silent(200)(live.Ready())
    assert sound_ms(call.last) >= 600 + silence_ms + 200
    assert texts(call.all) == []  # nothing to go on with: the caller's words are to be answered


def test_what_was_heard_of_the_sentence_is_told() -> None:
    call = talking(opened()).speaks(600)(LOST)
    assert call.said() == [("agent", "We")]  # 1.6 of 5 s
    assert told(call.silent(200)(live.Ready()).last) == [[("model", "We")]]


def test_a_mute_model_is_asked_for_its_answer() -> None:
    call = talking(opened()).speaks(600)(LOST).silent(200)(live.Ready()).silent(4500)
    assert texts(call.all) == [cues.nudge()]


def test_a_move_that_waits_for_nobody_is_the_same() -> None:
    call = talking(opened())(live.GoingAway(6.0)).silent(500).speaks(800)
    assert opens(call.all) == [None, "h1"]
    assert clears(call) == 1
    assert sound_ms(call(live.Ready()).last) >= 560
    assert texts(call.all) == []


def test_noise_that_the_model_did_not_take_for_a_barge_in_cuts_nothing() -> None:
    call = talking(opened()).speaks(3000)(LOST).silent(200)(live.Ready())
    assert clears(call) == 0
    assert sound_ms(call.last) == 200
    assert texts(call.last) == [cues.go_on("We open at nine")]


def test_a_knock_cuts_nothing() -> None:
    call = talking(opened()).speaks(120).silent(400)(LOST).silent(200)(live.Ready())
    assert clears(call) == 0
    assert texts(call.last) == [cues.go_on("We open at nine")]


def test_where_nobody_may_cut_in_nobody_does_and_all_is_heard() -> None:
    call = talking(opened(persona=DEAF)).speaks(600)(LOST).silent(200)(live.Ready())
    assert clears(call) == 0
    assert texts(call.last) == [cues.go_on("We open at nine")]
    assert sound_ms(call.last) >= 800


def greeted(greeting: Greeting) -> Script:
    call = Script(plan(greeting=greeting))(STARTED).at(0.1)(live.Ready())(HANDLE)
    return call(live.OutputTranscript("Good day."))(live.ModelAudio(pcm(4000))).silent(1000)


def test_a_greeting_may_be_cut_where_it_is_not_protected() -> None:
    assert clears(greeted(GREETING).speaks(600)(LOST)) == 1
    assert clears(greeted(PROTECTED).speaks(600)(LOST)) == 0


def test_a_call_that_is_handed_over_meanwhile_takes_the_callers_words_along() -> None:
    before = talking(opened()).speaks(600)(Draining()).silent(400)
    carried = before.carry
    assert isinstance(carried, Carry)
    assert len(carried.caller) >= 600 * 8


# after


@pytest.mark.parametrize("ready_first", [False, True], ids=["in-the-gap", "with-the-next-session"])
def test_what_the_lost_session_said_can_be_cut_short(ready_first: bool) -> None:
    call = talking(opened())(LOST).silent(200)
    if ready_first:
        call(live.Ready()).silent(200)
    call.speaks(300)
    assert (clears(call), len(call.notes("barge-in"))) == (1, 1)
    played_ms = call.played_ms()
    call.silent(1000)
    assert call.played_ms() == played_ms
    if not ready_first:
        assert texts(call(live.Ready()).last) == []
    assert sound_ms(call.all) == call.chunk * 20


@pytest.mark.parametrize("persona", [PERSONA, OURS], ids=["model", "gateway"])
def test_the_next_session_is_heard(persona: object) -> None:
    """What held back the sound of a turn that was cut ends with its session."""
    call = talking(opened(persona=persona)).speaks(300)(live.Interrupted())(LOST)
    call.silent(300)(live.Ready())(live.OutputTranscript("At ten, then."))(live.ModelAudio(pcm(800))).silent(1000)
    call(live.GenerationComplete())(live.TurnComplete()).silent(300).heard()
    assert call.said()[-1] == ("agent", "At ten, then.")


def test_it_is_heard_where_the_gateway_cut_the_turn_and_the_model_never_said_so() -> None:
    call = talking(opened(persona=OURS)).speaks(300)(LOST).silent(300)(live.Ready())
    before_ms = call.played_ms()
    call(live.OutputTranscript("At ten, then."))(live.ModelAudio(pcm(800))).silent(1000)
    assert call.played_ms() >= before_ms + 800
    assert call(live.GenerationComplete())(live.TurnComplete()).heard().said()[-1] == ("agent", "At ten, then.")


def test_once_it_was_heard_the_next_sessions_own_words_are_that_sessions_to_judge() -> None:
    call = talking(opened(), 1500)(LOST).silent(200)(live.Ready())(live.OutputTranscript(" to six"))
    call(live.ModelAudio(pcm(3000))).silent(1000).speaks(600)
    assert clears(call) == 0
    assert clears(call(live.Interrupted())) == 1


def test_nor_does_a_barge_in_into_it_leave_anything_behind() -> None:
    call = talking(opened())(LOST).silent(200)(live.Ready()).speaks(400).silent(400)(live.OutputTranscript("Yes?"))
    assert clears(call(live.ModelAudio(pcm(3000))).silent(1000).speaks(600)) == 1


# a next session that says nothing


def test_a_mute_session_is_asked_again_to_go_on() -> None:
    call = talking(opened())(LOST).silent(200)(live.Ready())
    assert texts(call.last) == [cues.go_on("We open at nine")]
    call.silent(5000).heard().silent(4500)
    assert texts(call.all)[1:] == [cues.nudge()]
    assert call.silent(4500).notes("model-silent")[-1].fields["step"] == 2


def test_a_move_in_mid_sentence_is_no_other() -> None:
    call = talking(opened(), 9000)(live.GoingAway(6.0)).silent(1200)
    assert opens(call.all) == [None, "h1"]
    call(live.Ready()).silent(9000).heard().silent(4500)
    assert texts(call.all) == [cues.go_on("We open at nine"), cues.nudge()]


def test_without_a_handle_a_fresh_session_hears_what_the_lost_one_heard_in_part() -> None:
    """The handle that it was moved by first was refused: nobody knows the beginning."""
    call = opened().speaks(2000)(live.ResumptionUpdate("h2", True)).speaks(2000)(LOST)
    call(ModelGone(1007, "Request contains an invalid argument.")).speaks(600)(live.Ready())
    call(live.GoingAway(1.0)).speaks(1000)
    assert opens(call.all) == [None, "h2", None, None]
    assert sound_ms(call(live.Ready()).last) >= 5000
