"""Everyday calls with a model that is well: nobody is asked for anything, and nothing is cut, said or told twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.audio.mulaw import encode
from gateway.call.facts import PhoneGone, ToolDone
from gateway.live import cues
from gateway.live import messages as live
from tests.call.script import GREETING, IDLE, PERSONA, PROTECTED, STARTED, Script, pcm, plan, tone
from tests.call.test_crossings import says
from tests.call.test_recovery import HANDLE, LOST, opened, sound_ms, texts
from tests.call.test_spoken_over import DEAF

HEALTHY: dict[str, Callable[[], Script]] = {}


def healthy(call: Callable[[], Script]) -> Callable[[], Script]:
    HEALTHY[call.__name__.replace("_", " ")] = call
    return call


def asked(words: str = "", persona: object = PERSONA) -> Script:
    """A question, and its words where they come in time."""
    call = opened(persona=persona).speaks(800).silent(500)
    return call(live.InputTranscript(words)) if words else call


@healthy
def a_cough_before_late_words() -> Script:
    call = says(asked(), "It is four.", 2_000).silent(300).speaks(120).silent(300)
    return call(live.InputTranscript("What time is it?")).silent(1_800)


@healthy
def a_cough_and_the_words_after_the_answer_was_heard() -> Script:
    call = says(asked(), "It is four.", 600).silent(200).speaks(120).silent(500).heard().silent(300)
    return call(live.InputTranscript("What time is it?"))


@healthy
def mhm_before_late_words() -> Script:
    call = says(asked(), "It is four.", 3_000).silent(300).speaks(300).silent(300)
    return call(live.InputTranscript("What time is it?")).silent(2_800)


@healthy
def words_in_pieces_across_the_first_sound() -> Script:
    call = says(asked("What time"), "It is four.", 2_000).silent(100).speaks(120)
    return call(live.InputTranscript(" is it?")).silent(2_300)


def told_slowly(call: Script, words: str, ms: int) -> Script:
    """Sound whose turn ends as it has been played: its `turnComplete` is the caller of this function's to send."""
    return call(live.OutputTranscript(words))(live.ModelAudio(pcm(ms)))(live.GenerationComplete())


@healthy
def noise_over_an_answer_that_is_complete_when_it_is_heard() -> Script:
    call = told_slowly(opened(), "We open at nine.", 3_000).silent(900).speaks(900).silent(1_300)
    return call(live.TurnComplete()).heard()


@healthy
def mhm_twice_over_the_answer_and_a_cough_after_it() -> Script:
    call = told_slowly(opened(), "We open at nine.", 4_000).silent(600).speaks(360).silent(700).speaks(360)
    return call.silent(2_100)(live.TurnComplete()).heard().silent(1_500).speaks(300)


@healthy
def mhm_okay_across_the_end_of_the_answer() -> Script:
    call = told_slowly(opened(), "We open at nine.", 2_000).silent(1_500).speaks(500)
    return call(live.InputTranscript("Mhm, okay."))(live.TurnComplete()).heard().speaks(60)


@healthy
def mhm_over_the_answer() -> Script:
    call = says(asked("What time is it?"), "It is four.", 3_000).silent(500).speaks(300).silent(400)
    return call(live.InputTranscript("Mhm.")).silent(2_500)


@healthy
def three_of_them_and_no_words() -> Script:
    call = says(asked(), "It is long.", 8_000)
    for _ in range(3):
        call.silent(1_000).speaks(300)
    return call.silent(5_000)


@healthy
def a_remark_that_a_proactive_model_leaves() -> Script:
    call = says(asked("What time is it?", DEAF), "It is four.", 3_000).silent(500).speaks(1_000).silent(400)
    return call(live.InputTranscript("So late, my goodness.")).silent(1_600).heard()(live.WaitingForInput())


@healthy
def one_that_it_leaves_with_an_empty_turn() -> Script:
    call = says(asked("What time is it?", DEAF), "It is four.", 3_000).silent(500).speaks(1_000).silent(400)
    return call(live.InputTranscript("So late, my goodness.")).silent(1_600).heard()(live.TurnComplete())


@healthy
def a_drawn_out_word_that_the_answer_crosses() -> Script:
    call = says(opened().speaks(800), "Yes.", 1_000).speaks(60).silent(500)
    return call(live.InputTranscript("Yes please")).silent(900)


@healthy
def an_afterthought() -> Script:
    call = says(opened().speaks(1_000).silent(600).speaks(100), "It is four.", 1_500).speaks(200).silent(500)
    return call(live.InputTranscript("What time is it please")).silent(1_000)


@healthy
def a_pause_before_the_answer_that_the_level_does_not_take_for_one() -> Script:
    call = says(opened().speaks(1_000).silent(200), "It is four.", 1_500).speaks(200).silent(500)
    return call(live.InputTranscript("What time is it please")).silent(1_000)


@healthy
def hello_before_the_greeting() -> Script:
    call = Script(plan(greeting=GREETING))(STARTED).at(0.1)(live.Ready())(HANDLE).silent(100).speaks(500).silent(400)
    return says(call, "Good day.", 1_000).silent(300)(live.InputTranscript("Hello?")).silent(900)


@healthy
def hello_during_it() -> Script:
    call = says(Script(plan(greeting=GREETING))(STARTED).at(0.1)(live.Ready())(HANDLE).silent(300), "Good day.", 2_000)
    return call.silent(500).speaks(400).silent(600)(live.InputTranscript("Hello?")).silent(1_000)


@healthy
def hello_during_a_protected_one_and_its_answer() -> Script:
    call = says(Script(plan(greeting=PROTECTED))(STARTED).at(0.1)(live.Ready())(HANDLE).silent(300), "Good day.", 2_000)
    call.silent(500).speaks(400).silent(1_500).heard().silent(300)(live.InputTranscript("Hello?")).silent(500)
    return says(call, "Hello!", 800).silent(1_000)


@healthy
def okay_while_a_tool_runs() -> Script:
    call = opened(tools={"find": "http"}).speaks(800).silent(500)(live.InputTranscript("Find it"))
    call(live.OutputTranscript("One moment"))(live.ModelAudio(pcm(600)))
    call(live.ToolCall((live.FunctionCall("c1", "find", {}),))).silent(800).heard().silent(600).speaks(300).silent(400)
    call(live.InputTranscript("Okay")).silent(1_500)(ToolDone("c1", {"status": "ok"})).silent(500)
    return says(call, "Found.", 800).silent(1_000)


@healthy
def two_answers_in_a_row() -> Script:
    return says(says(asked("Hi"), "One.", 1_000).silent(300), "Two.", 1_000).silent(2_200)


@healthy
def noises_while_the_card_is_looked_for() -> Script:
    call = says(asked("Hi"), "Your card number?", 1_000).silent(1_200).heard()
    for _ in range(5):
        call.silent(10_000).speaks(260)
    return call


@pytest.mark.parametrize("name", HEALTHY)
def test_nobody_is_asked_for_anything(name: str) -> None:
    call = HEALTHY[name]().heard().silent(9_000)
    assert [text for text in texts(call.all) if "Good day." not in text] == []
    assert call.notes("model-silent") == []
    assert call.notes("barge-in") == []


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_told_twice(name: str) -> None:
    words = [words for _, words in HEALTHY[name]().heard().silent(9_000).said()]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("name", HEALTHY)
def test_each_frame_is_sent_once(name: str) -> None:
    call = HEALTHY[name]().heard().silent(1_000)
    assert sound_ms(call.all) == pytest.approx(call.chunk * 20, abs=20)


def test_okay_to_a_model_that_thinks_hurries_nobody() -> None:
    call = asked("Which?")(live.OutputTranscript("One moment."))(live.ModelAudio(pcm(300)))(live.GenerationComplete())
    call(live.TurnComplete("", "IN_PROGRESS")).silent(500).heard().speaks(300).silent(400)
    assert texts(call(live.InputTranscript("Okay.")).silent(15_000).all) == []


def test_a_question_over_the_agent_is_told_or_heard_again_and_never_both() -> None:
    call = says(asked("What time is it?", DEAF), "It is four.", 3_000).silent(500).speaks(1_000).silent(400)
    call(live.InputTranscript("And tomorrow?")).silent(1_600).heard().silent(300)(LOST).silent(200)(live.Ready())
    assert sound_ms(call.last) >= 1_000
    assert not any("tomorrow" in str(order) for order in call.last)


def test_words_whose_sound_is_gone_outlive_the_words_that_are_heard_again() -> None:
    """A move that waits for nobody tells the first ones; the sound of the others goes out again after a loss."""
    call = opened().speaks(1_400)(live.ResumptionUpdate("h2", True))(live.GoingAway(8.0)).speaks(1_600)
    call(live.InputTranscript("I would like")).speaks(1_600)(live.Ready()).speaks(600)
    call(live.InputTranscript(" a table")).silent(400)(LOST).silent(1_000)(live.Ready())
    assert "I would like" in str(call.all[-20:])
    says(call(live.InputTranscript("a table for two")).silent(300), "Gladly.", 300).silent(600).heard()
    assert [words for speaker, words in call.said() if speaker == "caller"] == ["I would like a table for two"]


# and what is owed all the same


def test_a_short_yes_in_a_pause_is_a_question_of_its_own() -> None:
    call = says(asked("Hi"), "Shall I book it?", 1_000).silent(1_200).heard().silent(500).speaks(200).silent(500)
    assert len(texts(call(live.InputTranscript("Yes.")).silent(4_500).all)) == 1


def test_what_is_said_across_an_idle_prompt_is_not_answered_by_it() -> None:
    call = Script(plan(idle=IDLE))(STARTED).at(0.1)(live.Ready())(HANDLE).silent(2_200).speaks(1_000)
    says(call, "Are you there?", 800).speaks(400).silent(700)(live.InputTranscript("I want a table")).heard()
    call.silent(4_500)
    assert texts(call.all) == [cues.say("Are you there?"), cues.nudge()]
    assert len(call.notes("idle-prompt")) == 1


def test_a_question_to_a_model_that_thinks_is_answered_in_the_usual_time() -> None:
    call = asked("Which?")(live.OutputTranscript("One moment."))(live.ModelAudio(pcm(300)))(live.GenerationComplete())
    call(live.TurnComplete("", "IN_PROGRESS")).silent(500).heard().speaks(500).silent(400)
    assert texts(call(live.InputTranscript("Never mind, what time is it?")).silent(4_500).all) == [cues.nudge()]


def test_long_speech_just_before_adds_to_a_short_hello() -> None:
    """To a model that tells nothing: what counts is when it ended, not when it began."""
    hum = encode(tone(20, amplitude=20))
    call = opened()
    for _ in range(60):  # a line is learnt in the gaps
        call.speaks(200).caller(*[hum] * 5)
    call.caller(*[hum] * 20).speaks(300).silent(4_500)
    assert texts(call.all) == [cues.nudge()]


# of a turn that is told in part and heard in part


def told_and_heard() -> Script:
    call = opened().speaks(1_400)(live.ResumptionUpdate("h2", True))(live.GoingAway(8.0)).speaks(1_600)
    call(live.InputTranscript("I would like")).speaks(1_600)(live.Ready()).speaks(600)
    return call(live.InputTranscript(" a table")).silent(400)


@pytest.mark.parametrize("loss", [False, True], ids=["stream", "session and stream"])
def test_the_next_stream_is_told_what_it_does_not_hear(loss: bool) -> None:
    call = told_and_heard()
    if loss:
        call(LOST)
    carried = call(PhoneGone("x")).carry
    assert carried is not None
    assert [line.text for line in carried.missed] == ["I would like"]
    assert len(carried.caller) >= 600 * 8


def test_its_turn_begins_where_it_began() -> None:
    call = opened().speaks(1_400)(live.ResumptionUpdate("h2", True))(live.GoingAway(8.0)).speaks(1_600)
    call(live.InputTranscript("I would like")).speaks(1_600)(live.Ready()).silent(2_500).speaks(600)
    says(call(live.InputTranscript(" a table")).silent(400), "Gladly.", 300).silent(600).heard()
    assert call.notes("turn")[0].fields["start_ms"] == pytest.approx(100, abs=100)
