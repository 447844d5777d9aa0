"""The table is whole, leads where its design says, and every state has a way out."""

from __future__ import annotations

import pytest

from gateway.call.turn import TABLE, Patience, Signal, State, Turn


def test_every_state_answers_every_signal() -> None:
    assert set(TABLE) == set(State)
    assert all(set(row) == set(Signal) for row in TABLE.values())


@pytest.mark.parametrize("state", [s for s in State if s is not State.ENDED])
def test_every_state_can_end(state: State) -> None:
    assert TABLE[state][Signal.END] is State.ENDED


def test_the_end_is_the_end() -> None:
    assert set(TABLE[State.ENDED].values()) == {State.ENDED}


@pytest.mark.parametrize("state", [s for s in State if s is not State.ENDED])
def test_every_state_has_a_way_out_by_time(state: State) -> None:
    turn = Turn(10.0)
    turn.state = state
    due = turn.due(Patience(listening=5.0), free_at=11.0)
    assert due is not None
    assert due > 10.0
    expected = {State.OPENING: State.ENDED}.get(state, State.LISTENING)
    assert turn.take(Signal.EXPIRED, due) is expected


def test_ended_waits_for_nothing() -> None:
    turn = Turn(0.0)
    turn.take(Signal.END, 1.0)
    assert turn.due(Patience(listening=5.0), free_at=9.0) is None


def test_listening_waits_for_ever_without_an_idle_policy() -> None:
    turn = Turn(0.0)
    turn.take(Signal.READY, 1.0)
    assert turn.due(Patience(), free_at=0.0) is None


ROWS = [
    (State.OPENING, Signal.READY, State.LISTENING),
    (State.OPENING, Signal.GREET, State.GREETING),
    (State.OPENING, Signal.CALLER_BEGAN, State.OPENING),
    (State.GREETING, Signal.AGENT_SOUND, State.GREETING),
    (State.GREETING, Signal.AGENT_HEARD, State.LISTENING),
    (State.GREETING, Signal.AGENT_PASSED, State.LISTENING),
    (State.GREETING, Signal.BARGE_IN, State.HEARING),
    (State.GREETING, Signal.CALLER_BEGAN, State.GREETING),
    (State.LISTENING, Signal.CALLER_BEGAN, State.HEARING),
    (State.LISTENING, Signal.CALLER_FINISHED, State.ANSWERING),
    (State.LISTENING, Signal.PROMPTED, State.ANSWERING),
    (State.LISTENING, Signal.AGENT_SOUND, State.SPEAKING),
    (State.HEARING, Signal.CALLER_FINISHED, State.ANSWERING),
    (State.HEARING, Signal.AGENT_SOUND, State.SPEAKING),
    (State.HEARING, Signal.AGENT_HEARD, State.HEARING),
    (State.ANSWERING, Signal.CALLER_BEGAN, State.HEARING),
    (State.ANSWERING, Signal.AGENT_SOUND, State.SPEAKING),
    (State.ANSWERING, Signal.AGENT_PASSED, State.LISTENING),
    (State.SPEAKING, Signal.CALLER_BEGAN, State.SPEAKING),
    (State.SPEAKING, Signal.AGENT_HEARD, State.LISTENING),
    (State.SPEAKING, Signal.BARGE_IN, State.HEARING),
]


@pytest.mark.parametrize(("state", "signal", "after"), ROWS)
def test_a_row(state: State, signal: Signal, after: State) -> None:
    turn = Turn(0.0)
    turn.state = state
    assert turn.take(signal, 1.0) is after


def test_the_clock_of_a_state_starts_with_it_and_again_with_signs_of_life() -> None:
    turn = Turn(0.0)
    turn.take(Signal.READY, 1.0)
    assert turn.since == 1.0
    turn.take(Signal.AGENT_PASSED, 2.0)
    assert turn.since == 1.0
    turn.take(Signal.AGENT_SOUND, 3.0)
    turn.take(Signal.AGENT_SOUND, 4.0)
    assert turn.since == 4.0


def test_sound_that_is_still_to_be_heard_counts() -> None:
    turn = Turn(0.0)
    turn.take(Signal.READY, 0.0)
    turn.take(Signal.AGENT_SOUND, 1.0)
    assert turn.due(Patience(speaking=6.0), free_at=30.0) == 36.0
