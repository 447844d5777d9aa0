"""A WebSocket that can misbehave: `websockets` speaks the protocol, and the connection below it is ours to break."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress

from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from gateway.twilio import media

CHUNK = 65_536
LINGER_NOT = struct.pack("ii", 1, 0)  # the kernel drops what is unsent, and closing sends RST instead of FIN


class WireError(Exception):
    """The peer's handshake is none."""


class Wire:
    """One connection. `ending` says how the peer's side ended, once it has."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.ending = ""
        self._reader, self._writer = reader, writer
        self._protocol = ServerProtocol(max_size=media.MAX_MESSAGE_BYTES)

    def open(self, head: bytes) -> None:
        """Answers the handshake. Raises WireError."""
        self._protocol.receive_data(head)
        for request in self._protocol.events_received():
            assert isinstance(request, Request)
            self._protocol.send_response(self._protocol.accept(request))
        self._flush()
        if self._protocol.state is not State.OPEN:
            raise WireError(f"no WebSocket handshake: {self._protocol.handshake_exc}")

    async def texts(self) -> list[str]:
        """The messages that came with the next piece of data; `ending` is set once there will be no more."""
        try:
            piece = await self._reader.read(CHUNK)
        except OSError as broken:
            self.ending = f"the connection broke ({type(broken).__name__})"
            return []
        if piece:
            self._protocol.receive_data(piece)
        else:
            self._protocol.receive_eof()
            self.ending = self.ending or "the connection ended without a close frame"
        self._flush()
        frames = [event for event in self._protocol.events_received() if isinstance(event, Frame)]
        for frame in frames:
            if frame.opcode is Opcode.CLOSE:
                self.ending = f"close frame {Close.parse(frame.data).code}"
        return [bytes(frame.data).decode("utf-8", "replace") for frame in frames if frame.opcode is Opcode.TEXT]

    async def listen(self, for_s: float) -> None:
        """Reads, and drops it, for so long or until the peer's side has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                while not self.ending:
                    await self.texts()

    async def send(self, text: str) -> None:
        self._protocol.send_text(text.encode())
        self._flush()
        with suppress(OSError):  # the reader tells
            await self._writer.drain()

    def close(self, code: int) -> None:
        """The close frame; the connection stays until the peer has answered."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code)
            self._flush()

    def freeze(self) -> None:
        """Nothing more is read: what the peer sends fills the buffers of the way, and is not acknowledged then."""
        transport = self._writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        transport.pause_reading()

    def thaw(self) -> None:
        transport = self._writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        transport.resume_reading()

    def reset(self) -> None:
        reset(self._writer)

    def _flush(self) -> None:
        for piece in self._protocol.data_to_send():
            if piece:
                self._writer.write(piece)
            elif self._writer.can_write_eof():
                self._writer.write_eof()


def reset(writer: asyncio.StreamWriter) -> None:
    """TCP RST, with nothing before it."""
    below = writer.get_extra_info("socket")
    if below is not None:
        below.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    writer.transport.abort()
