"""A call whose model goes away, breaks or says nothing: the caller goes on talking, and nothing is heard twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.audio.filler import FILLER
from gateway.call.facts import ModelGone, OpenModel, Order, PrepareModel, ToolDone
from gateway.call.turn import Patience
from gateway.flow.model import Greeting, Vad
from gateway.live import cues
from gateway.live import messages as live
from gateway.twilio.media import CallerAudio, Play
from tests.call.script import GREETING, IDLE, PERSONA, PROTECTED, STARTED, Script, pcm, plan

HANDLE = live.ResumptionUpdate("h1", True)
LOST = ModelGone(1011, "Internal error")


def opened(**changes: object) -> Script:
    """A call whose model is ready, with a handle."""
    return Script(plan(**changes))(STARTED).at(0.1)(live.Ready())(HANDLE)  # type: ignore[arg-type]


def opens(orders: list[Order]) -> list[object]:
    """The handles of the connections asked for; None where none is named."""
    asked = [order.setup.setup["sessionResumption"] for order in orders if isinstance(order, OpenModel)]
    return [resumption.get("handle") for resumption in asked]


def texts(orders: list[Order]) -> list[str]:
    return [order.text for order in orders if isinstance(order, live.SendText)]


def sound_ms(orders: list[Order]) -> float:
    """Length of the caller's sound sent to the model."""
    return sum(len(order.pcm) for order in orders if isinstance(order, live.SendAudio)) / 32


# goAway


def test_go_away_prepares_a_socket_and_moves_when_nobody_speaks() -> None:
    call = opened()(live.GoingAway(50.0))
    assert PrepareModel() in call.last
    assert opens(call.last) == []
    assert opens(call.silent(1200).last) == ["h1"]
    call.silent(200)(live.Ready())
    (back,) = call.notes("model-back")
    assert back.fields["how"] == "resumed"
    assert texts(call.all) == []


def test_nobody_is_cut_short_by_a_move() -> None:
    call = opened()(live.GoingAway(50.0))
    call(live.OutputTranscript("One two three."))(live.ModelAudio(pcm(3000))).silent(2000)
    assert opens(call.all) == [None]
    call(live.GenerationComplete())(live.TurnComplete()).silent(1200).heard().silent(100)
    assert opens(call.all) == [None]  # by its old handle the session would not know what it said
    call(live.ResumptionUpdate("h2", True))
    assert opens(call.all) == [None, "h2"]


def test_a_handle_that_never_comes_does_not_hold_up_a_move_for_ever() -> None:
    call = opened()(live.ResumptionUpdate("", False))(live.GoingAway(10.0)).silent(4800)
    assert opens(call.all) == [None]
    assert opens(call.silent(400).all) == [None, "h1"]


def test_in_the_end_the_move_waits_for_nobody() -> None:
    call = opened()(live.GoingAway(8.0)).speaks(2900)
    assert opens(call.all) == [None]
    assert opens(call.speaks(200).last) == ["h1"]


def test_no_frame_of_the_caller_is_lost_or_doubled_by_moves() -> None:
    call = opened()
    for _ in range(50):
        call.silent(200)(live.GoingAway(50.0)).silent(1300)(live.Ready())(HANDLE)
    call.silent(100)
    assert len(opens(call.all)) == 51
    assert sound_ms(call.all) == call.chunk * 20


# thinking


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


# loss


def test_a_lost_model_is_asked_for_at_once_by_its_handle() -> None:
    call = opened()(LOST)
    assert opens(call.last) == ["h1"]
    assert call.ended is None
    assert call.notes("model-gone")[0].fields == {"code": 1011, "kind": "transient"}


def test_the_callers_sound_of_the_gap_comes_first() -> None:
    call = opened().silent(400)(LOST).silent(600)(live.Ready())
    assert sound_ms(call.last) == 600
    assert sound_ms(call.all) == 1000


def test_what_the_caller_said_without_an_answer_is_said_again() -> None:
    """The handle is older than the caller's turn: the session that it leads to has not heard it."""
    call = opened().silent(400).speaks(1000).silent(400)(LOST).silent(200)(live.Ready())
    assert 1600 <= sound_ms(call.last) <= 2000  # the turn with a little before it, and the gap


def test_an_answered_turn_is_not_said_again() -> None:
    call = opened().speaks(1000).silent(400)(live.ModelAudio(pcm(200)))(live.GenerationComplete())
    call(live.TurnComplete()).silent(300).heard()(LOST).silent(200)(live.Ready())
    assert sound_ms(call.last) == 200


def test_a_sentence_that_broke_off_goes_on_and_does_not_begin_again() -> None:
    call = opened()(live.OutputTranscript("One two three"))(live.ModelAudio(pcm(1000)))(LOST).silent(300)(live.Ready())
    assert texts(call.last) == [cues.go_on("One two three")]


def test_a_sentence_that_was_sent_whole_is_heard_to_its_end() -> None:
    call = opened()(live.OutputTranscript("One two three."))(live.ModelAudio(pcm(1000)))(live.GenerationComplete())
    call(LOST).silent(300)(live.Ready()).silent(1200).heard()
    assert texts(call.all) == []
    assert call.said() == [("agent", "One two three.")]


def test_nobody_is_greeted_twice() -> None:
    call = Script(plan(greeting=GREETING))(STARTED)(live.Ready())(HANDLE)(live.ModelAudio(pcm(500)))
    call(live.GenerationComplete())(live.TurnComplete()).silent(700).heard()(LOST)(live.Ready())
    assert texts(call.all) == [cues.say("Good day.")]


def test_a_greeting_that_was_never_heard_is_asked_for_again() -> None:
    call = Script(plan(greeting=PROTECTED))(STARTED)(live.Ready())(LOST)(live.Ready())
    assert texts(call.all) == [cues.say("Good day.")] * 2


def test_a_fresh_session_is_told_what_was_said() -> None:
    call = Script(plan())(STARTED)(live.Ready()).speaks(400).silent(400)(live.InputTranscript("My name is Robin."))
    call(live.OutputTranscript("Hello Robin."))(live.ModelAudio(pcm(300)))(live.GenerationComplete())
    call(live.TurnComplete()).silent(500).heard()(LOST)
    (opening,) = [order for order in call.last if isinstance(order, OpenModel)]
    told = opening.setup.setup["systemInstruction"]["parts"][0]["text"]
    assert told.startswith("Answer.")
    assert "caller: My name is Robin.\nagent: Hello Robin." in told
    call(live.Ready())
    assert call.notes("model-back")[0].fields["how"] == "fresh"


def test_a_refused_handle_leads_to_a_fresh_session() -> None:
    call = opened()(LOST)(ModelGone(1007, "Request contains an invalid argument.")).wait(0.6)
    assert opens(call.all) == [None, "h1", None]


def test_a_long_gap_is_filled_and_a_short_one_is_not() -> None:
    call = opened()(LOST).silent(1400)
    assert not [order for order in call.all if isinstance(order, Play)]
    call.silent(400)
    assert b"".join(order.mulaw for order in call.all if isinstance(order, Play)) == FILLER


def test_a_model_that_stays_away_ends_the_call() -> None:
    call = opened()(LOST)
    while call.ended is None:
        call.silent(200)
        if opens(call.last):
            call(ModelGone(0, "cannot connect"))
    assert call.ended == "model-gone"
    assert call.chunk * 20 < 32_000


def test_the_idle_policy_waits_while_the_model_is_away() -> None:
    call = opened(idle=IDLE)(LOST)
    for _ in range(5):
        call.silent(1000)(ModelGone(0, "cannot connect"))
    assert texts(call.all) == []


def test_connections_are_added_up() -> None:
    call = opened()(LOST)(live.Ready())(HANDLE)(live.GoingAway(50)).silent(1200)(live.Ready())
    call(ModelGone(1011, "quota"))
    assert call.notes("call-ended")[0].fields["reconnects"] == {"resumed": 2}


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


def test_an_hour_goes_by_in_connections_of_ten_minutes() -> None:
    """goAway 50 s before each end, as the API announces it; the caller's line goes on all the time."""
    call = opened(max_duration_s=3600.0)
    for chunk in range(1, 17_000):
        asked = opens(call.wait(0.2).last)
        asked += opens(call(CallerAudio(b"\xff" * 1600, chunk, chunk * 200)).last)
        if asked:
            call(live.Ready())(live.ResumptionUpdate(f"h{chunk}", True))
        if chunk % 3000 == 2750:
            call(live.GoingAway(50.0))
    assert call.ended is None
    assert call.notes("call-ended") == []
    assert [note.fields["how"] for note in call.notes("model-back")] == ["resumed"] * 5
    assert sound_ms(call.all) == 16_999 * 200


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


def test_go_away_told_again_and_again_puts_nothing_off() -> None:
    call = opened()
    for _ in range(4):
        call(live.GoingAway(50.0)).silent(400)
    assert opens(call.all) == [None, "h1"]


def test_a_session_that_ends_before_it_could_go_on_leaves_that_to_the_next() -> None:
    call = opened()(live.OutputTranscript("One two three"))(live.ModelAudio(pcm(1000)))(LOST).silent(300)(live.Ready())
    call(LOST).silent(1_000)(live.Ready())
    assert texts(call.all) == [cues.go_on("One two three")] * 2
    call(live.OutputTranscript("four"))(live.ModelAudio(pcm(200)))(live.GenerationComplete())(live.TurnComplete())
    call.silent(1_500).heard().silent(6_000)(LOST).silent(300)(live.Ready())
    assert len(texts(call.all)) == 2
