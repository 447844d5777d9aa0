"""The other two parties of a call, hand-made: `Phone` speaks as Twilio does, `Model` as the Live API does.

`Desk` is the server that the gateway finds its models at; phone and model of one call meet by the caller's number,
which the flow hands on in the persona's instructions. Message templates are prebuilt: the generator has to be cheap.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter

from bench.ledger import FRAME, Ledger
from bench.link import Link
from bench.sound import model_pieces, phone_pieces

HOST = "127.0.0.1"
STREAM_PATH = "/ws/twilio"
PATIENCE_S = 20.0  # how long anybody waits for what must come

FLOW = """\
version: 1
name: bench
numbers:
  - { label: line, number: "+14155550100", persona: mute }
personas:
  mute:
    instructions: The caller is {{call.from}}.
limits: { max_duration: 1h }
"""

_MEDIA = (
    b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d","timestamp":"%d",'
    b'"payload":"%b"},"streamSid":"%b"}'
)
_ANSWER = (
    b'{"serverContent":{"modelTurn":{"role":"model","parts":[{"inlineData":{"mimeType":"audio/pcm;rate=24000",'
    b'"data":"%b"}}]}}}'
)
_CALLER = re.compile(rb"The caller is (\+[0-9]+)")


def number(index: int) -> str:
    """A number from the range kept for fiction, one a call."""
    return f"+1415555{index:07d}"


def size_of(payload: bytes, field: bytes) -> int:
    """How many bytes the base64 string in `field` stands for."""
    begin = payload.index(field) + len(field)
    end = payload.index(b'"', begin)
    return (end - begin) * 3 // 4 - payload[end - 2 : end].count(b"=")


class Phone:
    """Twilio's end of one stream."""

    def __init__(self, sid: str, parameters: Mapping[str, str], ledger: Ledger) -> None:
        self.sid = sid
        self.code: int | None = None  # how the gateway closed the stream
        self.over = asyncio.Event()
        self.open = asyncio.Event()
        self.sounded = asyncio.Event()
        self._parameters = parameters
        self._ledger = ledger
        self._link: Link
        self._chunk = 0
        self._sequence = 1
        self._play_end = 0.0
        self.pieces = phone_pieces()
        self.gaps: list[float] = []  # silences between what was played, in seconds
        self._marks: deque[tuple[float, str]] = deque()

    def opened(self, link: Link) -> None:
        self._link = link
        link.send(b'{"event":"connected","protocol":"Call","version":"1.0.0"}')
        link.send(json.dumps(self._start()).encode())
        self.open.set()

    def heard(self, payload: bytes, at: float) -> None:
        kind = payload[10:15]
        if kind == b"media":
            size = size_of(payload, b'"payload":"')
            if self._play_end and at > self._play_end:
                self.gaps.append(at - self._play_end)
            self._play_end = max(self._play_end, at) + size / 8000
            self._ledger.played(size, at)
            self.sounded.set()
        elif kind == b"clear":
            self._play_end = at
            self._ledger.cleared(at)
            self._return_marks(float("inf"))
        else:
            self._marks.append((self._play_end, json.loads(payload)["mark"]["name"]))

    def gone(self, code: int) -> None:
        self.code = code
        self.over.set()

    def say(self, at: float) -> None:
        """The next 20 ms of the caller's sound; marks that are due go with it."""
        if self.over.is_set():
            return
        if self._marks and self._marks[0][0] <= at:
            self._return_marks(at)
        self._chunk += 1
        self._sequence += 1
        sound = self.pieces[self._chunk % len(self.pieces)]
        numbers = (self._sequence, self._chunk, 80 + 20 * self._chunk)
        self._link.send(_MEDIA % (*numbers, sound, self.sid.encode()))
        self._ledger.said(at)

    def stop(self) -> None:
        """The caller hangs up; the gateway closes the stream."""
        self._sequence += 1
        message = {"event": "stop", "sequenceNumber": str(self._sequence), "streamSid": self.sid}
        self._link.send(json.dumps({**message, "stop": {"accountSid": "AC1", "callSid": f"CA{self.sid}"}}).encode())

    def close(self) -> None:
        """A close frame, without `stop`."""
        self._link.close()

    def vanish(self, *, reset: bool) -> None:
        """The socket ends without a word: by FIN, or by RST."""
        if reset:
            self._link.transport.abort()
        else:
            self._link.transport.close()

    def _return_marks(self, until: float) -> None:
        while self._marks and self._marks[0][0] <= until:
            name = self._marks.popleft()[1]
            self._sequence += 1
            text = '{"event":"mark","sequenceNumber":"%d","streamSid":"%s","mark":{"name":"%s"}}'
            self._link.send((text % (self._sequence, self.sid, name)).encode())

    def _start(self) -> dict[str, object]:
        start = {
            "accountSid": "AC1",
            "streamSid": self.sid,
            "callSid": f"CA{self.sid}",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": dict(self._parameters),
        }
        return {"event": "start", "sequenceNumber": "1", "start": start, "streamSid": self.sid}


class Model:
    """The Live API's end of one session."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._link: Link
        self._ledger: Ledger | None = None
        self._pieces = 0
        self.over = False
        self.heard_at: asyncio.Future[float] = asyncio.get_running_loop().create_future()  # the first sound

    def opened(self, link: Link) -> None:
        self._link = link

    def heard(self, payload: bytes, at: float) -> None:
        if self._ledger is None:
            self._ledger = self._desk.meet(self, payload, at)
            self._link.send(b'{"setupComplete":{}}')
        elif payload.startswith(b'{"realtimeInput":{"audio"'):
            self._ledger.arrived(size_of(payload, b'"data":"') // 4, at)
            if not self.heard_at.done():
                self.heard_at.set_result(at)
            if self._desk.keep:
                self._ledger.sound.append(payload)

    def gone(self, code: int) -> None:
        self.over = True

    def answer(self, at: float, ms: int = 40) -> None:
        """The next piece of the agent's sound."""
        if self.over or self._ledger is None:
            return
        pieces = model_pieces(ms)
        self._pieces += 1
        self._link.send(_ANSWER % pieces[self._pieces % len(pieces)])
        self._ledger.answered(8 * ms, at)

    def interrupt(self, at: float) -> None:
        """The caller is speaking over the agent."""
        if not self.over and self._ledger is not None:
            self._link.send(b'{"serverContent":{"interrupted":true}}')
            self._ledger.interrupted(at)

    def leave(self) -> None:
        """A handle, and the word that the connection ends soon: it is left 200 ms later, whoever speaks."""
        self._link.send(b'{"sessionResumptionUpdate":{"newHandle":"h","resumable":true}}')
        self._link.send(b'{"goAway":{"timeLeft":"5.2s"}}')

    def close(self, code: int, reason: bytes) -> None:
        self._link.close(code, reason)

    def vanish(self) -> None:
        self._link.transport.abort()


@dataclass
class Expected:
    """One call as the desk knows it before its model is there."""

    ledger: Ledger
    model: asyncio.Future[Model]
    setup_at: float = 0.0


@dataclass
class Call:
    phone: Phone
    ledger: Ledger
    expected: Expected = field(repr=False)
    next: asyncio.Queue[Model] = field(repr=False, default_factory=asyncio.Queue)  # the sessions after the first

    async def model(self) -> Model:
        """The session that the gateway opens for this call."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.expected.model


@dataclass(frozen=True)
class Sealed:
    """What lets a call in where the gateway asks: headers of the handshake, parameters of the stream."""

    headers: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)


Seal = Callable[[int, str], Sealed]  # of a gateway's port and a CallSid


class Desk:
    """Where the gateway finds its models."""

    def __init__(self) -> None:
        self.seal: Seal | None = None
        self._expected: dict[str, Expected] = {}
        self._calls = 0
        self.keep = False  # a call's later sessions come to it again
        self._kept: dict[str, Call] = {}

    def meet(self, model: Model, setup: bytes, at: float) -> Ledger:
        """The ledger of the call that a session's first message belongs to; a new one for a caller nobody expects."""
        found = _CALLER.search(setup)
        if found is None:
            raise ValueError(f"no setup of ours: {setup[:200]!r}")
        expected = self._expected.pop(found[1].decode(), None)
        if expected is None:
            return self._again(found[1].decode(), model)
        expected.setup_at = at
        if not expected.model.done():
            expected.model.set_result(model)
        return expected.ledger

    def _again(self, caller: str, model: Model) -> Ledger:
        kept = self._kept.get(caller)
        if kept is None:
            return Ledger()
        kept.next.put_nowait(model)
        return kept.ledger

    async def call(self, port: int, parameters: Mapping[str, str] | None = None) -> Call:
        """Place one call to the gateway at `port`. Raises TimeoutError, OSError."""
        loop = asyncio.get_running_loop()
        self._calls += 1
        caller = number(self._calls)
        ledger = Ledger()
        expected = self._expected[caller] = Expected(ledger, loop.create_future())
        given = {"flow": "bench", "line": "line", **(parameters or {}), "from": caller}
        sid = f"MZ{self._calls:032d}"
        sealed = self.seal(port, f"CA{sid}") if self.seal else Sealed()
        phone = Phone(sid, {**given, **sealed.parameters}, ledger)
        async with asyncio.timeout(PATIENCE_S):
            await loop.create_connection(lambda: Link(phone, STREAM_PATH, *sealed.headers), HOST, port)
            await phone.open.wait()
        call = Call(phone, ledger, expected)
        if self.keep:
            self._kept[caller] = call
        return call


@asynccontextmanager
async def open_desk() -> AsyncIterator[tuple[Desk, int]]:
    """A desk and the port it listens at."""
    desk = Desk()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Link(Model(desk)), HOST, 0, backlog=1024)
    try:
        yield desk, server.sockets[0].getsockname()[1]
    finally:
        server.close()


def clock() -> float:
    """The one clock of a run."""
    return perf_counter()


__all__ = ["FLOW", "FRAME", "HOST", "PATIENCE_S", "Call", "Desk", "Model", "Phone", "clock", "number", "open_desk"]
