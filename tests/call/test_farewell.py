"""The end of a call as scripts: asked for, said, heard; and all that may come between."""

from __future__ import annotations

import pytest

from gateway.call.farewell import BEGIN_S, HEARD_S, LONGEST_S, Farewell


@pytest.fixture
def farewell() -> Farewell:
    return Farewell(waits=True)


def test_nothing_closes_that_was_not_asked_for(farewell: Farewell) -> None:
    farewell.sound(1)
    farewell.complete(2, quiet=True)
    farewell.heard()
    assert farewell.deadline(free_at=5) is None
    assert not farewell.over(1000, free_at=5)
    assert not farewell.interrupted()


@pytest.mark.parametrize("waits", [True, False])
def test_asked_said_heard_closed(waits: bool) -> None:
    farewell = Farewell(waits)
    farewell.asked(10)
    farewell.sound(11)
    farewell.complete(12, quiet=False)
    assert not farewell.over(12.5, free_at=13)
    farewell.heard()
    assert farewell.over(13, free_at=13)
    assert farewell.deadline(free_at=13) is None


def test_an_agent_that_says_nothing_is_not_waited_for(farewell: Farewell) -> None:
    farewell.asked(10)
    assert farewell.deadline(free_at=0) == 10 + BEGIN_S
    assert not farewell.over(13.99, free_at=0)
    assert farewell.over(14, free_at=0)


def test_what_is_still_playing_is_heard_before_the_wait_begins(farewell: Farewell) -> None:
    farewell.asked(10)
    assert not farewell.over(15, free_at=16)
    assert farewell.deadline(free_at=16) == 16 + BEGIN_S


def test_goodbye_was_said_before_it_was_asked_for(farewell: Farewell) -> None:
    """The model that waits for its tools ends its turn after the result: there is no more to come."""
    farewell.asked(10)
    farewell.complete(10.5, quiet=False)
    assert not farewell.over(11, free_at=12)
    farewell.heard()
    assert farewell.over(12, free_at=12)


def test_goodbye_was_said_and_heard_before_it_was_asked_for(farewell: Farewell) -> None:
    farewell.asked(10)
    farewell.complete(10.5, quiet=True)
    assert farewell.over(10.5, free_at=9)


def test_a_model_that_talks_on_may_end_one_turn_and_say_goodbye_in_the_next() -> None:
    farewell = Farewell(waits=False)
    farewell.asked(10)
    farewell.complete(11, quiet=True)
    farewell.heard()
    assert not farewell.over(11, free_at=11)
    farewell.sound(12)
    farewell.heard()
    assert farewell.over(15, free_at=15)


def test_words_that_are_never_heard_to_their_end_are_not_waited_for(farewell: Farewell) -> None:
    farewell.asked(10)
    farewell.sound(11)
    farewell.sound(12)
    assert farewell.deadline(free_at=14) == 14 + HEARD_S
    assert farewell.over(24, free_at=14)


def test_an_agent_that_never_comes_to_an_end_is_cut_short(farewell: Farewell) -> None:
    farewell.asked(10)
    for second in range(11, 40):
        farewell.sound(second)
        assert not farewell.over(second, free_at=second + 1)
    assert farewell.deadline(free_at=45) == 10 + LONGEST_S
    assert farewell.over(40, free_at=45)


@pytest.mark.parametrize("spoken", [False, True])
def test_a_caller_who_speaks_keeps_the_line_open(farewell: Farewell, spoken: bool) -> None:
    farewell.asked(10)
    if spoken:
        farewell.sound(11)
    assert farewell.interrupted()
    farewell.heard()
    assert farewell.deadline(free_at=12) is None
    assert not farewell.over(100, free_at=12)

    farewell.asked(101)  # and now it is really over
    farewell.sound(102)
    farewell.heard()
    assert farewell.over(103, free_at=103)


def test_asking_again_does_not_make_it_longer(farewell: Farewell) -> None:
    farewell.asked(10)
    farewell.asked(13)
    assert farewell.deadline(free_at=0) == 10 + BEGIN_S


def test_over_is_over(farewell: Farewell) -> None:
    farewell.asked(10)
    assert farewell.over(14, free_at=0)
    farewell.sound(15)
    farewell.asked(15)
    assert not farewell.interrupted()
    assert farewell.over(15, free_at=0)
