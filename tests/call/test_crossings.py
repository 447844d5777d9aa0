"""The caller's words and the agent's sound cross: which words have their answer, what is owed, told, sent again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.call.turn import State
from gateway.flow.model import Greeting, Persona
from gateway.live import cues
from gateway.live import messages as live
from tests.call.script import GREETING, PERSONA, PROTECTED, STARTED, Script, pcm, plan
from tests.call.test_context import told
from tests.call.test_recovery import HANDLE, LOST, opened, opens, sound_ms, texts
from tests.call.test_spoken_over import DEAF, OURS, clears, talking


def says(call: Script, words: str, ms: int) -> Script:
    """A whole turn of the model's."""
    call(live.OutputTranscript(words))(live.ModelAudio(pcm(ms)))(live.GenerationComplete())
    return call(live.TurnComplete())


# sound that is still on its way after a barge-in by the gateway's word


@pytest.mark.parametrize("interrupted", [True, False], ids=["told", "never told"])
def test_sound_of_a_turn_that_was_cut_is_no_answer(interrupted: bool) -> None:
    call = talking(opened(persona=OURS)).speaks(300)(live.ModelAudio(pcm(240)))
    assert call.call._turn.state is State.HEARING
    call.speaks(100)
    if interrupted:
        call(live.Interrupted())
    assert cues.nudge() in texts(call.silent(9_000).all)


# words, and the answer that came before them


def test_the_first_words_of_a_quiet_caller_have_no_answer_yet() -> None:
    call = opened().silent(1_000)(live.InputTranscript("Hello?")).silent(6_000)
    assert texts(call.all) == [cues.nudge()]


def test_a_protected_greeting_answers_nothing() -> None:
    """Said while it was protected; the model hears it afterwards."""
    call = says(greeted(PROTECTED).speaks(1_000).silent(400), "Good day.", 600).silent(900).heard()
    call.silent(500)(live.InputTranscript("I need a doctor now")).silent(8_000)
    assert cues.nudge() in texts(call.all)


def test_what_was_said_during_one_is_owed_though_no_words_come() -> None:
    """The model told things meanwhile, and could not hear."""
    call = says(greeted(PROTECTED).silent(400).speaks(1_200).silent(400), "Good day.", 600).silent(900).heard()
    assert texts(call.silent(5_000).all)[1:] == [cues.nudge()]


def test_nor_is_the_session_left_before_it_could_answer() -> None:
    call = says(greeted(PROTECTED).silent(400).speaks(1_200).silent(400), "Good day.", 600)(live.GoingAway(50.0))
    call(live.ResumptionUpdate("h2", True)).silent(900).heard().silent(1_500)
    assert opens(call.all) == [None]


def test_the_end_of_a_turn_is_no_sign_that_what_is_said_meanwhile_is_heard() -> None:
    call = opened()(live.OutputTranscript("Yes?"))(live.ModelAudio(pcm(600)))(live.GenerationComplete()).silent(700)
    call.heard().silent(100).speaks(400)(live.TurnComplete()).speaks(600).silent(5_000)
    assert texts(call.all) == [cues.nudge()]


def test_any_other_answers_whoever_said_hello() -> None:
    call = says(greeted(GREETING).silent(200).speaks(600).silent(300), "Good day.", 600).silent(200)
    assert texts(call(live.InputTranscript("Hello?")).silent(700).heard().silent(9_000).all)[1:] == []


def test_an_answer_that_begins_before_the_level_tells_of_the_callers_end_answers_them() -> None:
    call = says(opened().silent(1_000).speaks(1_000).silent(220), "It is four.", 1_000).silent(300)
    call(live.InputTranscript("What time is it?")).silent(1_000).heard().silent(9_000)
    assert texts(call.all) == []


def test_what_was_said_across_its_first_sound_is_owed() -> None:
    call = says(greeted(GREETING).silent(200).speaks(600), "Good day.", 1_200).speaks(200).silent(500)
    call(live.InputTranscript("I need a doctor")).silent(1_000).heard().silent(5_000)
    assert texts(call.all)[1:] == [cues.nudge()]


def greeted(greeting: object) -> Script:
    """Asked for its greeting, of which nothing has come."""
    return Script(plan(greeting=greeting))(STARTED).at(0.1)(live.Ready())(HANDLE)  # type: ignore[arg-type]


def test_a_question_over_the_agent_that_nobody_answers_is_asked_for() -> None:
    call = talking(opened(persona=DEAF), 3_000).speaks(800).silent(400)(live.InputTranscript("How much is it?"))
    call(live.GenerationComplete())(live.TurnComplete()).silent(2_000).heard().silent(5_000)
    assert texts(call.all) == [cues.nudge()]


def test_a_question_across_the_agents_end_is_owed_though_its_words_were_told_before_that() -> None:
    call = says(talking(opened(persona=DEAF), 100), " to six.", 1_500).silent(900).speaks(600)
    call(live.InputTranscript("How much")).speaks(200).heard().speaks(600).silent(5_000)
    assert texts(call.all) == [cues.nudge()]


def test_a_cough_while_late_words_come_is_no_question() -> None:
    call = says(opened().speaks(800).silent(500), "It is four.", 600).silent(900).heard().silent(300)
    call.speaks(120)(live.InputTranscript("What time is it?")).silent(9_000)
    assert texts(call.all) == []


def test_words_that_straggle_in_while_their_answer_is_heard_ask_for_nothing() -> None:
    call = opened().speaks(800).silent(500)(live.OutputTranscript("It is four."))(live.ModelAudio(pcm(2_000)))
    call.silent(300)(live.InputTranscript("What time is it?")).silent(300).speaks(120)
    call(live.GenerationComplete())(live.TurnComplete()).silent(2_000).heard().silent(9_000)
    assert texts(call.all) == []


def test_they_are_a_turn_of_their_own_before_the_next_words() -> None:
    call = opened().silent(1_000).speaks(800).silent(500)(live.OutputTranscript("Four o'clock it"))
    call(live.ModelAudio(pcm(3_000))).silent(300)(live.InputTranscript("What time is it?")).silent(300)
    call.speaks(500)(live.Interrupted())(live.TurnComplete()).silent(300)(LOST).silent(200)(live.Ready())
    says(call(live.InputTranscript("And the day?")).silent(500), "Friday.", 300).silent(500).heard()
    assert [words for speaker, words in call.said() if speaker == "caller"] == ["What time is it?", "And the day?"]


# what the next session hears


@pytest.mark.parametrize("pause_ms", [0, 140], ids=["mid-word", "between words"])
def test_a_question_that_crossed_the_agents_first_sound_is_heard_whole_by_the_next_session(pause_ms: int) -> None:
    call = opened().silent(3_000).speaks(800 - pause_ms).silent(pause_ms)(live.OutputTranscript("Are you still"))
    call(live.ModelAudio(pcm(1_500))).speaks(100).silent(200)(live.Interrupted())(live.TurnComplete())
    call(live.InputTranscript("A table for two")).silent(400)(LOST).silent(200)(live.Ready())
    assert 900 + 200 + 400 + 200 <= sound_ms(call.last) <= 900 + 200 + 400 + 200 + 400
    assert told(call.last) == []  # the words come with their sound


def test_an_answered_question_before_it_is_not() -> None:
    call = opened().speaks(2_000).silent(400).speaks(600)(live.ModelAudio(pcm(1_500))).speaks(200)
    call(live.Interrupted())(live.TurnComplete()).silent(400)(LOST).silent(200)(live.Ready())
    assert sound_ms(call.last) <= 800 + 400 + 200 + 400


@pytest.mark.parametrize("loss", [True, False], ids=["goes on and answers", "answers twice"])
def test_a_question_whose_answer_is_heard_together_with_the_turn_before_has_its_answer(loss: bool) -> None:
    call = talking(opened(persona=DEAF), 5_000 if loss else 3_000).speaks(800)
    if loss:
        call.silent(400)(LOST).silent(200)(live.Ready())
    else:
        call(live.GenerationComplete())(live.TurnComplete()).silent(500)
    says(call(live.InputTranscript("How much?")), "It is four.", 1_500).silent(7_000).heard()
    call(live.ResumptionUpdate("h2", True)).silent(1_000).speaks(600)(LOST).silent(200)(live.Ready())
    assert sound_ms(call.last) <= 600 + 200 + 400


def test_words_of_a_caller_below_the_level_are_told() -> None:
    """There is no sound to be sent again: the level doesn't know where it began."""
    call = opened().silent(3_000)(live.InputTranscript("What time is it?")).silent(200)(LOST).silent(200)(live.Ready())
    assert told(call.last) == [[("user", "What time is it?")]]
    assert sound_ms(call.last) == 200


def test_where_nothing_was_said_nothing_is_sent_again() -> None:
    call = opened(warn_at_s=2.0).silent(2_300)(LOST).silent(200)(live.Ready())
    assert texts(call.last) != []
    assert sound_ms(call.last) == 200


# the sound of a lost session, and of the next


@pytest.mark.parametrize("persona", [PERSONA, replace(PERSONA, vad=replace(PERSONA.vad, silence_ms=800))])
def test_a_cough_does_not_cut_what_a_lost_session_said(persona: Persona) -> None:
    call = talking(opened(persona=persona))(LOST).silent(200)(live.Ready())(live.OutputTranscript("to six"))
    call(live.ModelAudio(pcm(3_000))).speaks(120).silent(600)
    assert clears(call) == 0
    assert clears(call.speaks(400)) == 1


def test_an_empty_turn_of_the_next_session_is_one_though_the_lost_ones_had_sound() -> None:
    """It was sent whole, and never told to be complete."""
    call = opened()(live.OutputTranscript("At nine."))(live.ModelAudio(pcm(600)))(live.GenerationComplete())
    call(LOST).silent(200)(live.Ready()).silent(800).heard()
    call.speaks(600).silent(400)(live.InputTranscript("Thanks."))(live.TurnComplete()).silent(9_000)
    assert texts(call.all) == []
    assert call.call._turn.state is State.LISTENING


@pytest.mark.parametrize("greeting", [GREETING, PROTECTED], ids=["interruptible", "protected"])
def test_a_session_that_is_to_greet_after_a_loss_hears_the_caller_at_once_unless_nobody_may_cut_in(
    greeting: Greeting,
) -> None:
    call = greeted(greeting).silent(300)(LOST).silent(200)(live.Ready())
    assert sound_ms(call.last) == (200 if greeting.interruptible else 0)
    assert sound_ms(call.silent(200).last) == (200 if greeting.interruptible else 0)


def test_who_spoke_long_before_a_greeting_that_never_came_is_heard_by_the_next_session() -> None:
    call = greeted(GREETING).silent(200).speaks(800).silent(3_000)(LOST).silent(200)(live.Ready())
    assert sound_ms(call.last) >= 800 + 3_000 + 200
