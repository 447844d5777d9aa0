"""A load balancer of our own: least connections, readiness checks, another instance where one takes no connection,
`X-Forwarded-Proto`. It carries bytes; of HTTP it knows the first request's head."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.rehearsal.failure.balancer import CHECK_S, CONNECT_S, HEAD_S, Frozen, Rules
from gateway.rehearsal.failure.requests import get

HEAD_BYTES = 16 * 1024
PIECE = 64 * 1024
FORWARDED = b"\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 127.0.0.1"
NOBODY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(eq=False)
class Session:
    """One client's connection and the one to its instance."""

    client: asyncio.StreamWriter
    behind: asyncio.StreamWriter
    since: float

    def cut(self) -> None:
        """Without a word: what a client of a dead machine sees."""
        for side in (self.client, self.behind):
            side.transport.abort()


@dataclass(eq=False)
class Backend:
    """One instance. `taking`: it may get new connections."""

    port: int
    taking: bool = True
    silences: int = 0
    sessions: set[Session] = field(default_factory=set)

    def cut(self) -> None:
        for session in list(self.sessions):
            session.cut()


class OwnBalancer:
    """A Balancer."""

    def __init__(self, rules: Rules, frozen: Frozen) -> None:
        self.port = 0
        self._rules = rules
        self._frozen = frozen
        self._backends: dict[int, Backend] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """On a free port the first time, then always on the same."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=HEAD_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        await self.cut()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def cut(self) -> None:
        for backend in self._backends.values():
            backend.cut()

    async def add(self, port: int) -> None:
        self._backends[port] = Backend(port)

    async def remove(self, port: int) -> None:
        self._backends[port].taking = False
        self._backends[port].silences = -1  # and asks it nothing more

    async def carried(self, port: int) -> int:
        return len(self._backends[port].sessions)

    async def watch(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                for backend in list(self._backends.values()):
                    if backend.silences >= 0:
                        group.create_task(self._check(backend), name=f"check-{backend.port}")
                await self._round()

    async def _round(self) -> None:
        await asyncio.sleep(CHECK_S)
        limit_s = self._rules.limit_s
        if limit_s is None:
            return
        for backend in self._backends.values():
            for session in list(backend.sessions):
                if time.monotonic() - session.since >= limit_s:
                    session.cut()

    async def _check(self, backend: Backend) -> None:
        try:
            status = await get(backend.port, "/readyz", self._rules.patience.answer_s)
        except TimeoutError:
            self._silent(backend)
            return
        if backend.silences < 0:
            return  # it was removed meanwhile
        backend.silences = 0
        backend.taking = status == 200
        if status == 0:
            backend.cut()

    def _silent(self, backend: Backend) -> None:
        if backend.silences < 0:
            return
        backend.silences += 1
        if backend.silences >= self._rules.patience.silences and backend.taking:
            backend.taking = False
            backend.cut()
            self._frozen(backend.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_S):
                head = await reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
            return
        found = await self._connect()
        if found is None:
            writer.write(NOBODY)
            writer.close()
            return
        backend, behind_reader, behind = found
        first, end = head[:-4], head[-4:]
        behind.write(first + FORWARDED + end)
        session = Session(writer, behind, time.monotonic())
        backend.sessions.add(session)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, behind), name="up")
                group.create_task(_pump(behind_reader, writer), name="down")
        except asyncio.CancelledError:
            session.cut()
            raise
        finally:
            backend.sessions.discard(session)

    async def _connect(self) -> tuple[Backend, asyncio.StreamReader, asyncio.StreamWriter] | None:
        """The one with the fewest connections that takes another; None where nobody does."""
        able = [backend for backend in self._backends.values() if backend.taking]
        for backend in sorted(able, key=lambda one: len(one.sessions)):
            with suppress(OSError):
                async with asyncio.timeout(CONNECT_S):
                    return backend, *await asyncio.open_connection("127.0.0.1", backend.port, limit=PIECE)
            backend.taking = False  # until a check says otherwise
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side has ended; then both are, for nobody here speaks on when the other has hung up."""
    with suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()
