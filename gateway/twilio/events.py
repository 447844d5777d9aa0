"""The messages of Twilio Media Streams as frozen dataclasses, and the fault of a peer that breaks the protocol.

The door is `twilio.media`: import them from there.
Source: twilio.com/docs/voice/media-streams/websocket-messages. Audio is always mono
8 kHz G.711 mu-law, one byte a sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_MESSAGE_BYTES = 64 * 1024  # a 20 ms frame is about 350 bytes; `start` with every <Parameter> stays far below this


class TwilioProtocolError(Exception):
    """The peer on the stream broke the protocol. `close_code` is the WebSocket close code that answers it."""

    def __init__(self, message: str, close_code: int = 1007) -> None:
        super().__init__(message)
        self.close_code = close_code


# From Twilio ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Connected:
    protocol: str
    version: str


@dataclass(frozen=True, slots=True)
class Started:
    """The stream begins. `parameters` are the TwiML's <Parameter>s. Only audio/x-mulaw 8000/1 gets this far."""

    stream_sid: str
    call_sid: str
    account_sid: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    tracks: tuple[str, ...] = ("inbound",)
    sequence: int = 1


@dataclass(frozen=True, slots=True)
class CallerAudio:
    """A piece of the caller's sound: raw mu-law, usually 160 bytes. `chunk` counts from 1; `timestamp_ms` is Twilio's
    clock since the stream began (first values near 100, not multiples of 20)."""

    mulaw: bytes
    chunk: int
    timestamp_ms: int
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class MarkPlayed:
    """A mark came back: what was sent before it has been played, or was cleared."""

    name: str
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Digit:
    """A DTMF key the caller pressed: one of 0-9 * # A-D."""

    digit: str
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Stopped:
    """Twilio ended the stream: the caller hung up or the call was updated."""

    call_sid: str
    sequence: int = 0
    account_sid: str = ""


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """A well-formed message of a kind this version doesn't know: survived and counted."""

    event: str


FromTwilio = Connected | Started | CallerAudio | MarkPlayed | Digit | Stopped | UnknownEvent


# To Twilio -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Play:
    mulaw: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    name: str


@dataclass(frozen=True, slots=True)
class Clear:
    """Twilio empties its play-out buffer and returns all pending marks."""


ToTwilio = Play | Mark | Clear
