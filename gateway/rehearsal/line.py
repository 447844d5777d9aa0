"""Twilio's side of one media stream, without the socket: what it sends, in order and numbered, and what it does with
what it gets. Pure; time is an argument, in milliseconds since `start` was sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import assert_never

from gateway.rehearsal.playout import Cut, Playout
from gateway.twilio import media

INVALID_MESSAGE = 31951  # twilio.com/docs/api/errors/31951: reported once per stream, the message is ignored
PROTOCOL_VIOLATION = 31924  # twilio.com/docs/api/errors/31924: the WebSocket itself was broken


@dataclass(frozen=True, slots=True)
class Complaint:
    """What Twilio's debugger would show: an error code of the 319xx family and why."""

    code: int
    message: str
    at_ms: float


class Line:
    """One stream. `complaints` is what Twilio would report, `cuts` every `clear`, `playout` what was heard."""

    def __init__(self, started: media.Started) -> None:
        self.started = started
        self.playout = Playout()
        self.complaints: list[Complaint] = []
        self.cuts: list[Cut] = []
        self.refused = 0  # messages that Twilio ignored; only the first is a complaint
        self._sequence = 0  # one counter for every message after `connected`; `start` is 1
        self._chunk = 0  # media messages of the inbound track

    def opening(self) -> tuple[str, str]:
        """The first two messages: `connected`, then `start`."""
        return self._text(media.Connected("Call", "1.0.0")), self._text(self._numbered_start())

    def audio(self, mulaw: bytes, now_ms: float) -> str:
        """One frame of the caller's sound. Its timestamp is a clock reading, as Twilio's are: no multiple of 20."""
        self._chunk += 1
        return self._text(media.CallerAudio(mulaw, self._chunk, int(now_ms), self._next()))

    def digit(self, digit: str) -> str:
        """A key the caller pressed."""
        return self._text(media.Digit(digit, self._next()))

    def stop(self) -> str:
        """The last message: the caller hung up."""
        return self._text(media.Stopped(self.started.call_sid, self._next(), self.started.account_sid))

    def receive(self, message: str | bytes, now_ms: float) -> list[str]:
        """Takes what the media server sent. Returns the answers: marks that came due."""
        if isinstance(message, bytes):
            return self._refuse("a binary frame; Media Streams messages are JSON text", now_ms)
        try:
            order = media.parse_to_twilio(message, self.started.stream_sid)
        except media.TwilioProtocolError as error:
            return self._refuse(str(error), now_ms)
        match order:
            case media.Play():
                return self._marks(self.playout.play(order.mulaw, now_ms))
            case media.Mark():
                return self._marks(self.playout.mark(order.name, now_ms))
            case media.Clear():
                played, cut = self.playout.clear(now_ms)
                self.cuts.append(cut)
                return self._marks((*played, *cut.marks))
            case _:
                assert_never(order)

    def advance(self, now_ms: float) -> list[str]:
        """Plays until `now_ms`. Returns the marks that came due."""
        return self._marks(self.playout.advance(now_ms))

    def violated(self, reason: str, now_ms: float) -> None:
        """The WebSocket protocol itself was broken: Twilio ends the stream with 31924."""
        self.complaints.append(Complaint(PROTOCOL_VIOLATION, reason, now_ms))

    def _refuse(self, reason: str, now_ms: float) -> list[str]:
        if not self.refused:
            self.complaints.append(Complaint(INVALID_MESSAGE, reason.removeprefix("31951: "), now_ms))
        self.refused += 1
        return []

    def _marks(self, names: Iterable[str]) -> list[str]:
        return [self._text(media.MarkPlayed(name, self._next())) for name in names]

    def _numbered_start(self) -> media.Started:
        return replace(self.started, sequence=self._next())

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    def _text(self, message: media.FromTwilio) -> str:
        return media.build_from_twilio(message, self.started.stream_sid)
