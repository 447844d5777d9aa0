"""The order of a stream, as a table: which message may come in which state, and where it leads."""

from __future__ import annotations

from enum import Enum

from gateway.twilio.events import (
    CallerAudio,
    Connected,
    Digit,
    FromTwilio,
    MarkPlayed,
    Started,
    Stopped,
    TwilioProtocolError,
    UnknownEvent,
)


class State(Enum):
    NEW = "new"
    CONNECTED = "connected"
    STREAMING = "streaming"
    STOPPED = "stopped"


# What isn't here is out of order. An unknown event may come at any time of the stream but not open it.
NEXT: dict[State, dict[type[FromTwilio], State]] = {
    State.NEW: {Connected: State.CONNECTED},
    State.CONNECTED: {Started: State.STREAMING, UnknownEvent: State.CONNECTED},
    State.STREAMING: {
        CallerAudio: State.STREAMING,
        MarkPlayed: State.STREAMING,
        Digit: State.STREAMING,
        UnknownEvent: State.STREAMING,
        Stopped: State.STOPPED,
    },
    State.STOPPED: {},
}


class Sequencer:
    """Holds a stream to its order: connected, start, then media/dtmf/mark, then stop. One per stream."""

    def __init__(self) -> None:
        self._state = State.NEW
        self._sequence = 0

    def check(self, message: FromTwilio) -> None:
        """Raises TwilioProtocolError (close code 1002) for a message out of order, also when its sequence number is
        lower than the last one's. Gaps are tolerated: what Twilio dropped is gone."""
        following = NEXT[self._state].get(type(message))
        if following is None:
            name = type(message).__name__
            raise TwilioProtocolError(f"{name} is out of order: the stream is {self._state.value}", 1002)
        if not isinstance(message, Connected | UnknownEvent):
            self._count(message.sequence)
        self._state = following

    def _count(self, sequence: int) -> None:
        if sequence < self._sequence:
            raise TwilioProtocolError(f"sequenceNumber goes back from {self._sequence} to {sequence}", 1002)
        self._sequence = sequence
