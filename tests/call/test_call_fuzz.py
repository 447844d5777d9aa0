"""Whole calls in which everything comes at any time: each ends in time, and no deadline comes again and again."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from gateway.call.facts import Fact, ModelGone, OpenModel, Tick, ToolDone
from gateway.call.link import BUDGET_S
from gateway.live import messages as live
from gateway.twilio.media import CallerAudio, Mark, MarkPlayed
from tests.call.script import GREETING, IDLE, PROTECTED, SILENCE, SPEECH, STARTED, T0, Script, pcm, plan

LONGEST_S = 45.0
TICKS = 60  # in 20 ms: a deadline that passing doesn't move is a loop without end
NO_OPERATION = "Operation is not implemented, or supported, or enabled."


def anything(random: Random) -> Fact:
    """What a model, or a tool, may tell."""
    id, pick = str(random.randrange(6)), random.choice
    facts: tuple[Fact, ...] = (
        *(live.ModelAudio(pcm(pick((20, 240, 2000)))) for _ in range(2)),
        *(live.OutputTranscript("some words "), live.InputTranscript("hello "), live.Interrupted(), live.Ready()),
        *(live.GenerationComplete(), live.TurnComplete(), live.TurnComplete("", "IN_PROGRESS"), live.Usage(10, 5)),
        live.ToolCall((live.FunctionCall(id, "find", {"day": random.randrange(3)}),)),
        live.ToolCall((live.FunctionCall(id, "goodbye"),)),
        live.ToolCallCancelled((id,)),
        ToolDone(id, {"status": "ok"}, closes=random.random() < 0.1),
        live.GoingAway(pick((0.0, 3.0, 8.0, 50.0))),
        *(live.ResumptionUpdate(f"h{id}", True), live.ResumptionUpdate()),
        ModelGone(pick((1011, 1008, 1006)), pick(("", NO_OPERATION))),
    )
    return pick(facts)


def begun(random: Random) -> Script:
    some = plan(
        greeting=random.choice((None, GREETING, PROTECTED)),
        idle=random.choice((None, IDLE)),
        tools={"find": "hangup", "goodbye": "hangup"},
        asynchronous=random.random() < 0.3,
        max_duration_s=LONGEST_S,
        warn_at_s=random.choice((None, 5.0, 40.0)),
    )
    vad = replace(some.persona.vad, mode=random.choice(("model", "gateway")))
    return Script(replace(some, persona=replace(some.persona, vad=vad)))(STARTED)


def tick(call: Script) -> None:
    """20 ms, with a Tick at each deadline."""
    end = call.now + 0.02
    for _ in range(TICKS):
        due = call.call.deadline()
        if due is None or due > end:
            break
        call.now = max(call.now, due)
        call(Tick())
    else:
        raise AssertionError(f"a deadline that never passes, at {call.now - T0:.2f} s")
    call.now = end


@pytest.mark.parametrize("seed", range(16))
def test_whatever_comes_the_call_ends_in_time(seed: int) -> None:
    random = Random(seed)
    call = begun(random)
    speaks = False
    while call.ended is None and call.now < T0 + LONGEST_S + BUDGET_S:
        speaks ^= random.random() < 0.03
        tick(call)
        call.chunk += 1
        call(CallerAudio(SPEECH if speaks else SILENCE, call.chunk, call.chunk * 20))
        if random.random() < 0.1:
            call(anything(random))
        if any(isinstance(order, OpenModel) for order in call.all[-12:]) and random.random() < 0.3:
            call(live.Ready())
        marks = [order for order in call.all[-40:] if isinstance(order, Mark)]
        if marks and random.random() < 0.2:
            call(MarkPlayed(marks[-1].name))
        call.all = call.all[-200:]
    assert call.ended is not None
    assert call.now - T0 <= LONGEST_S + 0.1
    assert call.call.deadline() is None
