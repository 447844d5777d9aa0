"""The sockets of the stand-in: one task group a connection, one loop that steps the session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol, assert_never
from weakref import WeakKeyDictionary

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from gateway.live.messages import MAX_MESSAGE_BYTES, LiveProtocolError, build_server, parse_client
from gateway.rehearsal.standin.doors import Door, enter
from gateway.rehearsal.standin.orders import Close, Cut, Order, Orders, Raw, Recognise, Send, Synthesise, Told, Value
from gateway.rehearsal.standin.session import Session
from gateway.rehearsal.standin.talk import House
from gateway.rehearsal.standin.trouble import Part, Player, part_of
from gateway.rehearsal.standin.turns import Ended
from gateway.rehearsal.standin.wire import Breaker, closes_and_talks_on, sends_no_pong
from gateway.rehearsal.voice import Speaker, Voice, VoiceError, sentences, speaker_for, tones

QUEUED = 64  # frames read ahead of the session; then the socket's own flow control brakes the client
JOBS = 64  # that wait for ears or voice, 2 MB of sound each at most; a client that asks for more is refused
REASON_BYTES = 123  # all that a close frame holds beside its code (RFC 6455)

_TONES = Voice("tones", tones)
_BUSY = "RESOURCE_EXHAUSTED: too many turns at once"

Emit = Callable[[str, Mapping[str, Value]], None]


class Hears(Protocol):
    """Ears: `rehearsal.ears`, or others."""

    engine: str
    unknown: tuple[str, ...]

    def hear(self, pcm: bytes, rate: int) -> str:
        """What was said, as text; empty for what isn't known."""


@dataclass(frozen=True, slots=True)
class Kit:
    """What the server works with. `ears` is called in a thread, so it may take its time to load them."""

    house: House
    voice: Voice
    ears: Callable[[], Hears]
    emit: Emit
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(frozen=True, slots=True)
class Visit:
    """One connection: its number, from its knock on, and how it goes wrong."""

    number: int
    part: Part


@dataclass(frozen=True, slots=True)
class Recognised:
    speech: Ended
    words: str


@dataclass(frozen=True, slots=True)
class Synthesised:
    work: int
    sentence: str
    pcm: bytes


Fact = str | bytes | Recognised | Synthesised | None  # a frame, a worker's result, or None: the socket is closed


@asynccontextmanager
async def serving(kit: Kit, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """The server, listening; gives its URL, ws://host:port. Raises OSError where the port is taken."""
    visits: WeakKeyDictionary[ServerConnection, Visit] = WeakKeyDictionary()
    count = 0

    async def check(socket: ServerConnection, request: Request) -> Response | None:
        nonlocal count
        count += 1
        visits[socket] = Visit(count, part_of(kit.house.script.hostile, count))
        kit.breaker.watch(socket)
        return await _check(socket, request, visits[socket], kit.emit)

    async def connected(socket: ServerConnection) -> None:
        await _connected(socket, kit, visits[socket])

    async with serve(
        connected,
        host,
        port,
        process_request=check,
        compression=None,
        max_size=MAX_MESSAGE_BYTES,
        ping_interval=None,
        close_timeout=1,
    ) as server:
        yield f"ws://{host}:{_port(server)}"


def _port(server: Server) -> int:
    port = next(iter(server.sockets)).getsockname()[1]
    assert isinstance(port, int)
    return port


async def _check(socket: ServerConnection, request: Request, visit: Visit, emit: Emit) -> Response | None:
    door, trouble = _door(request), visit.part.trouble
    if trouble.wait_s or trouble.status:
        emit("hostile", {"connection": visit.number, "wait_s": trouble.wait_s, "status": trouble.status})
        with suppress(TimeoutError):
            await asyncio.wait_for(socket.wait_closed(), trouble.wait_s)
    status = trouble.status or (door if isinstance(door, int) else 0)
    return socket.respond(HTTPStatus(status), f"{HTTPStatus(status).phrase}\n") if status else None


def _door(request: Request) -> Door | int:
    return enter(request.path, {name.lower(): value for name, value in request.headers.raw_items()})


async def _connected(socket: ServerConnection, kit: Kit, visit: Visit) -> None:
    request = socket.request
    door = _door(request) if request else 404
    if isinstance(door, int):  # _check let only doors through
        raise AssertionError(door)
    if door.refusal:
        kit.emit("refused", {"connection": visit.number, "code": 1007, "reason": door.refusal})
        await socket.close(1007, door.refusal)
        return
    await Connection(socket, kit, door, visit).run()


class Connection:
    """One client's socket."""

    def __init__(self, socket: ServerConnection, kit: Kit, door: Door, visit: Visit) -> None:
        self._socket = socket
        self._kit = kit
        self._door = door
        self._number = visit.number
        self._player = Player(visit.part)
        if not visit.part.trouble.pong:
            sends_no_pong(socket)
        self._facts: asyncio.Queue[Fact] = asyncio.Queue(QUEUED)
        self._jobs: asyncio.Queue[Recognise | Synthesise] = asyncio.Queue(JOBS)
        self._session = Session(kit.house, door.backend, door.version, time.monotonic())

    async def run(self) -> None:
        self._emit("session-opened", {"backend": self._door.backend, "version": self._door.version})
        try:
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(self._read(), name="read")
                worker = group.create_task(self._work(), name="work")
                await self._loop()
                reader.cancel()
                worker.cancel()
        finally:
            self._session.end()
            code, reason = self._socket.close_code, self._socket.close_reason
            self._emit("closed", {"name": self._session.name, "code": code, "reason": reason})

    async def _loop(self) -> None:
        try:
            while not self._session.closed:
                fact = await self._next()
                if fact is None:
                    return
                await self._obey(fact)
        except ConnectionClosed:
            return

    async def _next(self) -> Fact | Orders:
        """The next fact, or the orders of a tick that is due."""
        deadlines = (self._session.deadline(), self._player.deadline())
        deadline = min((due for due in deadlines if due is not None), default=None)
        if deadline is not None and deadline <= time.monotonic():
            return self._session.tick(time.monotonic())
        wait = None if deadline is None else deadline - time.monotonic()
        try:
            async with asyncio.timeout(wait):
                fact = await self._facts.get()
        except TimeoutError:
            return self._session.tick(time.monotonic())
        return fact

    async def _obey(self, fact: Fact | Orders) -> None:
        orders = fact if isinstance(fact, tuple) else self._step(fact)
        now = time.monotonic()
        for order in (*self._player.play(orders, now), *self._player.tick(now)):
            if self._jobs.full() and isinstance(order, Recognise | Synthesise):
                return await self._obey(self._session.refuse(LiveProtocolError(_BUSY, 1011)))
            await self._do(order)

    def _step(self, fact: Fact) -> Orders:
        now = time.monotonic()
        match fact:
            case Recognised():
                return self._session.recognised(fact.speech, fact.words, now)
            case Synthesised():
                self._session.synthesised(fact.work, fact.sentence, fact.pcm)
                return ()
            case None:
                return ()
            case _:
                return self._frame(fact, now)

    def _frame(self, frame: str | bytes, now: float) -> Orders:
        try:
            messages = parse_client(frame)
        except LiveProtocolError as fault:
            return self._session.refuse(fault)
        orders: Orders = ()
        for message in messages:
            if not self._session.closed:
                orders += self._session.handle(message, now)
        return orders

    async def _do(self, order: Order) -> None:
        match order:
            case Told():
                self._emit(order.event, order.fields)
            case Send():
                await self._socket.send(build_server(*order.messages, vertex=self._door.backend == "vertex"))
            case Raw():
                await self._socket.send(order.frame)
            case Recognise() | Synthesise():
                self._jobs.put_nowait(order)
            case Close():
                await self._close(order)
            case Cut():
                self._socket.transport.abort()
            case _:
                assert_never(order)

    async def _close(self, order: Close) -> None:
        reason = order.reason.encode()[:REASON_BYTES].decode(errors="ignore")
        if order.after:
            closes_and_talks_on(self._socket, order.code, reason, order.after)
        else:
            await self._socket.close(order.code, reason)

    async def _read(self) -> None:
        try:
            async for frame in self._socket:
                await self._facts.put(frame)
        except ConnectionClosed:
            pass
        await self._facts.put(None)

    async def _work(self) -> None:
        """Recognise and synthesise in threads, one job at a time, so that results keep the order of the orders."""
        while True:
            job = await self._jobs.get()
            match job:
                case Recognise(speech):
                    words = await asyncio.to_thread(lambda heard: self._kit.ears().hear(heard.pcm, heard.rate), speech)
                    await self._facts.put(Recognised(speech, words))
                case Synthesise():
                    await self._synthesise(job)
                case _:
                    assert_never(job)

    async def _synthesise(self, job: Synthesise) -> None:
        """The text by the kit's voice; from a sentence that it can't speak on, by tones."""
        speaker, voice = speaker_for(job.voice, job.language), self._kit.voice
        for sentence in sentences(job.text):
            if not self._session.wants(job.work):
                return
            voice, pcm = await self._spoken(voice, sentence, speaker)
            await self._facts.put(Synthesised(job.work, sentence, pcm))
        await self._facts.put(Synthesised(job.work, "", b""))

    async def _spoken(self, voice: Voice, sentence: str, speaker: Speaker) -> tuple[Voice, bytes]:
        """The sentence's sound, and the voice that spoke it."""
        try:
            return voice, await asyncio.to_thread(voice.sentence, sentence, speaker)
        except VoiceError as fault:
            self._emit("voice-failed", {"voice": voice.name, "why": str(fault)})
            return _TONES, _TONES.sentence(sentence, speaker)

    def _emit(self, event: str, fields: Mapping[str, Value]) -> None:
        self._kit.emit(event, {"connection": self._number, **fields})
