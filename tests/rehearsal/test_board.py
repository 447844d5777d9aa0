"""Rows that fill in as the call goes: sound from the phone, words from the gateway."""

from gateway.rehearsal.board import Board, Row
from gateway.rehearsal.report import Turn
from gateway.rehearsal.scene import AgentBegan, AgentEnded, AgentSilenced, CallerBegan, CallerEnded, HungUp
from gateway.rehearsal.wav import Clip


def clip(words: str) -> Clip:
    return Clip("one", b"", 0, 0, words)


def test_the_agents_words_come_after_its_sound() -> None:
    board = Board([])
    board.happen(AgentBegan(500, None))
    assert board.rows == [Row("agent", 500)]
    assert board.settled() == 0
    board.happen(AgentEnded(2000))
    assert board.settled() == 0
    board.tell(Turn("agent", "Good day.", 480, 2010, 1500))
    assert board.rows == [Row("agent", 500, "Good day.", ended=True)]
    assert board.settled() == 1


def test_the_callers_words_are_known_or_come_from_what_was_understood() -> None:
    board = Board([clip("known"), clip("")])
    board.happen(CallerBegan(1000, 0, False))
    board.happen(CallerEnded(2000, 0))
    board.happen(CallerBegan(5000, 1, False))
    board.happen(CallerEnded(6000, 1))
    assert board.settled() == 1
    board.tell(Turn("caller", "understood", 1020, 2000, 980))
    board.tell(Turn("caller", "understood too", 5020, 6000, 980))
    assert [row.words for row in board.rows] == ["known", "understood too"]
    assert board.settled() == 2


def test_an_interruption_is_noted_with_the_one_who_interrupts() -> None:
    board = Board([clip("wait")])
    board.happen(AgentBegan(500, 810.0))
    board.happen(CallerBegan(1700, 0, True))
    board.happen(AgentSilenced(2000, 300.0))
    board.happen(CallerEnded(2500, 0))
    board.tell(Turn("agent", "Thank", 510, 2000, 1490, interrupted=True))
    assert board.rows == [
        Row("agent", 500, "Thank", interrupted=True, ended=True, response_ms=810.0),
        Row("caller", 1700, "wait", over_agent=True, ended=True, silenced_ms=300.0),
    ]
    assert board.settled() == 2


def test_a_caller_who_speaks_over_the_agent_waits_for_its_silence() -> None:
    board = Board([clip("wait")])
    board.happen(CallerBegan(1700, 0, True))
    board.happen(CallerEnded(2500, 0))
    assert board.settled() == 0
    board.happen(AgentBegan(4000, None))
    assert board.settled() == 1


def test_a_pause_within_a_turn_makes_no_row() -> None:
    board = Board([])
    for event in (AgentBegan(500, None), AgentEnded(2000), AgentBegan(3000, None), AgentEnded(4000)):
        board.happen(event)
    board.tell(Turn("agent", "One. Two.", 490, 4010, 3500))
    assert board.rows == [Row("agent", 500, "One. Two.", ended=True)]


def test_a_turn_that_was_not_heard_changes_nothing() -> None:
    board = Board([])
    board.tell(Turn("agent", "unheard", 490, 500, 0))
    assert board.rows == []


def test_after_the_call_every_row_stands() -> None:
    board = Board([])
    board.happen(AgentBegan(500, None))
    board.happen(HungUp(700))
    assert board.settled() == 1
    assert board.over_ms == 700


def test_a_person_has_no_clips_and_the_words_come_from_what_was_understood() -> None:
    board = Board(())
    board.happen(CallerBegan(1000, 0, False))
    board.happen(CallerEnded(2000, 0))
    assert board.settled() == 0
    board.tell(Turn("caller", "hello", 1010, 2010, 1000))
    assert board.rows == [Row("caller", 1000, "hello", ended=True)]
    assert board.settled() == 1
