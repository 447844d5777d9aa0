"""The order of a stream, as scripts: what may follow what, and what closes with 1002."""

from __future__ import annotations

from typing import get_args

import pytest

from gateway.twilio.media import (
    CallerAudio,
    Connected,
    Digit,
    FromTwilio,
    MarkPlayed,
    Sequencer,
    Started,
    Stopped,
    TwilioProtocolError,
    UnknownEvent,
)
from gateway.twilio.sequence import NEXT, State

CONNECTED = Connected("Call", "1.0.0")
STARTED = Started("MZ1", "CA1", "AC1")
AUDIO = CallerAudio(b"\xff" * 160, 1, 155, 2)
MARK = MarkPlayed("a", 3)
DIGIT = Digit("1", 4)
STOPPED = Stopped("CA1", 5)
UNKNOWN = UnknownEvent("ping")


def script(*messages: FromTwilio) -> Sequencer:
    sequencer = Sequencer()
    for message in messages:
        sequencer.check(message)
    return sequencer


def test_a_whole_stream_is_in_order() -> None:
    script(CONNECTED, UNKNOWN, STARTED, AUDIO, UNKNOWN, MARK, DIGIT, STOPPED)


def test_gaps_are_tolerated() -> None:
    script(CONNECTED, STARTED, CallerAudio(b"", 72, 1593, 74), Stopped("CA1", 378))


@pytest.mark.parametrize(
    ("before", "message", "words"),
    [
        ((), STARTED, "Started is out of order: the stream is new"),
        ((), AUDIO, "CallerAudio is out of order: the stream is new"),
        ((), UNKNOWN, "UnknownEvent is out of order: the stream is new"),
        ((CONNECTED,), CONNECTED, "Connected is out of order: the stream is connected"),
        ((CONNECTED,), AUDIO, "CallerAudio is out of order: the stream is connected"),
        ((CONNECTED,), STOPPED, "Stopped is out of order: the stream is connected"),
        ((CONNECTED, STARTED), STARTED, "Started is out of order: the stream is streaming"),
        ((CONNECTED, STARTED), CONNECTED, "Connected is out of order: the stream is streaming"),
        ((CONNECTED, STARTED, STOPPED), AUDIO, "CallerAudio is out of order: the stream is stopped"),
        ((CONNECTED, STARTED, STOPPED), STOPPED, "Stopped is out of order: the stream is stopped"),
        ((CONNECTED, STARTED, STOPPED), UNKNOWN, "UnknownEvent is out of order: the stream is stopped"),
        ((CONNECTED, STARTED, MARK), AUDIO, "sequenceNumber goes back from 3 to 2"),
    ],
)
def test_out_of_order_closes_with_1002(before: tuple[FromTwilio, ...], message: FromTwilio, words: str) -> None:
    sequencer = script(*before)
    with pytest.raises(TwilioProtocolError) as caught:
        sequencer.check(message)
    assert (str(caught.value), caught.value.close_code) == (words, 1002)


def test_the_table_knows_every_state_and_message() -> None:
    assert set(NEXT) == set(State)
    assert {kind for row in NEXT.values() for kind in row} == set(get_args(FromTwilio))
