"""Sessions that are opened before their call's stream comes: between the webhook and the stream there is time for the
model's handshake and setup. Nothing but the setup is sent; to greet is the call's business.

    prepare   a call was announced: dial, send the setup, read until it is taken, keep the socket
    take      its stream is here, and goes on with that session, also where it is still being opened
    drop      the stream never came, or wants another setup: the socket is closed
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeGuard

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from gateway.call.facts import ModelGone
from gateway.flow.load import Flows
from gateway.live import messages
from gateway.live.closing import classify
from gateway.live.endpoint import Endpoint
from gateway.live.messages import LiveProtocolError, Ready, ServerMessage, Setup
from gateway.live.models import Backend
from gateway.server.afterwards import Served
from gateway.server.breaker import Breaker, project_key
from gateway.server.live_socket import hang_up, reach
from gateway.server.plans import Caller, backend_for, find, persona_of, plan_call
from gateway.settings import Settings
from gateway.telemetry.metrics import Metrics

LIMIT = 8  # sessions that wait for a stream: it comes within a second or two, and each counts against the quota
KEEP_S = 10.0
EARLY = 16  # messages before the setup is taken: the service sends none

Dial = Callable[[], Awaitable[ClientConnection | ModelGone]]
Result = Literal["used", "expired", "stale", "failed", "full"]


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that took its setup and was sent nothing else. `messages`: what came so far, Ready among it."""

    socket: ClientConnection
    messages: tuple[ServerMessage, ...]


Opening = asyncio.Task[Opened | ModelGone | None]  # it can't be had: why, where the service said so


Refused = Callable[[ModelGone], None]


def _ignore(_gone: ModelGone) -> None:
    """The stream will meet it."""


@dataclass(frozen=True, slots=True)
class Held:
    setup: Setup
    opening: Opening
    expiry: asyncio.TimerHandle


class WarmRoom:
    """At most `limit` sessions wait for their stream, each `keep_s` seconds at most."""

    def __init__(self, metrics: Metrics, limit: int = LIMIT, keep_s: float = KEEP_S) -> None:
        self._metrics = metrics
        self._limit = limit
        self._keep_s = keep_s
        self._held: dict[str, Held] = {}  # by CallSid
        self._closing: set[Opening | asyncio.Task[None]] = set()
        self._closed = False
        self._loop = asyncio.get_running_loop()

    def prepare(self, call_sid: str, setup: Setup, dial: Dial, refused: Refused = _ignore) -> bool:
        """Open a session in the background; `refused` is told why there is none. A call that has one keeps it; False
        where there is room for none."""
        if call_sid in self._held:
            return True
        if self._closed or len(self) >= self._limit:
            self.count("full")
            return False
        opening = self._loop.create_task(_open(setup, dial, refused), name="live-warm")
        expiry = self._loop.call_later(self._keep_s, self._drop, call_sid, "expired")
        self._held[call_sid] = Held(setup, opening, expiry)
        opening.add_done_callback(partial(self._opened, call_sid))
        return True

    def take(self, call_sid: str, setup: Setup) -> Warmed | None:
        """The call's session, ready or on its way; None where there is none, or not with this setup."""
        held = self._held.get(call_sid)
        if held is None:
            return None
        if held.setup != setup or (held.opening.done() and not _alive(held.opening.result())):
            self._drop(call_sid, "stale")
            return None
        del self._held[call_sid]
        held.expiry.cancel()
        return Warmed(held.opening, self)

    def close(self) -> None:
        """Open no more, and close what nobody took; `empty` waits for that."""
        self._closed = True
        for call_sid in list(self._held):
            self._drop(call_sid, "expired")

    async def empty(self) -> None:
        """Wait until no socket is left that nobody took."""
        while tasks := [*self._closing, *(held.opening for held in self._held.values())]:
            await asyncio.wait(tasks)

    def __len__(self) -> int:
        """Sockets that nobody took."""
        return len(self._held) + len(self._closing)

    def count(self, result: Result) -> None:
        self._metrics.add("gateway_warm_sessions_total", result=result)

    def let_go(self, opening: Opening, result: Result) -> None:
        """Close a session in whatever state it is."""
        self.count(result)
        task: Opening | asyncio.Task[None] = opening
        if not opening.done():
            opening.cancel()
        elif isinstance(opened := opening.result(), Opened):
            task = self._loop.create_task(hang_up(opened.socket), name="live-warm-close")
        else:
            return
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _drop(self, call_sid: str, result: Result) -> None:
        held = self._held.pop(call_sid)
        held.expiry.cancel()
        self.let_go(held.opening, result)

    def _opened(self, call_sid: str, opening: Opening) -> None:
        """Forget at once what can't be had: the stream dials by itself."""
        held = self._held.get(call_sid)
        if held is None or held.opening is not opening or opening.cancelled():
            return
        if not isinstance(opening.result(), Opened):
            self._drop(call_sid, "failed")


class Warmed:
    """A session that a call has taken. Who takes it asks for it, once."""

    def __init__(self, opening: Opening, room: WarmRoom) -> None:
        self._opening = opening
        self._room = room

    async def session(self) -> Opened | ModelGone | None:
        """The session, when it is ready; None where another may be had, and the refusal where to ask again is no use.
        Cancelled, this leaves no socket behind."""
        try:
            opened = await asyncio.shield(self._opening)
        except asyncio.CancelledError:
            self._room.let_go(self._opening, "expired")
            raise
        if not _alive(opened):
            self._room.let_go(self._opening, "failed")
            return opened if isinstance(opened, ModelGone) and not classify(opened.code, opened.reason).retry else None
        self._room.count("used")
        return opened


class Warmer:
    """Opens the session of a call that was announced, as its stream will ask for it."""

    def __init__(
        self, room: WarmRoom, settings: Settings, endpoint: Callable[[Backend], Awaitable[Endpoint]], breaker: Breaker
    ) -> None:
        self.room = room
        self._settings = settings
        self._endpoint = endpoint
        self._breaker = breaker
        self._clock = asyncio.get_running_loop().time

    def warm(self, flows: Flows, call_sid: str, served: Served, caller: Caller) -> bool:
        """Begin, and wait for nothing; False where there is no room, or no quota. Raises NoSuchLine. A setup that holds
        the time of day is another one if the minute ends before the stream comes: the stream then opens its own."""
        flow, line = find(flows, served.flow, served.line)
        persona = persona_of(flow, line, served.persona)
        plan = plan_call(flow, line, persona, caller, self._settings)
        backend = backend_for(persona, self._settings)
        project = project_key(backend, self._settings.google.project)
        if self._breaker.open(project, self._clock(), call_sid):
            return False
        dial = partial(reach, partial(self._endpoint, backend))
        return self.room.prepare(call_sid, plan.setup, dial, partial(self._refused, project))

    def _refused(self, project: str, gone: ModelGone) -> None:
        """What a stream would have met: the calls to come are spared it."""
        if classify(gone.code, gone.reason).kind == "quota":
            self._breaker.quota(project, self._clock())


async def _open(setup: Setup, dial: Dial, refused: Refused) -> Opened | ModelGone | None:
    """A session that took `setup`. A socket that isn't returned is closed."""
    socket = await dial()
    if isinstance(socket, ModelGone):
        refused(socket)
        return socket
    came: tuple[ServerMessage, ...] | None = None
    try:
        await socket.send(messages.build(setup))
        came = await _until_ready(socket)
    except ConnectionClosed as closed:
        if closed.rcvd is None:
            return None
        gone = ModelGone(closed.rcvd.code, closed.rcvd.reason)
        refused(gone)
        return gone
    except LiveProtocolError:
        return None
    finally:
        if came is None:
            await hang_up(socket)
    return Opened(socket, came)


async def _until_ready(socket: ClientConnection) -> tuple[ServerMessage, ...]:
    """What comes, to the frame with Ready. Later frames stay in the socket. Raises as the socket and the parser do."""
    came: list[ServerMessage] = []
    while not any(isinstance(message, Ready) for message in came):
        if len(came) > EARLY:
            raise LiveProtocolError("messages without end before setupComplete")
        came += messages.parse(await socket.recv(decode=False))
    return tuple(came)


def _alive(opened: Opened | ModelGone | None) -> TypeGuard[Opened]:
    return isinstance(opened, Opened) and opened.socket.state is State.OPEN
