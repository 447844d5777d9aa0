"""What the model owes, and what is done where it says nothing: it is asked, left, replaced, given up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.call.facts import ModelGone, ToolDone
from gateway.call.turn import Patience
from gateway.flow.model import Greeting, Vad
from gateway.live import cues
from gateway.live import messages as live
from tests.call.script import GREETING, IDLE, PERSONA, PROTECTED, STARTED, Script, pcm, plan
from tests.call.test_recovery import HANDLE, LOST, opened, opens, sound_ms, texts

# silence


def waiting(**changes: object) -> Script:
    """The model has understood the caller, and says nothing."""
    return opened(**changes).speaks(600).silent(400)(live.InputTranscript("Hello?"))


def test_a_silent_model_is_nudged_then_left_then_replaced_then_given_up() -> None:
    call = waiting().silent(4500)
    assert texts(call.all) == [cues.nudge()]
    call.silent(4100)
    assert opens(call.all) == [None, "h1"]
    call(live.Ready()).silent(4500)
    assert opens(call.all) == [None, "h1", None]
    call(live.Ready()).silent(4500)
    assert call.ended == "model-gone"
    assert [note.fields["step"] for note in call.notes("model-silent")] == [1, 2, 3, 4]


def test_a_model_that_answers_the_nudge_is_well() -> None:
    call = waiting().silent(4500)(live.OutputTranscript("Yes?"))(live.ModelAudio(pcm(300)))(live.GenerationComplete())
    call(live.TurnComplete()).silent(400).heard().silent(9000)
    assert len(call.notes("model-silent")) == 1
    assert opens(call.all) == [None]


def test_short_words_to_a_model_that_tells_nothing_add_up() -> None:
    call = opened().silent(200).speaks(500).silent(2000)
    assert texts(call.speaks(500).silent(4500).all) == [cues.nudge()]


def test_knocks_do_not_add_up() -> None:
    call = opened().silent(200)
    for _ in range(12):
        call.speaks(120).silent(900)
    assert texts(call.silent(5000).all) == []


def test_noise_that_nobody_understood_is_no_reason() -> None:
    call = opened().speaks(600).silent(9000)
    assert texts(call.all) == []
    assert opens(call.all) == [None]


def test_a_phantom_interruption_does_not_mute_the_call() -> None:
    call = opened().speaks(600).silent(300)(live.InputTranscript("Hello?"))(live.Interrupted()).silent(4500)
    assert texts(call.all) == [cues.nudge()]


def test_a_sentence_that_stalls_is_asked_for_again() -> None:
    call = opened()(live.OutputTranscript("I was going to"))(live.ModelAudio(pcm(400))).silent(400).heard()
    call.silent(round(Patience().speaking * 1000) + 200)
    assert texts(call.all) == [cues.go_on("I was going to")]


def test_an_agent_that_nobody_interrupted_is_asked_to_go_on() -> None:
    """A phantom `interrupted` in mid-answer: the caller said nothing, and would wait for the rest for ever."""
    call = opened().speaks(600).silent(400)(live.InputTranscript("Hello?"))
    call(live.OutputTranscript("We are open from"))(live.ModelAudio(pcm(3000))).silent(1000)
    call(live.Interrupted())(live.TurnComplete()).silent(4200)
    assert texts(call.all) == [cues.nudge()]
    call(live.OutputTranscript("Nine to six."))(live.ModelAudio(pcm(300)))(live.GenerationComplete())
    call(live.TurnComplete()).silent(400).heard().silent(9000)
    assert len(call.notes("model-silent")) == 1


def looked_up(**changes: object) -> Script:
    """The model said a word, called a tool, and the word was heard; its result has not come."""
    call = opened(tools={"find": "hangup"}, **changes).speaks(600).silent(400)(live.InputTranscript("Find it"))
    call(live.OutputTranscript("One moment."))(live.ModelAudio(pcm(300)))
    return call(live.ToolCall((live.FunctionCall("1", "find"),))).silent(600).heard()


def test_a_tools_result_and_silence_after_the_agent_said_one_moment() -> None:
    call = looked_up()(ToolDone("1", {"status": "ok"})).silent(3800)
    assert texts(call.all) == []
    assert texts(call.silent(400).all) == [cues.nudge()]
    assert opens(call.silent(4200).all) == [None, "h1"]


def test_a_tools_result_that_is_spoken_about_is_the_end_of_it() -> None:
    call = looked_up()(ToolDone("1", {"status": "ok"})).silent(500)(live.ModelAudio(pcm(300)))
    call(live.GenerationComplete())(live.TurnComplete()).silent(600).heard().silent(9000)
    assert (texts(call.all), call.notes("model-silent")) == ([], [])


def test_nobody_is_prompted_while_a_tool_runs() -> None:
    """A text in mid-call takes a blocking call back (facts of the field, 3.8)."""
    call = looked_up(idle=IDLE, warn_at_s=3.0).silent(7000)
    assert texts(call.all) == []
    assert [note.fields["tool"] for note in call.silent(600).notes("tool-timeout")] == ["find"]


def test_nor_where_the_model_called_it_of_its_own_accord() -> None:
    call = opened(tools={"find": "hangup"}, idle=IDLE).silent(1000)(live.ToolCall((live.FunctionCall("1", "find"),)))
    assert texts(call.silent(6000).all) == []
    assert texts(call(ToolDone("1", {"status": "ok"})).silent(4200).all) == [cues.nudge()]


def test_a_turn_without_sound_after_a_tools_result_is_no_answer() -> None:
    call = looked_up()(ToolDone("1", {"status": "ok"})).silent(200)(live.TurnComplete()).silent(4200)
    assert texts(call.all) == [cues.nudge()]


def test_once_sound_has_broken_a_tool_call_it_is_kept_while_the_next_one_waits() -> None:
    call = looked_up().silent(200)(ModelGone(1008, "Operation is not implemented, or supported, or enabled."))
    assert call.notes("model-gone")[0].fields["kind"] == "tools"
    call(live.Ready())(HANDLE)(live.ToolCall((live.FunctionCall("2", "find", {"day": "Monday"}),)))
    before = sound_ms(call.all)
    assert sound_ms(call.silent(1000).all) == before
    call(ToolDone("2", {"status": "ok"}))(ToolDone("1", {"status": "ok"})).silent(20)
    assert sound_ms(call.all) == before + 1020


def test_sound_goes_on_while_a_tool_runs_where_nothing_broke() -> None:
    call = looked_up()
    assert sound_ms(call.silent(1000).last) == 1000


# the ladder, where the caller waits and says nothing


def silent_model(call: Script) -> Script:
    """The model says nothing more; each of its sessions is ready at once."""
    asked = len(opens(call.all))
    for _ in range(300):
        call.silent(100)
        if len(opens(call.all)) > asked:
            asked += 1
            call(live.Ready())
        if call.ended:
            break
    return call


def test_each_session_of_the_ladder_is_asked_to_go_on_with_the_sentence() -> None:
    call = opened()(live.OutputTranscript("We open at"))(live.ModelAudio(pcm(800)))
    silent_model(call)
    assert texts(call.all) == [cues.go_on("We open at")] * 3
    assert opens(call.all) == [None, "h1", None]


def test_each_session_of_the_ladder_is_asked_for_the_greeting() -> None:
    call = silent_model(Script(plan(greeting=PROTECTED))(STARTED).at(0.1)(live.Ready())(HANDLE))
    assert texts(call.all) == [cues.say("Good day.")] * 4  # as it began, and on each step


def test_a_session_that_hears_the_callers_words_again_is_not_asked_for_something_else() -> None:
    call = silent_model(opened().silent(200).speaks(1000).silent(400)(live.InputTranscript("When do you open?")))
    assert texts(call.all) == [cues.nudge()]
    assert opens(call.all) == [None, "h1", None]


@pytest.mark.parametrize("greeting", [GREETING, PROTECTED], ids=["interruptible", "protected"])
def test_a_greeting_whose_words_came_without_sound_is_said_again(greeting: Greeting) -> None:
    call = Script(plan(greeting=greeting))(STARTED).at(0.1)(live.Ready())(HANDLE)(live.OutputTranscript("Good"))
    call.silent(6500)
    assert texts(call.all) == [cues.say("Good day.")] * 2
    call = Script(plan(greeting=greeting))(STARTED).at(0.1)(live.Ready())(HANDLE)(live.OutputTranscript("Good"))
    call(LOST).silent(200)(live.Ready())
    assert texts(call.all) == [cues.say("Good day.")] * 2


def test_a_model_that_chooses_to_say_nothing_is_not_stuck() -> None:
    """Proactive audio: the caller spoke to somebody else in the room."""
    call = opened().silent(200).speaks(1000).silent(400)(live.InputTranscript("No, Bob, not you."))
    call(live.WaitingForInput()).silent(20_000)
    assert texts(call.all) == []
    assert opens(call.all) == [None]
    assert [note.private["text"] for note in call.notes("turn")] == ["No, Bob, not you."]


def test_a_model_that_waits_though_it_was_asked_is_still_owed() -> None:
    """Its tool has come to its end: the caller waits for what came of it."""
    call = opened(tools={"find": "http"})(live.ToolCall((live.FunctionCall("1", "find", {}),)))
    call(ToolDone("1", {"status": "ok"}))(live.WaitingForInput()).silent(5000)
    assert texts(call.all) == [cues.nudge()]


def test_a_mute_model_after_a_barge_in_by_the_gateways_own_word_is_asked() -> None:
    call = opened(persona=replace(PERSONA, vad=Vad("low", "low", 20, 500, mode="gateway")))
    call(live.OutputTranscript("One two three"))(live.ModelAudio(pcm(5000))).silent(500).speaks(400)
    call(live.Interrupted()).silent(6000)
    assert texts(call.all) == [cues.nudge()]


# a cough, an empty turn, a word


def test_a_cough_takes_nothing_from_what_a_silent_model_is_asked() -> None:
    call = opened()(live.OutputTranscript("We open at"))(live.ModelAudio(pcm(800))).silent(3_000).speaks(120)
    assert texts(silent_model(call).all) == [cues.go_on("We open at")] * 3


def test_nor_from_the_greeting() -> None:
    call = Script(plan(greeting=GREETING))(STARTED).at(0.1)(live.Ready())(HANDLE).silent(300).speaks(120)
    assert texts(silent_model(call).all) == [cues.say("Good day.")] * 4


def test_an_empty_turn_after_a_nudge_is_no_answer() -> None:
    call = waiting().silent(4_500)(live.TurnComplete()).silent(4_500)
    assert opens(call.all) == [None, "h1"]


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "RESPONSE_REJECTED"])
def test_an_answer_that_the_service_kept_back_is_owed(reason: str) -> None:
    assert texts(waiting()(live.TurnComplete(reason)).silent(4_500).all) == [cues.nudge()]


@pytest.mark.parametrize("reason", ["", "NEED_MORE_INPUT"])
def test_a_model_may_say_nothing(reason: str) -> None:
    assert texts(waiting()(live.TurnComplete(reason)).silent(9_000).all) == []


@pytest.mark.parametrize("greeting", [GREETING, PROTECTED], ids=["interruptible", "protected"])
def test_an_empty_turn_is_no_greeting(greeting: Greeting) -> None:
    call = Script(plan(greeting=greeting))(STARTED).at(0.1)(live.Ready())(HANDLE).silent(500)(live.TurnComplete())
    assert texts(call.silent(4_500).all) == [cues.say("Good day.")] * 2


def test_a_model_that_says_again_that_it_waits_is_left_in_peace() -> None:
    """The caller cut in to say so."""
    call = opened()(live.OutputTranscript("We open at nine"))(live.ModelAudio(pcm(5_000))).silent(1_000).speaks(800)
    call(live.Interrupted())(live.TurnComplete()).silent(400)(live.InputTranscript("Wait a moment, please."))
    call(live.WaitingForInput()).silent(4_500)
    assert texts(call.all) == [cues.nudge()]
    call(live.WaitingForInput()).silent(30_000)
    assert (texts(call.all), opens(call.all), call.ended) == ([cues.nudge()], [None], None)


def test_a_word_of_the_callers_is_no_answer_to_what_the_model_was_told() -> None:
    call = opened()(live.OutputTranscript("We open at"))(live.ModelAudio(pcm(3_000))).silent(500)(LOST).silent(200)
    call(live.Ready()).silent(100)(live.InputTranscript("hm"))(LOST).silent(1_000)(live.Ready())
    assert texts(call.all) == [cues.go_on("We open at")] * 2


# what we asked it to say


ARE_YOU_THERE = cues.say(IDLE.say)


def test_a_prompt_that_nobody_says_is_asked_for_of_each_session() -> None:
    """Else the caller would be left for their silence, without having been asked."""
    call = silent_model(opened(idle=IDLE).silent(2100))
    assert texts(call.all) == [ARE_YOU_THERE] * 4
    assert opens(call.all) == [None, "h1", None]
    assert call.ended == "model-gone"


def test_one_that_is_said_in_the_end_counts_once() -> None:
    call = opened(idle=IDLE).silent(6200)
    assert texts(call.all) == [ARE_YOU_THERE] * 2
    for _ in range(2):
        call(live.OutputTranscript(IDLE.say))(live.ModelAudio(pcm(300)))(live.GenerationComplete())
        call(live.TurnComplete()).silent(400).heard().silent(2100)
    assert call.ended == "idle"
    assert [note.fields["nth"] for note in call.notes("idle-prompt")] == [1, 2]


def test_a_session_that_breaks_before_it_says_so_leaves_that_to_the_next() -> None:
    call = opened(idle=IDLE).silent(2100)(LOST).silent(200)(live.Ready())
    assert texts(call.last) == [ARE_YOU_THERE]


def test_a_caller_who_speaks_meanwhile_is_answered_instead() -> None:
    call = opened(idle=IDLE).silent(2100).speaks(800).silent(4500)
    assert texts(call.all) == [ARE_YOU_THERE, cues.nudge()]
    assert texts(call(LOST).silent(200)(live.Ready()).last) == []


def test_the_end_that_is_near_is_said_by_the_next_session() -> None:
    call = opened(warn_at_s=3.0).silent(3200)
    (asked,) = texts(call.all)
    assert texts(call(LOST).silent(200)(live.Ready()).last) == [asked]
