"""Calls as scripts: what the gateway does, told without a socket or a clock."""

from __future__ import annotations

import typing
from dataclasses import replace

import pytest

from gateway.call.call import HANDLERS, Call
from gateway.call.facts import (
    Draining,
    Fact,
    HangUp,
    ModelGone,
    OpenModel,
    Order,
    PhoneFault,
    PhoneGone,
    Tick,
)
from gateway.call.turn import Patience
from gateway.live import messages as live
from gateway.live.cues import parse_say, wind_up
from gateway.twilio.media import Clear, Connected, Digit, Mark, MarkPlayed, Play, Stopped, UnknownEvent
from tests.call.script import GREETING, IDLE, PROTECTED, SETUP, STARTED, T0, Script, pcm, plan

Orders = list[Order]


def opened(**changes: object) -> Script:
    """A call whose model is ready 100 ms after its start."""
    return Script(plan(**changes))(STARTED).at(0.1)(live.Ready())  # type: ignore[arg-type]


def answer(call: Script, words: str, ms: int) -> Script:
    """The model speaks `words` for `ms`, all of it sent at once."""
    collected: Orders = []
    for fact in (live.OutputTranscript(words), live.ModelAudio(pcm(ms)), live.GenerationComplete()):
        collected += call(fact).last
    call.last = collected
    return call


def cue(order: Order) -> str | None:
    return parse_say(order.text) if isinstance(order, live.SendText) else None


# opening


def test_the_model_is_opened_when_the_stream_starts() -> None:
    call = Script(plan())(STARTED)
    assert call.kinds() == ["call-started", "OpenModel"]
    assert call.last[1] == OpenModel(SETUP)


def test_a_callers_sound_from_before_the_model_is_kept_and_comes_first() -> None:
    call = Script(plan())(STARTED).speaks(200)
    assert not [order for order in call.all if isinstance(order, live.SendAudio)]
    call(live.Ready())
    assert sum(len(order.pcm) for order in call.last if isinstance(order, live.SendAudio)) == 200 * 32


def test_an_interruptible_greeting_is_asked_for_after_what_was_kept() -> None:
    call = Script(plan(greeting=GREETING))(STARTED).speaks(100)(live.Ready())
    assert call.kinds() == ["model-ready", "SendAudio", "SendText"]
    assert cue(call.last[-1]) == "Good day."


def test_a_protected_greeting_holds_the_callers_sound_until_it_was_heard() -> None:
    call = Script(plan(greeting=PROTECTED))(STARTED).speaks(100)(live.Ready())
    assert call.kinds() == ["model-ready", "SendText"]
    answer(call, "Good day.", 300).speaks(200)
    assert not [order for order in call.last if isinstance(order, live.SendAudio)]
    call.heard()
    assert sum(len(order.pcm) for order in call.last if isinstance(order, live.SendAudio)) == 300 * 32
    assert call.speaks(20).kinds() == ["SendAudio"]


def test_a_greeting_that_never_comes_does_not_shut_the_caller_out() -> None:
    call = opened(greeting=PROTECTED).speaks(100).wait(Patience().greeting)
    assert call.notes("state-expired")[0].fields == {"state": "greeting"}
    assert [order for order in call.all if isinstance(order, live.SendAudio)]


def test_sound_beyond_what_is_kept_is_told() -> None:
    call = Script(plan(greeting=PROTECTED, patience=Patience(greeting=60)))(STARTED)(live.Ready()).silent(16_000)
    answer(call, "Good day.", 300).heard()
    (note,) = call.notes("caller-audio-dropped")
    assert note.fields == {"dropped_ms": 1000}


def test_a_model_that_is_never_ready_ends_the_call() -> None:
    call = Script(plan())(STARTED).wait(Patience().opening + 0.01)
    assert call.ended == "model-unavailable"


def test_a_model_that_cannot_be_reached_ends_the_call() -> None:
    call = Script(plan())(STARTED)(ModelGone(429, "quota"))
    assert call.ended == "model-unavailable"
    assert call.notes("model-gone")[0].fields == {"code": 429, "kind": "quota"}


def test_a_second_ready_changes_nothing() -> None:
    assert opened(greeting=GREETING)(live.Ready()).last == []


# turns


def test_the_callers_sound_goes_to_the_model_as_it_comes() -> None:
    call = opened().speaks(60)
    assert call.kinds() == ["SendAudio"] * 3


def test_a_turn_each_way() -> None:
    call = opened().speaks(600).silent(500)
    call(live.InputTranscript("A table for two."))
    answer(call, "Certainly.", 300)
    assert call.kinds() == ["turn", "Play", "Mark", "Play", "Mark"]
    call.silent(400).heard()
    assert call.said() == [("caller", "A table for two."), ("agent", "Certainly.")]
    caller, agent = call.notes("turn")
    assert caller.fields["start_ms"] == pytest.approx(100, abs=40)
    assert caller.fields["end_ms"] == pytest.approx(700, abs=60)
    assert agent.fields["start_ms"] == 1200
    assert agent.fields["response_ms"] == pytest.approx(500, abs=60)
    assert agent.fields["heard_ms"] == pytest.approx(300, abs=25)
    assert agent.fields["interrupted"] is False


def test_words_that_come_before_the_sound_belong_to_it() -> None:
    call = opened()(live.OutputTranscript("One "))(live.ModelAudio(pcm(200)))(live.OutputTranscript("two."))
    call(live.GenerationComplete()).wait(0.2).heard()
    assert call.said() == [("agent", "One two.")]


def test_the_callers_words_may_come_after_the_answer_has_begun() -> None:
    call = opened().speaks(600).silent(500)(live.ModelAudio(pcm(200)))(live.InputTranscript("A table."))
    call(live.GenerationComplete()).wait(0.3).heard()
    assert [speaker for speaker, _ in call.said()] == ["caller", "agent"]


def test_sound_is_sent_no_further_ahead_than_the_lead() -> None:
    call = opened()
    answer(call, "A long answer.", 2000)
    assert call.played_ms(call.last) == 400
    call.wait(1.0)
    assert call.played_ms() == pytest.approx(1400, abs=101)
    call.wait(2.0)
    assert call.played_ms() == pytest.approx(2000, abs=25)


def test_a_turn_is_complete_without_generation_complete_too() -> None:
    call = opened()(live.ModelAudio(pcm(200)))(live.OutputTranscript("Yes."))(live.TurnComplete()).wait(0.2).heard()
    assert call.said() == [("agent", "Yes.")]


def test_a_turn_without_sound_is_no_turn() -> None:
    call = opened().speaks(300).silent(500)(live.OutputTranscript("thinking"))(live.TurnComplete())
    call(live.ModelAudio(pcm(100)))(live.OutputTranscript("Yes."))(live.GenerationComplete()).wait(0.3).heard()
    assert call.said() == [("agent", "Yes.")]


def test_thoughts_are_never_spoken_or_written() -> None:
    call = opened()(live.ModelText("the caller seems cross", thought=True))
    assert call.last == []


def test_a_refused_turn_is_told() -> None:
    call = opened()(live.TurnComplete(reason="PROHIBITED_INPUT_CONTENT"))
    assert call.notes("turn-refused")[0].fields == {"reason": "PROHIBITED_INPUT_CONTENT"}


def test_an_agent_who_owes_an_answer_is_not_waited_for_without_end() -> None:
    call = opened().speaks(300).silent(400).wait(Patience().answering)
    assert call.notes("state-expired")[0].fields == {"state": "answering"}


def test_a_turn_that_stalls_is_closed_with_what_was_heard() -> None:
    call = opened()(live.OutputTranscript("I was going to"))(live.ModelAudio(pcm(400))).wait(0.4).heard()
    call.wait(Patience().speaking + 0.1)
    assert call.notes("state-expired")[0].fields == {"state": "speaking"}
    assert call.said()[0][0] == "agent"


# barge-in


def test_a_barge_in_clears_at_once_and_drops_what_is_not_sent() -> None:
    call = opened()
    answer(call, "One two three four five six seven eight.", 4000).wait(1.0)
    call(live.Interrupted())
    assert call.last[0] == Clear()
    assert call.kinds() == ["Clear", "barge-in", "turn"]
    call.wait(5.0)
    assert call.played_ms() <= 1400 + 1
    assert call.said() == [("agent", "One two")]
    assert call.notes("turn")[0].fields["heard_ms"] == pytest.approx(1000, abs=10)


def test_words_that_straggle_in_after_a_barge_in_are_not_the_next_turns() -> None:
    call = opened()
    answer(call, "One two three.", 3000).wait(0.7)(live.Interrupted())
    call(live.OutputTranscript(" four five"))(live.TurnComplete())
    answer(call, "Yes?", 200).wait(0.3).heard()
    assert call.said() == [("agent", "One"), ("agent", "Yes?")]


def test_a_barge_in_after_the_turn_was_complete_but_still_heard() -> None:
    call = opened()
    answer(call, "One two three four.", 2000)(live.TurnComplete()).wait(0.5)(live.Interrupted())
    assert call.last[0] == Clear()
    answer(call, "Yes?", 200).wait(0.3).heard()
    assert call.said()[-1] == ("agent", "Yes?")


def test_marks_that_a_clear_returns_do_not_count_as_heard() -> None:
    call = opened()
    answer(call, "One two three four five six seven eight.", 4000).wait(0.5)
    call(live.Interrupted()).heard()
    assert call.notes("turn")[0].fields["heard_ms"] == pytest.approx(500, abs=10)


def test_an_interruption_of_nothing_clears_nothing() -> None:
    call = opened()(live.Interrupted())
    assert call.last == []
    assert call.notes("barge-in") == []


def test_an_interruption_during_a_protected_greeting_opens_the_ears() -> None:
    call = opened(greeting=PROTECTED).speaks(100)(live.Interrupted())
    assert "SendAudio" in call.kinds()


def test_barge_in_again_and_again_never_wedges() -> None:
    call = opened()
    for _ in range(50):
        answer(call, "One two three four.", 2000).wait(0.3)(live.Interrupted())(live.TurnComplete()).speaks(200)
    answer(call, "Still here.", 200).wait(0.5).heard()
    assert call.said()[-1] == ("agent", "Still here.")
    assert len(call.notes("barge-in")) == 50


# idle


def test_a_silent_caller_is_asked_and_then_let_go() -> None:
    call = opened(idle=IDLE).wait(2.0)
    assert [cue(order) for order in call.last if isinstance(order, live.SendText)] == ["Are you there?"]
    for _ in range(2):
        answer(call, "Are you there?", 200)(live.TurnComplete()).wait(0.2).heard().wait(2.0)
    assert call.ended == "idle"
    assert len(call.notes("idle-prompt")) == 2


def test_a_caller_who_speaks_is_not_idle() -> None:
    call = opened(idle=IDLE)
    for _ in range(5):
        call.speaks(1000).silent(500)
        answer(call, "Go on.", 200)(live.TurnComplete()).wait(0.2).heard().wait(1.0)
    assert call.notes("idle-prompt") == []


def test_speech_makes_the_prompts_count_anew() -> None:
    call = opened(idle=IDLE).wait(2.0)
    answer(call, "Are you there?", 200)(live.TurnComplete()).wait(0.2).heard()
    call.speaks(500).silent(500)
    answer(call, "Good.", 200)(live.TurnComplete()).wait(0.2).heard().wait(2.0)
    assert [note.fields["nth"] for note in call.notes("idle-prompt")] == [1, 1]


def test_a_noise_does_not_lengthen_the_wait() -> None:
    call = opened(idle=replace(IDLE, after_ms=12_000)).speaks(200).silent(14_000)
    (note,) = call.notes("idle-prompt")
    assert note.at_ms == pytest.approx(100 + 200 + 12_000, abs=500)


def test_words_the_level_missed_count_as_the_caller_speaking() -> None:
    call = opened(idle=replace(IDLE, after_ms=4_000)).wait(3.9)(live.InputTranscript("whispered")).wait(1.0)
    assert call.notes("idle-prompt") == []


def test_words_that_come_after_their_answer_ask_for_no_other() -> None:
    call = opened().speaks(800).silent(500)(live.OutputTranscript("It is four."))(live.ModelAudio(pcm(300)))
    call(live.GenerationComplete())(live.TurnComplete()).silent(400).heard().silent(300)
    call(live.InputTranscript("What time is it?")).silent(8_000)
    assert not any(isinstance(order, live.SendText) for order in call.all)


def test_without_an_idle_policy_silence_is_no_reason_to_end() -> None:
    assert opened().silent(120_000).ended is None


def test_a_phone_that_sends_nothing_any_more_is_gone() -> None:
    call = opened().speaks(200).wait(Patience().phone - 0.1)
    assert call.notes("phone-silent") == []
    call.wait(0.2)
    assert call.notes("phone-silent")
    assert call.ended == "phone-gone"


# ends


def test_the_longest_call_is_bounded() -> None:
    call = opened(max_duration_s=30.0).wait(31)
    assert call.ended == "max-duration"
    assert call.all[-1] == HangUp("max-duration", 1000)


def test_the_agent_is_told_that_the_call_ends_soon() -> None:
    call = opened(max_duration_s=30.0, warn_at_s=20.0).wait(21)
    assert [note.fields for note in call.notes("ends-soon")] == [{"left_s": 10}]
    (cue,) = [order for order in call.all if isinstance(order, live.SendText)]
    assert cue == live.SendText(wind_up(10))
    answer(call, "We have ten seconds left.", 500)(live.TurnComplete()).wait(0.5).heard().wait(5)
    assert len(call.notes("ends-soon")) == 1
    assert call.wait(20).ended == "max-duration"


def test_words_about_the_end_wait_until_nobody_speaks() -> None:
    """Text in mid-turn would cut the agent short, and the caller is not to be talked over."""
    call = opened(max_duration_s=30.0, warn_at_s=1.0)
    answer(call, "One two three four.", 2000).wait(1.5)
    assert not call.notes("ends-soon")
    call(live.TurnComplete()).wait(0.5).heard().wait(0.1)
    assert call.notes("ends-soon")


ENDS: list[tuple[Fact, str, int]] = [
    (Stopped("CA1"), "caller-hung-up", 1000),
    (PhoneGone("closed with 1006"), "phone-gone", 1000),
    (PhoneFault(1002, "media before start"), "protocol-error", 1002),
    (ModelGone(1011, "RESOURCE_EXHAUSTED"), "model-gone", 1011),
    (Draining(), "draining", 1001),
]


@pytest.mark.parametrize(("fact", "reason", "code"), ENDS)
def test_every_end_of_a_socket_ends_the_call(fact: Fact, reason: str, code: int) -> None:
    call = opened()(fact)
    assert call.last[-1] == HangUp(reason, code)  # type: ignore[arg-type]
    assert call.call.ended
    assert call.call.deadline() is None


@pytest.mark.parametrize(("fact", "reason", "code"), ENDS)
def test_after_the_end_there_is_nothing(fact: Fact, reason: str, code: int) -> None:
    call = opened(idle=IDLE)(fact)
    for late in (live.ModelAudio(pcm(100)), Tick(), MarkPlayed("g0-0"), Stopped("CA1"), live.Ready()):
        assert call(late).last == []


def test_what_was_said_until_the_end_is_written_down() -> None:
    call = opened().speaks(400).silent(400)(live.InputTranscript("Wait"))
    answer(call, "One two three four.", 2000).wait(1.0)(Stopped("CA1"))
    assert call.said() == [("caller", "Wait"), ("agent", "One two")]


def test_the_end_adds_up() -> None:
    call = opened().speaks(600).silent(500)(live.InputTranscript("Hello."))
    answer(call, "Good day.", 300)(live.Usage(prompt=120, response=40)).wait(0.3).heard()(Stopped("CA1"))
    (note,) = call.notes("call-ended")
    response = note.fields["response_ms"]
    assert isinstance(response, dict)
    assert response["p50"] == response["max"] == pytest.approx(500, abs=60)
    assert {key: note.fields[key] for key in ("ended", "turns", "barge_ins", "prompt_tokens", "response_tokens")} == {
        "ended": "caller-hung-up",
        "turns": 2,
        "barge_ins": 0,
        "prompt_tokens": 120,
        "response_tokens": 40,
    }


# what is not built yet, or not known, is answered and told


def test_a_tool_that_does_not_exist_is_answered() -> None:
    call = opened()(live.ToolCall((live.FunctionCall("1", "book", {"name": "Robin"}), live.FunctionCall("2", "end"))))
    (answers,) = [order for order in call.last if isinstance(order, live.SendToolResults)]
    assert [(result.id, result.response["status"]) for result in answers.results] == [("1", "error"), ("2", "error")]
    refused = call.notes("tool-refused")
    assert [note.fields["tool"] for note in refused] == ["(unknown)", "(unknown)"]
    assert [note.private["args"] for note in refused] == ['["book",{"name":"Robin"}]', '["end",{}]']


@pytest.mark.parametrize(
    ("fact", "note"),
    [
        (live.UnknownMessage(("newThing",)), "model-unknown-message"),
        (UnknownEvent("newEvent"), "phone-unknown-event"),
        (Digit("5"), "digit"),
    ],
)
def test_what_an_operator_should_know(fact: Fact, note: str) -> None:
    assert opened()(fact).kinds() == [note]


QUIET: list[Fact] = [
    Connected("Call", "1.0.0"),
    live.ResumptionUpdate("h", True),
    live.WaitingForInput(),
    live.ToolCallCancelled(("1",)),
    live.VoiceActivity("start"),
    Tick(),
]


@pytest.mark.parametrize("fact", QUIET)
def test_what_changes_nothing(fact: Fact) -> None:
    assert opened()(fact).last == []


def test_words_and_digits_stand_in_private_fields_only() -> None:
    call = opened().speaks(400).silent(400)(live.InputTranscript("my secret"))(Digit("7"))
    answer(call, "your secret", 200).wait(0.3).heard()(ModelGone(1011, "said my secret"))
    public = [
        str(note.name) + str(note.fields) for name in ("turn", "digit", "model-gone") for note in call.notes(name)
    ]
    assert public
    assert not [text for text in public if "secret" in text or "7'" in text]


def test_every_fact_has_its_handler() -> None:
    assert set(HANDLERS) == set(typing.get_args(Fact))


def test_the_deadline_is_always_ahead_after_a_tick() -> None:
    """A shell that fires at each deadline never spins."""
    call = opened(idle=IDLE, max_duration_s=50.0)
    answer(call, "One two three four five.", 5000)
    steps = 0
    while (due := call.call.deadline()) is not None:
        call.now = max(call.now, due)
        call(Tick())
        steps += 1
        assert steps < 200
    assert call.now <= T0 + 50.1


def test_a_call_that_is_told_nothing_still_ends() -> None:
    assert Script(plan())(STARTED).wait(9).ended == "model-unavailable"


def test_a_call_holds_few_things() -> None:
    assert len(Call.__slots__) <= 10


def test_marks_follow_their_sound() -> None:
    call = opened()
    answer(call, "Yes.", 240)
    kinds = [type(order) for order in call.last if isinstance(order, Play | Mark)]
    assert kinds[0] is Play
    assert kinds[-1] is Mark
