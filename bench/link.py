"""One WebSocket on asyncio's lowest floor: a protocol that hands whole frames, with their time, to a peer."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Protocol, cast

from bench.frames import BINARY, CLOSE, PONG, TEXT, UPGRADED, Reader, accept, client_frame, server_frame, upgrade

NO_CODE = 1006


class Peer(Protocol):
    """Who sits at a link."""

    def opened(self, link: Link) -> None:
        """The handshake is done."""

    def heard(self, payload: bytes, at: float) -> None:
        """One message, read at `at` (perf_counter)."""

    def gone(self, code: int) -> None:
        """The link is over: its close code, an HTTP status, or 1006."""


class Link(asyncio.Protocol):
    """A client where `path` is given, else a server."""

    def __init__(self, peer: Peer, path: str = "", *headers: str) -> None:
        self._peer = peer
        self._path = path
        self._headers = headers
        self._reader = Reader()
        self._head: bytes | None = b""  # of the handshake; None once that is done
        self._code = NO_CODE
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self._path:
            host, port = transport.get_extra_info("peername")[:2]
            self.transport.write(upgrade(f"{host}:{port}", self._path, *self._headers))

    def data_received(self, data: bytes) -> None:
        at = perf_counter()
        if self._head is not None:
            data = self._shake(self._head + data)
        for kind, payload in self._reader.feed(data):
            if kind in (TEXT, BINARY):
                self._peer.heard(payload, at)
            else:
                self._control(kind, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        self._peer.gone(self._code)

    def send(self, payload: bytes) -> None:
        """One message: text from a client, binary from a server, as Twilio and the Live API send them."""
        self.transport.write(client_frame(payload) if self._path else server_frame(payload))

    def close(self, code: int = 1000, reason: bytes = b"") -> None:
        """Close in order: a close frame, and the socket."""
        payload = code.to_bytes(2, "big") + reason
        self.transport.write(client_frame(payload, CLOSE) if self._path else server_frame(payload, CLOSE))
        self.transport.close()

    def _shake(self, head: bytes) -> bytes:
        """What follows the handshake; nothing while it isn't whole."""
        end = head.find(b"\r\n\r\n")
        if end < 0:
            self._head = head
            return b""
        if self._path and not head.startswith(UPGRADED):
            self._code = int(head[9:12])
            self.transport.close()
            return b""
        if not self._path:
            self.transport.write(accept(head))
        self._head = None
        self._peer.opened(self)
        return head[end + 4 :]

    def _control(self, kind: int, payload: bytes) -> None:
        match kind:
            case 0x88:
                self._code = int.from_bytes(payload[:2], "big") or 1005
                self.close()
            case 0x89:
                frame = client_frame(payload, PONG) if self._path else server_frame(payload, PONG)
                self.transport.write(frame)
            case 0x8A:
                return
            case _:
                raise ValueError(f"a frame that begins with {kind:#x}")
