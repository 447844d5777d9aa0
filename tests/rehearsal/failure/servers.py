"""A little HTTP server that answers as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


Answer = Callable[[Asked], tuple[int, str] | None]  # None: hang up without one


@dataclass
class Server:
    """`asked` is every request, `/readyz` apart; `ready` what that answers (0: it refuses, None: never anything)."""

    answer: Answer
    port: int = 0
    ready: int | None = 200
    asked: list[Asked] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await _asked(reader)
        if asked.path == "/readyz" and self.ready is None:
            await reader.read()
        elif asked.path == "/readyz":
            _reply(writer, self.ready or 500, "")
        else:
            self.asked.append(asked)
            said = self.answer(asked)
            if said is not None and asked.path == "/stay":
                _switch(writer, said[1])
                await reader.read()
            elif said is not None:
                _reply(writer, *said)


def _reply(writer: asyncio.StreamWriter, status: int, body: str) -> None:
    writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())


def _switch(writer: asyncio.StreamWriter, words: str) -> None:
    """Another protocol from here on, as a stream's handshake has it."""
    writer.write(f"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: talk\r\n\r\n{words}".encode())


async def _asked(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    method, path, _ = first.split(" ")
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, headers, body.decode())


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Server]:
    here = Server(answer)
    server = await asyncio.start_server(here.serve, "127.0.0.1", 0)
    here.port = server.sockets[0].getsockname()[1]
    try:
        yield here
    finally:
        server.close()
