"""A model that says nothing, session after session: what each of them hears and is asked, and what ends the count."""

from __future__ import annotations

from gateway.call.carry import Carry
from gateway.call.facts import Draining, ToolDone
from gateway.live import cues
from gateway.live import messages as live
from tests.call.script import Script, pcm
from tests.call.test_due import waiting
from tests.call.test_recovery import LOST, opened, opens, sound_ms, texts
from tests.call.test_spoken_over import talking

NUDGED_MS = 4_500  # from when the model is due to its nudge


def says(call: Script, words: str) -> Script:
    """A whole turn of the model's, sent and heard."""
    call(live.OutputTranscript(words))(live.ModelAudio(pcm(300)))(live.GenerationComplete())
    return call(live.TurnComplete()).silent(400).heard()


# each session


def test_each_session_hears_the_callers_words_again() -> None:
    call = waiting().silent(8_600)
    assert opens(call.all) == [None, "h1"]
    assert sound_ms(call(live.Ready()).last) >= 600 + 400 + 8_000  # all since they began
    assert opens(call.silent(NUDGED_MS).all) == [None, "h1", None]
    assert sound_ms(call(live.Ready()).last) >= 600 + 400 + 12_000


def test_each_session_is_asked_for_the_rest_of_a_sentence_though_the_one_before_was_nudged() -> None:
    call = talking(opened())(LOST).silent(200)(live.Ready()).silent(5_000).heard().silent(NUDGED_MS)
    assert texts(call.all) == [cues.go_on("We open at nine"), cues.nudge()]
    call.silent(4_000)
    assert opens(call.all) == [None, "h1", "h1"]
    assert texts(call(live.Ready()).last) == [cues.go_on("We open at nine")]
    assert opens(call.silent(NUDGED_MS).all) == [None, "h1", "h1", None]
    assert texts(call(live.Ready()).last) == [cues.go_on("We open at nine")]


def test_a_model_that_thought_too_long_and_was_nudged_still_owes_in_the_next_stream() -> None:
    call = opened().speaks(800).silent(400)(live.InputTranscript("Which?"))(live.TurnComplete("", "IN_PROGRESS"))
    call.silent(21_000)
    assert texts(call.all) == [cues.nudge()]
    carried = call(Draining("stream-limit", 0.0, 0.0)).carry
    assert isinstance(carried, Carry)
    assert carried.owing


# from the first step again


def test_a_model_that_was_nudged_and_chose_to_wait_is_nudged_the_next_time() -> None:
    call = waiting().silent(NUDGED_MS)(live.WaitingForInput()).silent(3_000)
    call.speaks(600).silent(400)(live.InputTranscript("And now?")).silent(NUDGED_MS)
    assert texts(call.all) == [cues.nudge()] * 2
    assert opens(call.all) == [None]
    assert [note.fields["step"] for note in call.notes("model-silent")] == [1, 1]


def waits() -> Script:
    """The model has understood the caller, and chosen to say nothing."""
    call = opened().silent(400).speaks(600).silent(400)(live.InputTranscript("No, Bob, not you."))
    return call(live.WaitingForInput()).silent(200)


def test_what_the_model_chose_not_to_answer_is_not_sent_again() -> None:
    assert sound_ms(waits()(LOST).silent(200)(live.Ready()).last) == 200


def test_nor_does_what_it_says_later_answer_that() -> None:
    call = says(waits(), "I am still here.")
    assert call.said()[1:] == [("agent", "I am still here.")]
    assert call.notes("turn")[-1].fields["response_ms"] is None


def test_a_model_whose_tool_took_long_has_its_time_from_the_result_on() -> None:
    call = opened(tools={"find": "http"}).speaks(600).silent(400)(live.InputTranscript("Find it"))
    call(live.ToolCall((live.FunctionCall("1", "find", {}),))).silent(5_000)(ToolDone("1", {"status": "ok"}))
    assert texts(call.silent(3_800).all) == []
    assert texts(call.silent(400).all) == [cues.nudge()]
