"""A telephone behind Twilio, played over real sockets: webhook, TwiML, signed handshake, media stream.

Sources: twilio.com/docs/voice/media-streams/websocket-messages and /docs/usage/webhooks/webhooks-security. One task and
one reader a phone, no thread, no state shared: hundreds can run in one process.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from gateway.rehearsal.line import Complaint, Line
from gateway.rehearsal.playout import BYTES_PER_MS, SILENCE, Cut
from gateway.rehearsal.webhook import Dialled, Exchange, WebhookFailed, twiml_for
from gateway.twilio import media, twiml

FRAME_MS = 20
FRAME = FRAME_MS * BYTES_PER_MS
FIRST_FRAME_MS = (100.0, 170.0)  # first timestamps of recorded streams lie between 102 and 171
OPEN_S = 10.0  # Twilio names no figure; longer is a connect timeout (31901)
VIOLATIONS = (1002, 1007, 1009)  # close codes with which our own end answers a broken peer


@dataclass(frozen=True, slots=True)
class Press:
    """The caller presses a key: one of 0-9 * # A-D. The frame itself is silent, for Twilio takes the tone out."""

    digit: str


class Person(Protocol):
    """Who holds the phone. Times are milliseconds since the stream began."""

    def hear(self, heard: bytes, start_ms: float) -> None:
        """What the phone played since the last call, silence included."""

    def cut(self, cut: Cut) -> None:
        """The gateway cleared what was still to be played."""

    def speak(self, now_ms: float) -> bytes | Press | None:
        """The sound of the last 20 ms, 160 bytes of mu-law; None hangs up."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Who ended the call. `code` is the WebSocket close code, or the HTTP status of a refusal; 0 where there is none.

    caller: hung up. gateway: closed the stream. lost: the connection broke. protocol: the gateway broke the WebSocket
    protocol. refused: no stream came about.
    """

    who: Literal["caller", "gateway", "lost", "protocol", "refused"]
    code: int = 0
    reason: str = ""

    def __str__(self) -> str:
        match self.who:
            case "caller":
                return "the caller hung up"
            case "gateway":
                return f"the gateway ended the stream ({self.code}{': ' * bool(self.reason)}{self.reason})"
            case "lost":
                return "the connection to the gateway broke"
            case "protocol":
                return f"the gateway broke the WebSocket protocol ({self.reason})"
            case "refused":
                return f"the gateway refused the call ({self.reason})"


@dataclass(frozen=True, slots=True)
class Record:
    """A call that is over. `caller` and `agent` are mu-law tracks, a byte a sample since the stream began: what was
    said into the phone and what was heard from it. `started_at` is time.monotonic() at that moment, None if it never
    came."""

    call_sid: str
    ending: Ending
    started_at: float | None
    caller: bytes
    agent: bytes
    cuts: tuple[Cut, ...]
    complaints: tuple[Complaint, ...]


class Phone:
    """One call. `line`, `started_at` and `said` (the caller's track so far) may be watched while `call` runs."""

    def __init__(self, exchange: Exchange, person: Person, caller: str, to: str) -> None:
        self.dialled = Dialled("CA" + secrets.token_hex(16), caller, to)
        self.line: Line | None = None
        self.started_at: float | None = None
        self._exchange = exchange
        self._person = person
        self.said = bytearray()
        self._heard = 0  # samples of the playout that the person has been given
        self._ending: Ending | None = None

    async def call(self) -> Record:
        """Rings, talks, and returns when the call is over; whatever happens is in the record."""
        try:
            answer = await twiml_for(self._exchange, self.dialled)
        except WebhookFailed as failed:
            return self._record(Ending("refused", failed.status, str(failed)))
        return await self.follow(answer)

    async def follow(self, answer: str) -> Record:
        """The stream that this document opens, to its end."""
        return self._record(await self._stream(answer))

    def _record(self, ending: Ending) -> Record:
        line = self.line
        return Record(
            self.dialled.call_sid,
            ending,
            self.started_at,
            bytes(self.said),
            bytes(line.playout.heard) if line else b"",
            tuple(line.cuts) if line else (),
            tuple(line.complaints) if line else (),
        )

    async def _stream(self, answer: str) -> Ending:
        try:
            stream = twiml.read_connect(answer)
        except ValueError as error:
            return Ending("refused", 200, f"the TwiML connects no stream: {error}")
        line = self.line = Line(
            media.Started(
                "MZ" + secrets.token_hex(16),
                self.dialled.call_sid,
                self._exchange.account_sid,
                stream.parameters,
            )
        )
        try:
            async with self._handshake(stream.url) as socket:
                return await self._talk(socket, line)
        except InvalidStatus as refused:
            status = refused.response.status_code
            return Ending("refused", status, f"31920: the handshake was answered {status}")
        except (OSError, InvalidHandshake, ValueError) as error:
            return Ending("refused", 0, f"31920: no WebSocket at {stream.url}: {error or type(error).__name__}")

    def _handshake(self, url: str) -> connect:
        """The signed handshake: the request keeps the public name, the connection goes to the gateway's own address."""
        parts = urlsplit(url)
        if parts.scheme not in ("ws", "wss") or parts.query:
            raise ValueError("Twilio streams to wss:// without a query string")
        return connect(
            parts._replace(scheme="ws").geturl(),
            host=self._exchange.host,
            port=self._exchange.port,
            additional_headers={"x-twilio-signature": self._exchange.signed(url)},
            user_agent_header="Twilio.TmeWs/1.0",
            compression=None,
            open_timeout=OPEN_S,
            close_timeout=2,
            ping_interval=None,
            proxy=None,
        )

    async def _talk(self, socket: ClientConnection, line: Line) -> Ending:
        async with asyncio.TaskGroup() as group:
            talking = group.create_task(self._speak(socket, line), name=f"phone-{self.dialled.call_sid}")
            ending = await self._listen(socket, line)
            talking.cancel()
        return ending

    async def _listen(self, socket: ClientConnection, line: Line) -> Ending:
        """Takes what the gateway sends until the socket closes, and says who closed it."""
        person, cuts = self._person, line.cuts
        while True:
            try:
                message = await socket.recv()
                now_ms, cut = self._now_ms(), len(cuts)
                for answer in line.receive(message, now_ms):
                    await socket.send(answer)
            except ConnectionClosed as closed:
                return self._ending or self._closed(closed, line)
            if len(cuts) > cut:
                self._hear(line)
                person.cut(cuts[-1])

    def _closed(self, closed: ConnectionClosed, line: Line) -> Ending:
        line.advance(self._now_ms())
        if closed.rcvd is not None and (closed.sent is None or closed.rcvd_then_sent):
            return Ending("gateway", closed.rcvd.code, closed.rcvd.reason)
        if closed.sent is not None and closed.sent.code in VIOLATIONS:
            line.violated(closed.sent.reason, self._now_ms())
            return Ending("protocol", closed.sent.code, closed.sent.reason)
        return Ending("lost", 1006)

    async def _speak(self, socket: ClientConnection, line: Line) -> None:
        """Sends connected, start, then a frame every 20 ms on a grid that doesn't drift, until the caller hangs up."""
        with suppress(ConnectionClosed):  # the reader knows and tells
            for text in line.opening():
                await socket.send(text)
            self.started_at = time.monotonic()
            now_ms = random.uniform(*FIRST_FRAME_MS)
            self.said += SILENCE * (int(now_ms * BYTES_PER_MS) - FRAME)
            while await self._frame(socket, line, now_ms):
                now_ms += FRAME_MS

    async def _frame(self, socket: ClientConnection, line: Line, now_ms: float) -> bool:
        """Waits for the frame's time, listens and speaks. False: the caller hung up."""
        await asyncio.sleep(max(0.0, (now_ms - self._now_ms()) / 1000))
        for answer in line.advance(now_ms):
            await socket.send(answer)
        self._hear(line)
        spoken = self._person.speak(now_ms)
        if spoken is None:
            self._ending = Ending("caller")
            await socket.send(line.stop())
            await socket.close()
            return False
        if isinstance(spoken, Press):
            await socket.send(line.digit(spoken.digit))
            spoken = SILENCE * FRAME
        self.said += spoken
        await socket.send(line.audio(spoken, self._now_ms()))
        return True

    def _hear(self, line: Line) -> None:
        """Hands over what the phone has played since the last time."""
        heard, start = line.playout.heard, self._heard
        self._heard = len(heard)
        self._person.hear(bytes(heard[start:]), start / BYTES_PER_MS)

    def _now_ms(self) -> float:
        return 0.0 if self.started_at is None else (time.monotonic() - self.started_at) * 1000
