"""What goes wrong below the session: connections that break, pings that nobody answers, messages
after the close frame."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakSet

from websockets.asyncio.server import ServerConnection
from websockets.frames import Close, Frame, Opcode


class Breaker:
    """Breaks every connection that is open, as a network does: without a close frame."""

    def __init__(self) -> None:
        self._sockets: WeakSet[ServerConnection] = WeakSet()

    def watch(self, socket: ServerConnection) -> None:
        self._sockets.add(socket)

    def cut(self) -> None:
        for socket in list(self._sockets):
            socket.transport.abort()


def sends_no_pong(socket: ServerConnection) -> None:
    """The library answers pings by itself, before anybody is asked."""
    send = socket.protocol.send_frame

    def others(frame: Frame) -> None:
        if frame.opcode is not Opcode.PONG:
            send(frame)

    socket.protocol.send_frame = others  # type: ignore[method-assign]


def closes_and_talks_on(socket: ServerConnection, code: int, reason: str, after: Sequence[bytes]) -> None:
    """A close frame and messages behind it, past the library, which keeps the protocol."""
    frames = [Frame(Opcode.CLOSE, Close(code, reason).serialize()), *(Frame(Opcode.BINARY, data) for data in after)]
    socket.transport.write(b"".join(frame.serialize(mask=False) for frame in frames))
