"""Transcripts: times, words, and the cut to what was heard."""

from __future__ import annotations

import pytest

from gateway.call.transcript import AgentTurn, CallerTurn, Spoken, heard_words

TEXT = "Good day, this is Ava at Harbour Dental."


@pytest.mark.parametrize(
    ("heard", "words"),
    [
        (0, ""),
        (1000, TEXT),
        (2000, TEXT),
        (500, "Good day, this is"),
        (99, ""),
        (130, "Good"),
        (999, "Good day, this is Ava at Harbour"),
    ],
)
def test_words_are_cut_to_what_was_heard(heard: int, words: str) -> None:
    assert heard_words(TEXT, heard, 1000) == words


def test_no_sound_is_no_words() -> None:
    assert heard_words(TEXT, 10, 0) == ""


def test_a_callers_turn() -> None:
    turn = CallerTurn()
    turn.began(100)
    turn.ended(900)
    turn.began(1200)
    turn.ended(2000)
    turn.say(" I'd like ", 700)
    turn.say("to book.", 700)
    assert turn.close(2500) == Spoken("caller", "I'd like to book.", 100, 2000, 1900, new="I'd like to book.")


def test_a_callers_turn_without_words_stays_open() -> None:
    turn = CallerTurn()
    turn.began(100)
    turn.ended(900)
    assert turn.close(1000) is None


def test_words_without_a_level_have_the_time_they_came() -> None:
    turn = CallerTurn()
    turn.say("hello", 700)
    assert turn.close(700) == Spoken("caller", "hello", 700, 700, 0, new="hello")


def test_interim_words_stand_until_final_ones_come() -> None:
    turn = CallerTurn()
    turn.say("I'd lie", 700, interim=True)
    interim = turn.close(10)
    turn.say("I'd like", 700)
    final = turn.close(10)
    assert interim is not None
    assert final is not None
    assert (interim.text, final.text) == ("I'd lie", "I'd like")


def test_an_old_noise_does_not_begin_a_turn() -> None:
    turn = CallerTurn()
    turn.began(100)
    turn.ended(200)
    turn.began(5000)
    turn.say("hello", 700)
    turn.ended(5600)
    spoken = turn.close(6000)
    assert spoken is not None
    assert spoken.start_ms == 5000


def test_an_agents_turn_that_was_heard() -> None:
    turn = AgentTurn()
    turn.begin(400, 0)
    turn.say(TEXT)
    turn.queued_ms = 2000
    spoken = turn.close(2000, 2410, interrupted=False)
    assert spoken == Spoken("agent", TEXT, 400, 2410, 2000, new=TEXT)
    assert spoken.fields() == {
        "speaker": "agent",
        "start_ms": 400,
        "end_ms": 2410,
        "heard_ms": 2000,
        "response_ms": None,
        "interrupted": False,
    }


def test_an_agents_turn_that_was_cut() -> None:
    turn = AgentTurn()
    turn.begin(400, 0)
    turn.say(TEXT)
    turn.queued_ms = 2000
    spoken = turn.close(1000, 1450, interrupted=True)
    assert (spoken.text, spoken.end_ms, spoken.heard_ms) == ("Good day, this is", 1400, 1000)


def test_a_callers_fields_say_nothing_of_the_words() -> None:
    assert Spoken("caller", "secret", 1, 2, 1).fields() == {
        "speaker": "caller",
        "start_ms": 1,
        "end_ms": 2,
        "heard_ms": 1,
    }


def test_words_that_will_come_again_stand_until_then() -> None:
    turn = CallerTurn()
    turn.say("I'd ", 700)
    turn.say("like", 800)
    turn.again()
    assert turn.text == "I'd like"
    turn.again()
    turn.say("I'd like to", 1500)
    assert turn.text == "I'd like to"


def test_what_a_handle_knows_of_an_agents_turn() -> None:
    turn = AgentTurn()
    turn.more()
    turn.say("Good day,")
    assert turn.known == 0
    turn.settle()
    turn.say(" this is")  # words come later than their sound
    assert turn.known == len("Good day, this is")
    turn.more()
    turn.say(" Ava.")
    turn.more()
    assert turn.known == len("Good day, this is")
    turn.queued_ms = 2000
    assert turn.close(2000, 2000, interrupted=False).new == "Ava."


def test_what_was_not_heard_is_not_known_either() -> None:
    turn = AgentTurn()
    turn.say(TEXT)
    turn.settle()
    turn.queued_ms = 2000
    spoken = turn.close(1000, 1450, interrupted=True)
    assert (spoken.new, len(spoken.text) < len(TEXT)) == ("", True)
