"""A call leaves its stream and goes on in another: when it leaves, what it takes along, and what the caller hears."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import orjson
import pytest

from gateway.call import carry
from gateway.call.carry import Carry
from gateway.call.carrying import forgotten
from gateway.call.facts import Draining, HangUp, ModelGone, OpenModel, PhoneGone, ToolDone
from gateway.flow.model import BargeIn
from gateway.live import cues
from gateway.live import messages as live
from gateway.twilio.media import Play
from tests.call.script import GREETING, PROTECTED, STARTED, T0, Script, pcm, plan
from tests.call.test_recovery import HANDLE, opened, opens, sound_ms, texts

SOON = Draining("draining", 0.7, 3.0)
TOOLS = {"find": "http", "goodbye": "hangup"}


def left(call: Script) -> Carry:
    """What the call left for the next stream, through the store and 0.4 s later."""
    assert call.carry is not None
    return carry.read(orjson.loads(orjson.dumps(call.carry.plain()))).aged(0.4)


def taken_up(before: Script, **changes: object) -> Script:
    """The call in its next stream, whose model isn't ready yet."""
    return Script(plan(**changes), left(before))(STARTED)  # type: ignore[arg-type]


def talking(call: Script, ms: int = 3000, words: str = "One two three four five six.", *, whole: bool = True) -> Script:
    """The agent says so much, all of it sent at once."""
    call(live.OutputTranscript(words))(live.ModelAudio(pcm(ms)))
    return call(live.GenerationComplete())(live.TurnComplete())(HANDLE) if whole else call


def codes(call: Script) -> list[tuple[str, int]]:
    return [(order.reason, order.code) for order in call.all if isinstance(order, HangUp)]


# when it leaves


def test_it_leaves_when_nobody_speaks_but_not_at_once() -> None:
    call = opened()(SOON).silent(600)
    assert codes(call) == []
    assert codes(call.silent(200)) == [("draining", 1001)]


def test_without_a_wait_it_leaves_at_once() -> None:
    assert codes(opened()(Draining())) == [("draining", 1001)]
    assert codes(talking(opened())(Draining())) == [("draining", 1001)]


def test_the_agent_is_heard_out_if_it_does_not_take_too_long() -> None:
    call = talking(opened(), 1500)(SOON).silent(1400)
    assert codes(call) == []
    call.heard().silent(100)
    assert codes(call) == [("draining", 1001)]
    assert call.said() == [("agent", "One two three four five six.")]


@pytest.mark.parametrize("speaker", ["agent", "caller"])
def test_in_the_end_it_waits_for_nobody(speaker: str) -> None:
    call = opened()(SOON)
    call = talking(call, 9000).silent(2900) if speaker == "agent" else call.speaks(2900)
    assert codes(call) == []
    call = call.silent(200) if speaker == "agent" else call.speaks(200)
    assert codes(call) == [("draining", 1001)]


def test_a_call_whose_model_is_away_leaves_as_soon_as_it_may() -> None:
    call = opened()(ModelGone(1011, "Internal error"))(SOON).silent(800)
    assert codes(call) == [("draining", 1001)]


def test_a_call_that_waits_for_its_model_leaves_as_soon_as_it_may() -> None:
    assert codes(Script(plan())(STARTED)(SOON).silent(800)) == [("draining", 1001)]


def test_a_tool_that_runs_and_a_goodbye_are_waited_for() -> None:
    call = opened(tools=TOOLS)(live.ToolCall((live.FunctionCall("1", "find", {}),)))(SOON).silent(1000)
    assert codes(call) == []
    call(ToolDone("1", {"status": "ok"}))
    talking(call, 300).silent(300).heard().silent(100)
    assert codes(call) == [("draining", 1001)]


def test_a_handle_that_knows_the_last_turn_is_waited_for() -> None:
    call = opened()(live.OutputTranscript("Yes."))(live.ModelAudio(pcm(300)))(live.GenerationComplete())
    call(live.TurnComplete()).silent(500).heard()(SOON).silent(1500)
    assert codes(call) == []
    assert codes(call(live.ResumptionUpdate("h2", True))) == [("draining", 1001)]
    assert left(call).handle == "h2"


def test_of_two_requests_the_sooner_counts() -> None:
    call = opened().speaks(200)(Draining("stream-limit", 0.0, 150.0)).speaks(100)(SOON).speaks(3100)
    assert codes(call) == [("draining", 1001)]
    call = opened()(SOON)(Draining("stream-limit", 0.0, 150.0)).silent(900)
    assert codes(call) == [("draining", 1001)]


def test_a_stream_that_is_too_old_is_left_in_a_pause() -> None:
    call = talking(opened(), 500)(Draining("stream-limit", 0.0, 150.0)).silent(400)
    assert codes(call) == []
    assert codes(call.heard().silent(200)) == [("stream-limit", 1001)]


# what it takes along


def test_the_session_goes_on_by_its_handle_and_nobody_is_greeted_again() -> None:
    before = talking(opened(greeting=GREETING), 500, "Good day.").silent(600).heard().silent(100)(Draining())
    call = taken_up(before, greeting=GREETING)
    assert opens(call.last) == ["h1"]
    call.silent(100)(live.Ready())
    (back,) = call.notes("model-back")
    assert (back.fields["how"], back.fields["why"]) == ("resumed", "handed-over")
    assert texts(call.silent(3000).all) == []
    assert call.ended is None


def test_without_a_handle_the_next_session_is_told_what_was_said() -> None:
    before = Script(plan(greeting=GREETING))(STARTED).at(0.1)(live.Ready())
    talking(before, 500, "Good day.", whole=False)(live.GenerationComplete())(live.TurnComplete()).silent(600).heard()
    call = taken_up(before(Draining()), greeting=GREETING)
    (opening,) = [order for order in call.all if isinstance(order, OpenModel)]
    told = opening.setup.setup["systemInstruction"]["parts"][0]["text"]
    assert cues.seed("agent: Good day.") in told
    call(live.Ready())
    assert call.notes("model-back")[0].fields["how"] == "fresh"
    assert texts(call.all) == []


def test_a_handle_that_is_refused_leads_to_a_session_that_is_told() -> None:
    before = talking(opened(), 500, "Good day.").silent(600).heard()(Draining())
    call = taken_up(before)(ModelGone(1007, "Request contains an invalid argument.")).silent(600)
    assert opens(call.all) == ["h1", None]
    assert call(live.Ready()).notes("model-back")[0].fields["how"] == "fresh"


def test_a_call_that_was_never_opened_begins_anew() -> None:
    before = Script(plan(greeting=GREETING))(STARTED)(Draining())
    call = taken_up(before, greeting=GREETING)(live.Ready())
    assert call.notes("model-ready")
    assert texts(call.all) == [cues.say("Good day.")]


def test_what_was_not_heard_is_heard_at_once_and_word_for_word() -> None:
    """Half of 3 s was heard; the rest goes on before the model is there."""
    before = talking(opened()).silent(1500)(Draining())
    assert before.said() == [("agent", "One two three")]
    call = taken_up(before)
    assert call.played_ms(call.last) == pytest.approx(400, abs=30)  # the lead
    call.silent(200)(live.Ready()).silent(1500)
    assert call.played_ms() == pytest.approx(1500, abs=60)
    assert texts(call.all) == []  # the model knows what it said
    call.heard()
    assert call.said() == [("agent", "four five six.")]


def test_what_was_never_sent_by_the_model_is_asked_for() -> None:
    before = talking(opened(), 1000, "One two three.", whole=False).silent(300)(Draining())
    call = taken_up(before).silent(100)(live.Ready())
    assert texts(call.all) == [cues.go_on("One two three.")]
    talking(call, 500, " Four five.").silent(1300).heard()
    assert call.said() == [("agent", "two three. Four five.")]


def test_a_caller_may_cut_into_what_goes_on() -> None:
    """The session that goes on is not speaking: it can't tell that it was interrupted."""
    before = talking(opened(), 9000).silent(1000)(Draining())
    call = taken_up(before).silent(100)(live.Ready()).silent(300).speaks(400)
    assert "Clear" in [type(order).__name__ for order in call.all]
    assert call.notes("barge-in")
    played_ms = call.played_ms()
    call.silent(2000)
    assert call.played_ms() == played_ms


def test_a_protected_greeting_stays_protected() -> None:
    before = Script(plan(greeting=PROTECTED))(STARTED).at(0.1)(live.Ready())
    talking(before, 3000, "This call may be recorded.").silent(1000)(Draining())
    call = taken_up(before, greeting=PROTECTED)(live.Ready()).speaks(600)
    assert not call.notes("barge-in")
    assert sound_ms(call.all) == 0
    call.silent(1500).heard().silent(100)
    assert sound_ms(call.all) >= 600
    assert not [text for text in texts(call.all) if "may be recorded" in text]


def test_an_interruptible_greeting_that_broke_off_stays_so() -> None:
    before = Script(plan(greeting=GREETING))(STARTED).at(0.1)(live.Ready())
    talking(before, 3000, "Good day to you all.").silent(1000)(Draining())
    call = taken_up(before, greeting=GREETING)(live.Ready()).speaks(400)
    assert call.notes("barge-in")
    assert sound_ms(call.all) >= 380


def test_a_greeting_of_which_nothing_was_heard_is_said() -> None:
    before = Script(plan(greeting=GREETING))(STARTED).at(0.1)(live.Ready())(HANDLE)(Draining())
    call = taken_up(before, greeting=GREETING)(live.Ready())
    assert texts(call.all) == [cues.say("Good day.")]


@pytest.mark.parametrize("mode", ["model", "gateway"])
def test_a_question_without_its_answer_is_heard_again(mode: Literal["model", "gateway"]) -> None:
    persona = plan().persona
    changes = {"persona": replace(persona, vad=replace(persona.vad, mode=mode))}
    before = opened(**changes).silent(300).speaks(1000).silent(700)(Draining())
    call = taken_up(before, **changes).silent(100)(live.Ready())
    assert sound_ms(call.last) >= 1000
    call.silent(4200)
    assert call.notes("model-silent")  # it is owed an answer, and seen to be


def test_what_a_caller_was_saying_is_heard_whole() -> None:
    before = opened().silent(300).speaks(3100)(Draining())
    call = taken_up(before).speaks(500).silent(700)(live.Ready())
    assert sound_ms(call.all) >= 3600


def test_silence_is_not_said_again() -> None:
    before = opened().silent(3000)(Draining())
    assert sound_ms(taken_up(before)(live.Ready()).all) < 100


def test_a_result_that_the_model_may_not_have_is_told() -> None:
    before = opened(tools=TOOLS).silent(500)(live.ToolCall((live.FunctionCall("1", "find", {"a": 1}),)))
    before(HANDLE).silent(200)(ToolDone("1", {"status": "ok", "date": "2026-12-02"}))(Draining())
    call = taken_up(before, tools=TOOLS)(live.Ready())
    (sent,) = [order for order in call.all if isinstance(order, live.SendToolResults)]
    assert sent.results[0].response["date"] == "2026-12-02"


def test_a_tool_that_was_cut_off_is_answered_and_not_run_twice() -> None:
    asked = live.ToolCall((live.FunctionCall("1", "find", {"a": 1}),))
    before = opened(tools=TOOLS).silent(500)(asked)(live.ResumptionUpdate("h2", True))(Draining())
    call = taken_up(before, tools=TOOLS)(live.Ready())
    (sent,) = [order for order in call.all if isinstance(order, live.SendToolResults)]
    assert sent.results[0].response["status"] == "timeout"
    call(live.ToolCall((live.FunctionCall("9", "find", {"a": 1}),)))
    assert not [order for order in call.all if type(order).__name__ == "RunTool"]


def test_of_two_tools_that_run_at_a_crash_neither_is_run_twice() -> None:
    both = [live.ToolCall((live.FunctionCall(id, "find", {"a": id}),)) for id in "12"]
    before = opened(tools=TOOLS).silent(500)(both[0]).silent(200)(both[1]).silent(200)
    call = taken_up(crashed(before), tools=TOOLS)(live.Ready())
    for asked in both:
        call(asked)
    assert not [order for order in call.all if type(order).__name__ == "RunTool"]


def test_a_model_that_owes_words_on_a_result_is_asked_for_them_in_the_next_stream() -> None:
    """The handle came after the result: it isn't sent again, and nobody else would speak. That nobody did is told."""
    before = opened(tools=TOOLS).silent(500)(live.ToolCall((live.FunctionCall("1", "find", {"a": 1}),)))
    before(ToolDone("1", {"status": "ok"})).silent(200)(live.ResumptionUpdate("h2", True)).silent(200)(Draining())
    call = taken_up(before, tools=TOOLS)(live.Ready())
    assert texts(call.all) == [cues.interrupted("")]
    assert texts(call.silent(5000).all)[1:] == [cues.nudge()]


def test_a_caller_whose_sound_broke_a_waiting_session_is_kept_back_in_the_next_stream() -> None:
    asked = [live.ToolCall((live.FunctionCall(id, "find", {"a": id}),)) for id in "12"]
    before = opened(tools=TOOLS)(asked[0]).silent(200)
    before(ModelGone(1008, "Operation is not implemented, or supported, or enabled.")).silent(100)(live.Ready())
    call = taken_up(before(Draining()), tools=TOOLS)(live.Ready()).silent(200)(asked[1])
    sent = sound_ms(call.all)
    assert sound_ms(call.silent(1000).all) == sent


def test_a_fresh_session_is_told_results_in_words() -> None:
    before = Script(plan(tools=TOOLS))(STARTED).at(0.1)(live.Ready()).silent(500)
    before(live.ToolCall((live.FunctionCall("1", "find", {}),))).silent(100)(ToolDone("1", {"status": "ok", "n": 7}))
    call = taken_up(before(Draining()), tools=TOOLS)(live.Ready())
    assert cues.untold({"find": {"status": "ok", "n": 7, "retryable": False}}) in texts(call.all)


def test_a_goodbye_ends_the_call_in_its_next_stream() -> None:
    before = opened(tools=TOOLS)(live.ToolCall((live.FunctionCall("1", "goodbye", {}),)))
    before(ToolDone("1", {"status": "ok"}, closes=True))
    talking(before, 6000, "Goodbye and thank you for calling.").silent(1000)(SOON).silent(3100)
    assert codes(before) == [("draining", 1001)]
    call = taken_up(before, tools=TOOLS)(live.Ready()).silent(2500).heard().silent(300)
    assert call.ended == "agent-hung-up"


def test_limits_and_sums_go_on() -> None:
    usage = live.Usage(prompt=1000, response=100)
    before = opened(max_duration_s=100.0, warn_at_s=90.0)(usage).at(50.0).silent(100)(Draining())
    assert before.carry is not None
    assert before.carry.left.end_s == pytest.approx(49.9)
    assert before.carry.left.warn_s == pytest.approx(39.9)
    call = taken_up(before, max_duration_s=100.0, warn_at_s=90.0)(live.Ready())
    call.silent(38_000)
    assert not call.notes("ends-soon")
    call.silent(2_000)
    assert call.notes("ends-soon")
    call.silent(10_500)
    (ended,) = call.notes("call-ended")
    assert ended.fields["ended"] == "max-duration"
    assert ended.fields["prompt_tokens"] == 1000
    assert ended.fields["turns_billed"] == 1
    assert ended.fields["duration_ms"] == pytest.approx(99_600, abs=300)


def test_idle_prompts_are_counted_on() -> None:
    from tests.call.script import IDLE

    before = opened(idle=IDLE).silent(2100)
    talking(before, 300, "Are you there?").silent(300).heard().silent(2200)
    talking(before, 300, "Are you there?").silent(300).heard()(Draining())
    call = taken_up(before, idle=IDLE)(live.Ready()).silent(2500)
    assert call.ended == "idle"


def test_a_stream_that_the_phone_lost_leaves_the_same() -> None:
    before = talking(opened()).silent(1500)(PhoneGone("cut"))
    assert codes(before) == [("phone-gone", 1000)]
    call = taken_up(before)
    assert call.played_ms(call.last) == pytest.approx(400, abs=30)


def test_streams_in_a_row_lose_nothing() -> None:
    """Left again before its model was there."""
    call = talking(opened(), 6000).speaks(0).silent(1000)(Draining())
    for _ in range(3):
        call = taken_up(call).silent(500)(Draining())
    call = taken_up(call)(live.Ready()).silent(4000)
    assert call.played_ms() == pytest.approx(3500, abs=150)
    assert opens(call.all) == ["h1"]


# what is known without a word at the end: the instance died


def crashed(call: Script) -> Script:
    """The last that the store was told; nothing is told at the end."""
    return call


def test_what_another_stream_would_have_to_know_is_told_at_each_turn() -> None:
    call = opened(greeting=GREETING)
    states = []
    for step in ("greets", "is heard", "caller speaks", "caller is done", "answers"):
        match step:
            case "greets":
                talking(call, 300, "Good day.")
            case "is heard":
                call.silent(400).heard()
            case "caller speaks":
                call.speaks(300)
            case "caller is done":
                call.silent(500)
            case _:
                talking(call, 300)
        assert call.carry is not None
        states.append(call.carry.state)
    assert states == ["GREETING", "LISTENING", "HEARING", "ANSWERING", "SPEAKING"]
    last = left(call)
    assert (last.whole, last.caller) == (False, b"")


def test_frames_of_sound_alone_are_no_news() -> None:
    call = opened().silent(100)
    before = call.carry
    call.silent(500)
    assert call.carry is before


def test_after_a_crash_in_a_pause_nobody_says_anything() -> None:
    before = talking(opened(), 500, "Good day.").silent(600).heard()
    call = taken_up(crashed(before))(live.Ready())
    assert opens(call.all) == ["h1"]
    assert texts(call.silent(2000).all) == []


def test_after_a_crash_in_mid_sentence_the_agent_says_it_again() -> None:
    before = talking(opened(), 500, "Good day.").silent(600).heard()
    before.speaks(300)(live.InputTranscript("What time is it?")).silent(400)
    talking(before, 3000, "It is four o'clock.")
    call = taken_up(crashed(before))(live.Ready())
    (told,) = texts(call.all)
    assert told.startswith("This is not the caller")
    assert "agent: Good day.\ncaller: What time is it?" in told


def test_after_a_crash_before_the_answer_the_agent_answers_or_asks() -> None:
    before = talking(opened(), 500, "Good day.").silent(600).heard()
    before.speaks(300)(live.InputTranscript("What time is it?")).silent(400)
    call = taken_up(crashed(before))(live.Ready())
    (told,) = texts(call.all)
    assert "caller: What time is it?" in told


def test_after_a_crash_in_the_greeting_it_is_said_again() -> None:
    before = Script(plan(greeting=PROTECTED))(STARTED).at(0.1)(live.Ready())
    talking(before, 3000, "Good day.").silent(500)
    call = taken_up(crashed(before), greeting=PROTECTED)(live.Ready())
    assert texts(call.all) == [cues.say("Good day.")]


def test_of_a_call_of_which_nothing_is_known_the_caller_is_told_so() -> None:
    call = Script(plan(greeting=GREETING), forgotten(plan(), T0))(STARTED)(live.Ready())
    assert opens(call.all) == [None]
    assert texts(call.all) == [cues.forgotten()]
    assert [order for order in call.all if isinstance(order, Play)] == []


# what crosses the handover


def cut_in(**changes: object) -> Script:
    """The caller has begun to speak over the agent, and the model has not told that it noticed."""
    return talking(opened(**changes), 5_000, "We open at nine.").silent(1_000).speaks(600)


def test_who_cuts_in_at_the_handover_has_cut_in() -> None:
    before = cut_in()(Draining("stream-limit", 0.0, 0.0))
    assert before.notes("barge-in")
    call = taken_up(before).silent(200)(live.Ready())
    assert texts(call.all) == []
    assert sound_ms(call.last) >= 600
    assert call.silent(1_000).played_ms() == 0
    assert texts(call.silent(4_000).all) == [cues.nudge()]


def test_unless_nobody_may() -> None:
    persona = replace(plan().persona, barge_in=BargeIn(False))
    call = taken_up(cut_in(persona=persona)(Draining("stream-limit", 0.0, 0.0)), persona=persona).silent(2_000)
    assert call.played_ms() >= 1_500


@pytest.mark.parametrize("mode", ["model", "gateway"])
def test_a_question_that_was_carried_over_is_heard_by_the_session_after_a_loss_too(
    mode: Literal["model", "gateway"],
) -> None:
    persona = replace(plan().persona, vad=replace(plan().persona.vad, mode=mode))
    before = opened(persona=persona).speaks(2_000).silent(600)(Draining("stream-limit", 0.0, 0.0))
    call = taken_up(before, persona=persona)(live.Ready()).silent(1_000)
    call(ModelGone(1011, "Internal error")).silent(200)(live.Ready())
    assert sound_ms(call.last) >= 2_000


def test_a_sentence_whose_session_broke_goes_on_in_the_next_stream() -> None:
    before = talking(opened(), 3_000, "We open at nine", whole=False).silent(500)(ModelGone(1011, "Internal error"))
    call = taken_up(before.silent(200)(Draining("stream-limit", 0.0, 0.0)))(live.Ready())
    assert texts(call.last) == [cues.go_on("We open at nine")]


def test_a_model_that_thought_is_told_in_the_next_stream() -> None:
    before = opened().speaks(800).silent(400)(live.InputTranscript("Which?"))(live.TurnComplete("", "IN_PROGRESS"))
    call = taken_up(before.silent(1_000)(Draining("stream-limit", 0.0, 0.0)))(live.Ready())
    assert sound_ms(call.last) >= 800  # it hears the question again
    assert texts(call.silent(4_500).all) == [cues.nudge()]


@pytest.mark.parametrize("mode", ["model", "gateway"])
def test_mhm_over_the_agent_that_goes_over_asks_for_nothing(mode: Literal["model", "gateway"]) -> None:
    """With what lies around it, it is as long as a question."""
    persona = replace(plan().persona, barge_in=BargeIn(False), vad=replace(plan().persona.vad, mode=mode))
    before = talking(opened(persona=persona), 4_000).silent(1_000).speaks(300).silent(900)(PhoneGone("x"))
    call = taken_up(before, persona=persona)(live.Ready()).silent(2_000).heard().silent(9_000)
    assert texts(call.all) == []


def test_a_short_yes_that_was_understood_is_owed_in_the_next_stream() -> None:
    before = talking(opened(), 500, "Shall I book it?").silent(700).heard().silent(500).speaks(200).silent(500)
    call = taken_up(before(live.InputTranscript("Yes."))(Draining("stream-limit", 0.0, 0.0)))(live.Ready())
    assert texts(call.silent(4_500).all) == [cues.nudge()]
