"""A tool's result in words; an answer that was begun before a break."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway.live import cues
from gateway.live.messages import ContentTurn, FunctionResult
from gateway.rehearsal.standin.asked import answered, rest, result_text, said_before


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ({"output": "at nine", "result": "no"}, "at nine"),
        ({"result": "at ten"}, "at ten"),
        ({"output": 9, "result": "at ten"}, "at ten"),
        ({"output": 9}, '{"output": 9}'),
        ({"error": "zu spät"}, '{"error": "zu spät"}'),
        ({}, "{}"),
    ],
)
def test_result_text(response: Mapping[str, object], words: str) -> None:
    assert result_text(FunctionResult("1", "book", response)) == words


@pytest.mark.parametrize("said", ["", "One two", 'He said "one", and\nleft.', "|"])
def test_what_was_heard_before_the_break_is_read_from_the_cue(said: str) -> None:
    assert said_before(cues.go_on(said)) == said
    assert said_before(cues.go_on(said, "caller: One?")) == said


ILL = (cues.go_on("One").replace('"One"', what) for what in ("One", '"One', "1"))


@pytest.mark.parametrize("cue", [cues.nudge(), cues.say("One"), "One two", "", cues.go_on("One")[:-1], *ILL])
def test_other_words_are_no_such_cue(cue: str) -> None:
    assert said_before(cue) is None


@pytest.mark.parametrize(
    ("answer", "said", "left"),
    [
        ("one two three", "one two", "three"),
        ("one two three", "one  two ", "three"),
        ("one two", "one two", ""),
        ("one two", "", "one two"),
        ("one two", "two", "one two"),
    ],
)
def test_what_is_left_of_an_answer(answer: str, said: str, left: str) -> None:
    assert rest(answer, said) == left


@pytest.mark.parametrize(
    ("roles", "turns"), [("", 0), ("m", 0), ("um", 1), ("mum", 1), ("umum", 2), ("umu", 1), ("uumm", 1)]
)
def test_turns_of_a_history_that_were_answered(roles: str, turns: int) -> None:
    history = [ContentTurn("user" if role == "u" else "model", "x") for role in roles]
    assert answered(history) == turns
