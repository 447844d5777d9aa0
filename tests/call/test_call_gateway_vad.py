"""Calls in which the gateway itself decides when the caller speaks (vad.mode: gateway)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.call.facts import Fact, ModelGone
from gateway.flow.model import BargeIn, Vad
from gateway.live import cues
from gateway.live import messages as live
from gateway.twilio.media import Clear, Play
from tests.call.script import GREETING, PERSONA, STARTED, Script, pcm, plan

OURS = replace(PERSONA, vad=Vad("low", "low", 20, 500, mode="gateway"))


def opened(barge_in: bool = True) -> Script:
    persona = replace(OURS, barge_in=BargeIn(barge_in))
    return Script(plan(persona=persona))(STARTED).at(0.1)(live.Ready())(live.ResumptionUpdate("h1", True))


def kinds(call: Script) -> list[str]:
    """What went to the model, in order; sound as one."""
    names = [type(order).__name__ for order in call.all if type(order).__name__.startswith("Send")]
    return [name for n, name in enumerate(names) if n == 0 or name != names[n - 1]]


def speaking(call: Script, ms: int) -> Script:
    return call(live.OutputTranscript("One two three four."))(live.ModelAudio(pcm(ms)))


def test_only_speech_goes_to_the_model_between_its_marks() -> None:
    call = opened().silent(1000).speaks(600).silent(1000)
    assert kinds(call) == ["SendActivityStart", "SendAudio", "SendActivityEnd"]


def test_a_caller_who_cuts_in_is_cleared_at_once() -> None:
    call = speaking(opened().silent(500), 3000).silent(500).speaks(300)
    assert [order for order in call.all if isinstance(order, Clear)]
    assert len(call.notes("barge-in")) == 1
    call(live.Interrupted())(live.TurnComplete())
    assert len(call.notes("barge-in")) == 1


def test_sound_that_still_comes_of_a_cut_turn_is_not_heard() -> None:
    call = speaking(opened().silent(500), 1000).silent(300).speaks(300)
    assert not [order for order in call(live.ModelAudio(pcm(500))).last if isinstance(order, Play)]
    call(live.Interrupted())(live.TurnComplete())
    assert [order for order in call(live.ModelAudio(pcm(500))).last if isinstance(order, Play)]


@pytest.mark.parametrize("told", [live.Interrupted(), live.TurnComplete()], ids=["interrupted", "turn complete"])
def test_the_next_turn_is_heard_as_soon_as_the_model_tells_of_the_cut_or_of_the_end(told: Fact) -> None:
    call = speaking(opened().silent(500), 1000).silent(300).speaks(300)(told)
    assert [order for order in call(live.ModelAudio(pcm(500))).last if isinstance(order, Play)]


def test_the_answer_to_a_caller_who_cut_in_late_is_heard() -> None:
    call = speaking(opened().silent(500), 2000)(live.GenerationComplete())(live.TurnComplete()).silent(300).speaks(400)
    assert [order for order in call.silent(700)(live.ModelAudio(pcm(300))).last if isinstance(order, Play)]


def test_without_barge_in_nobody_is_cut_short() -> None:
    call = speaking(opened(barge_in=False).silent(500), 3000).silent(500).speaks(500)
    assert not [order for order in call.all if isinstance(order, Clear)]


def test_a_turn_that_a_loss_broke_begins_again_with_its_start() -> None:
    call = opened().silent(500).speaks(400)(ModelGone(1011, "Internal error"))(live.Ready()).speaks(200).silent(800)
    assert kinds(call) == ["SendActivityStart", "SendAudio", "SendActivityStart", "SendAudio", "SendActivityEnd"]


def test_what_a_lost_session_said_is_not_cut_by_less_than_a_word() -> None:
    """Nobody listens meanwhile who could tell a word from an echo."""
    call = speaking(opened().silent(500), 4000).silent(500)(ModelGone(1011, "Internal error")).silent(200)
    assert not [order for order in call.speaks(180).silent(600).all if isinstance(order, Clear)]
    assert [order for order in call.speaks(300).all if isinstance(order, Clear)]


def test_a_greeting_that_has_not_begun_is_not_cut() -> None:
    persona = replace(OURS, greeting=GREETING)
    call = Script(plan(greeting=GREETING, persona=persona))(STARTED).at(0.1)(live.Ready()).silent(200).speaks(400)
    assert call.notes("barge-in") == []
    call.silent(6000)
    assert [order.text for order in call.all if isinstance(order, live.SendText)] == [cues.say("Good day.")] * 2


@pytest.mark.parametrize("tools", [1, 2])
def test_a_turn_that_a_loss_broke_while_tools_ran_begins_again_with_its_start(tools: int) -> None:
    """Sound has broken a connection at a tool call before: it is kept while tools run, and then the next one breaks."""
    call = Script(plan(persona=OURS, tools={"goodbye": "hangup"}))(STARTED).at(0.1)(live.Ready())
    call(ModelGone(1008, "Operation is not implemented, or supported, or enabled.")).silent(100)(live.Ready())
    call(live.ResumptionUpdate("h1", True)).silent(1000).speaks(600)
    for nth in range(tools):
        call(live.ToolCall((live.FunctionCall(str(nth), "goodbye", {"nth": nth}),))).speaks(200)
    sent = len(call.all)
    call(ModelGone(1011, "Internal error")).speaks(1500)(live.Ready()).speaks(300).silent(1000)
    call.all[:sent] = []
    assert kinds(call)[:3] == ["SendActivityStart", "SendAudio", "SendActivityEnd"]
