"""A state that lasts longer than it may: whose turn it is then, and when nothing is to be done about it."""

from __future__ import annotations

from gateway.call.facts import ToolDone
from gateway.call.farewell import HEARD_S
from gateway.call.turn import Patience, State
from gateway.live import cues
from gateway.live import messages as live
from tests.call.script import Script, pcm
from tests.call.test_recovery import opened, texts


def broken_off() -> Script:
    """The agent stopped in mid-sentence, and what it said was heard; its time is nearly over."""
    call = opened()(live.OutputTranscript("We open at"))(live.ModelAudio(pcm(800))).silent(800).heard()
    return call.silent(round(Patience().speaking * 1000) - 400)


def test_an_agent_who_broke_off_is_asked_to_go_on() -> None:
    assert texts(broken_off().silent(800).all) == [cues.go_on("We open at")]


def test_but_not_while_the_caller_speaks_who_is_heard_out_instead() -> None:
    call = broken_off().speaks(800)
    assert [note.fields["state"] for note in call.notes("state-expired")] == ["speaking"]
    assert (texts(call.all), call.call._turn.state) == ([], State.HEARING)
    call.silent(400)(live.InputTranscript("Hello?")).silent(4_500)
    assert texts(call.all) == [cues.nudge()]


def test_a_goodbye_whose_end_is_never_told_is_not_asked_for_again() -> None:
    """Its own time counts, which is longer than a sentence's."""
    call = opened(tools={"bye": "hangup"})(live.ToolCall((live.FunctionCall("1", "bye", {}),)))
    call(ToolDone("1", {"status": "ok"}, closes=True))(live.OutputTranscript("Goodbye."))(live.ModelAudio(pcm(600)))
    call.silent(600).heard().silent(round(HEARD_S * 1000) - 500)
    assert (call.ended, texts(call.all), call.notes("state-expired")) == (None, [], [])
    assert call.silent(600).ended == "agent-hung-up"
