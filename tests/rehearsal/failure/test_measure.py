"""What became of a call, from what both sides recorded."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.audio import mulaw
from gateway.rehearsal import counting
from gateway.rehearsal.failure.caller import Caller, Said
from gateway.rehearsal.failure.journal import Connection
from gateway.rehearsal.failure.measure import Outcome, Words, gaps, outcome, twice
from gateway.rehearsal.failure.twilio import Account, Call, Streamed
from gateway.rehearsal.phone import Ending
from gateway.rehearsal.webhook import Dialled, Exchange

CLOSED, BROKE, LEFT = Ending("gateway", 1001), Ending("lost", 1006), Ending("caller")


def track(*numbers: int) -> bytes:
    sound = b"".join(counting.spoken(number, 8_000) for number in numbers)
    return mulaw.encode(np.frombuffer(sound, "<i2").astype(np.int16))


def stream(began: float, ended: float, ending: Ending, *numbers: int) -> Streamed:
    return Streamed(began, ended, ending, track(*numbers), 0)


def mind(session: str, opened: float, closed: float | None, *heard: int, greeted: int = 0) -> Connection:
    return Connection(session, opened, False, 0, False, closed, greeted, 0, list(heard))


def told(
    streams: list[Streamed], minds: list[Connection], said: int = 0, end: str = "caller", fault_at: float | None = None
) -> Outcome:
    account = Account(Exchange("127.0.0.1", 1, "https://gateway.example.com", "AC1", "token"))
    caller = Caller(lambda: 0.0)
    caller.said = [Said(number, 0.0) for number in range(said)]
    call = Call(account, caller, Dialled("CA1", "+14155560001", "+14155550100"), streams, end=end)
    return outcome(call, minds, fault_at)


def test_a_call_that_nothing_happens_to() -> None:
    found = told([stream(0.0, 5.0, LEFT, 250, 0, 1, 2)], [mind("s1", 0.1, 5.1, 0, 1, greeted=1)], said=2)
    assert (found.kept, found.moved, found.same, found.greeted) == (True, False, True, 1)
    assert (found.agent, found.caller, found.gaps_s, found.broken) == (Words(), Words(), (), 0)


def test_a_call_that_moves_with_its_session() -> None:
    streams = [stream(0.0, 5.0, CLOSED, 0, 1, 2), stream(5.1, 9.0, LEFT, 3, 4)]
    found = told(streams, [mind("s1", 0.0, 5.05, 0), mind("s1", 5.3, 9.0, 1)], said=2)
    assert (found.kept, found.moved, found.same, found.agent) == (True, True, True, Words())
    assert found.gaps_s == pytest.approx((0.3,))


def test_a_call_that_moves_without_it() -> None:
    streams = [stream(0.0, 5.0, BROKE, 0, 1, 2), stream(5.1, 9.0, LEFT, 250, 0, 1)]
    found = told(streams, [mind("s1", 0.0, 5.0, greeted=1), mind("s2", 5.1, 9.0, greeted=1)])
    assert (found.same, found.greeted, found.broken) == (False, 2, 1)
    assert found.agent == Words()  # another session counts from the beginning


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ((0, 1, 2), (4, 5), Words(lost=1)),
        ((0, 1, 2), (2, 3), Words(doubled=1)),
        ((1, 2), (3,), Words(lost=1)),
        ((0, 1, 2), (0, 1, 2, 3), Words(doubled=3)),
    ],
)
def test_words_of_the_agent(before: tuple[int, ...], after: tuple[int, ...], words: Words) -> None:
    streams = [stream(0.0, 3.0, CLOSED, *before), stream(3.1, 6.0, LEFT, *after)]
    assert told(streams, [mind("s1", 0.0, 3.0), mind("s1", 3.1, 6.0)]).agent == words


def test_words_of_the_caller() -> None:
    streams = [stream(0.0, 3.0, CLOSED, 0), stream(3.1, 6.0, LEFT, 1)]
    found = told(streams, [mind("s1", 0.0, 3.0, 0, 1), mind("s1", 3.1, 6.0, 1, 3)], said=4)
    assert found.caller == Words(lost=1, doubled=1)


@pytest.mark.parametrize(
    ("streams", "end", "why"),
    [
        ([stream(0.0, 5.0, BROKE, 0)], "lost with its stream", "lost with its stream"),
        ([stream(0.0, 5.0, CLOSED, 0)], "", "still up at the end of the rehearsal"),
        ([stream(0.0, 30.0, LEFT, 0, 1)], "caller", "dead air"),
        ([stream(0.0, 5.0, CLOSED, 0), stream(5.0, 15.0, LEFT)], "caller", "dead air"),
    ],
)
def test_calls_that_are_lost(streams: list[Streamed], end: str, why: str) -> None:
    found = told(streams, [mind("s1", 0.0, None)], end=end)
    assert (found.kept, found.why, found.gaps_s) == (False, why, ())


def test_a_stream_on_a_frozen_instance_ends_when_it_freezes() -> None:
    streams = [stream(0.0, 6.5, BROKE), stream(6.6, 9.0, LEFT)]
    minds = [mind("s1", 0.0, 6.5), mind("s1", 6.7, 9.0)]
    assert gaps(streams, minds, fault_at=5.0) == pytest.approx((1.7,))
    assert gaps([stream(0.0, 6.5, CLOSED), streams[1]], minds, fault_at=5.0) == pytest.approx((0.2,))


def test_a_model_that_breaks_under_a_stream_is_a_gap_as_well() -> None:
    minds = [mind("s1", 0.0, 3.0), mind("s1", 3.25, None)]
    assert gaps([stream(0.0, 9.0, LEFT)], minds, None) == pytest.approx((0.25,))


def test_two_connections_at_once() -> None:
    assert twice([mind("s1", 0.0, 5.0), mind("s1", 4.9, 9.0)]) == 0  # it takes that long to close
    assert twice([mind("s1", 0.0, 5.0), mind("s2", 3.0, None)]) == pytest.approx(2.0)
